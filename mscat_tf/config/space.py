"""The search space against the configuration: every value is tried on paper before anything is trained."""

from collections.abc import Mapping
from typing import Any

from mscat_tf.config.load import Config
from mscat_tf.config.search import Dimension, Range, SearchSettings
from mscat_tf.errors import ConfigError


def checked_space(config: Config) -> SearchSettings:
    """The section `search`, found to fit the rest of the configuration.

    Each value of a list, and both ends of a range, is put in place of the setting, one at a time. What two of them
    together make impossible shows in the trial itself, which then counts as failed.

    Raises:
        ConfigError: there is no section, a name is unknown (the nearest known one is named), or a value is refused.
    """
    settings = config.search
    if settings is None:
        raise ConfigError(
            f"{config.name}: no section 'search' here; add one with trials, epochs and space (see search.yaml, which "
            "ships), or take it as base"
        )
    if config.train.strategy == "multi_worker":
        raise ConfigError("train.strategy = multi_worker: a search trains on one machine; choose mirrored")
    for name, dimension in settings.space.items():
        for value in ends(dimension):
            trial_config(config, 0, {name: value}, f"search.space: {name} = {value}")
    return settings


def ends(dimension: Dimension) -> tuple[Any, ...]:
    """All values of a list, or both ends of a range."""
    return (dimension.min, dimension.max) if isinstance(dimension, Range) else dimension


def trial_config(
    config: Config, number: int, values: Mapping[str, Any], where: str, epochs: int | None = None
) -> Config:
    """What one trial trains: the configuration with these values and the search's own epochs and objective.

    Args:
        config: of the search. number: of the trial. values: by dotted name. where: begins the sentence of an error.
        epochs: instead of `search.epochs`.

    Raises:
        ConfigError: the values are impossible, alone or together.
    """
    search = config.search
    assert search is not None
    own = {
        "name": f"{config.name}-trial-{number:04d}",
        "train.epochs": epochs or search.epochs,
        "train.monitor": search.objective,
        "search": None,
    }
    return config.replaced({**values, **own}, where)


def best_config(config: Config, values: Mapping[str, Any]) -> Config:
    """The configuration with the values of the best trial, ready for `mscat train`: its own epochs again, no search."""
    search = config.search
    assert search is not None
    own = {"name": f"{config.name}-best", "train.monitor": search.objective, "search": None}
    return config.replaced({**values, **own}, "best trial")
