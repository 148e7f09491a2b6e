"""A study: configurations that differ in what is asked about, trained with several seeds and compared."""

from importlib import resources
from typing import Any

from pydantic import Field, PositiveInt, ValidationError, model_validator

from mscat_tf.config.base import Settings, as_config_error, parse_yaml, unknown_key
from mscat_tf.config.load import Config, load_config
from mscat_tf.config.sample import ProcessName
from mscat_tf.errors import ConfigError

FOLDER = "studies"


class Row(Settings):
    """One configuration of a study.

    Attributes:
        base: configuration that it stands on; null means that of the study.
        set: `section.key=value`, on top of base and scale.
        against: the row with which it is compared on the same test events; null means the reference.
    """

    base: str | None = None
    set: tuple[str, ...] = ()
    against: str | None = None


class Scale(Settings):
    """How much is spent.

    Attributes:
        seeds: trainings of each row. set: `section.key=value` for every row.
    """

    seeds: PositiveInt
    set: tuple[str, ...] = ()


class Study(Settings):
    """What `mscat reproduce NAME` does.

    Attributes:
        name: of files and folders. title: a heading. question: what it is to decide, in words.
        base: configuration on which rows stand that name no other. reference: the row with which the others are
            compared.
        scales: `demo` for two cores, `paper` for a node with GPUs. rows: by name, in the order of the table.
    """

    name: ProcessName
    title: str
    question: str
    base: str = "demo"
    reference: str
    scales: dict[str, Scale] = Field(min_length=1)
    rows: dict[str, Row] = Field(min_length=1)

    @model_validator(mode="after")
    def _possible(self) -> "Study":
        for name in (self.reference, *(row.against for row in self.rows.values() if row.against)):
            if name not in self.rows:
                raise ValueError(f"there is no row '{name}' to compare with; rows: {', '.join(self.rows)}")
        return self

    def compared_with(self, row: str) -> str | None:
        """The row that this one is compared with; None for one that stands by itself."""
        against = self.rows[row].against or self.reference
        return None if against == row else against

    def configurations(self, scale: str) -> dict[str, Config]:
        """By row, each with a run name of its own that depends on nothing but what decides the training.

        Two studies that ask for the same training so share its folder.

        Raises:
            ConfigError: there is no such scale, or a setting is refused.
        """
        if scale not in self.scales:
            raise ConfigError(f"study {self.name}: {unknown_key(scale, list(self.scales))}")
        chosen = self.scales[scale]
        common = (*chosen.set, f"train.repeats={chosen.seeds}")
        return {
            name: _named(load_config(row.base or self.base, [*common, *row.set])) for name, row in self.rows.items()
        }


def _named(config: Config) -> Config:
    return config.updated([f"name={config.model.name}-{config.decisive_digest[:8]}"])


def studies() -> list[str]:
    """Names of those that ship."""
    files = (file.name for file in _shipped().iterdir())
    return sorted(name.removesuffix(".yaml") for name in files if name.endswith(".yaml"))


def load_study(name: str) -> Study:
    """One that ships.

    Raises:
        ConfigError: there is none of this name, or its file is wrong.
    """
    if name not in studies():
        raise ConfigError(f"study: {unknown_key(name, studies())}")
    where = f"{FOLDER}/{name}.yaml"
    try:
        return Study(**parse_yaml(_shipped().joinpath(f"{name}.yaml").read_text(), where))
    except ValidationError as error:
        raise as_config_error(error, where) from error


def _shipped() -> Any:
    return resources.files("experiments").joinpath(FOLDER)
