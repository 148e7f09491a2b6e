"""One configuration from a YAML file, the name of a shipped one, and `--set key=value` overrides.

A file may say `base: demo` (a shipped name, or a path as seen from the file) and give only what it changes.
"""

from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import Field, ValidationError, model_validator

from mscat_tf.config.base import Settings, as_config_error, digest, parse_yaml, safe_yaml, unknown_key
from mscat_tf.config.model import ModelSettings
from mscat_tf.config.networks.analysis_model import ANALYSIS_MODEL
from mscat_tf.config.sample import ProcessName, SampleSettings
from mscat_tf.config.search import SearchSettings
from mscat_tf.config.training import (
    DataSettings,
    EvaluationSettings,
    ExplanationSettings,
    TrainSettings,
)
from mscat_tf.errors import ConfigError
from mscat_tf.physics.high_level_columns import chosen_columns

Section = TypeVar("Section", bound=Settings)

DECIDES_NO_TRAINING = ("strategy", "logical_devices", "worker_timeout", "steps_per_execution", "checkpoint_minutes")
"""Settings of `train` with which a training may be resumed on another machine."""


class Config(Settings):
    """Everything that decides a result. `name` is the run's folder below `runs/`."""

    name: ProcessName
    seed: int = Field(default=1, ge=0, lt=2**31)
    sample: SampleSettings
    data: DataSettings = DataSettings()
    model: ModelSettings = ModelSettings()
    train: TrainSettings = TrainSettings()
    evaluate: EvaluationSettings = EvaluationSettings()
    explain: ExplanationSettings = ExplanationSettings()
    search: SearchSettings | None = None

    @model_validator(mode="after")
    def _jet_variables(self) -> "Config":
        """Let `data.high_level_features` name what the modules of `analysis_model` read, and nothing else."""
        if self.model.name == ANALYSIS_MODEL:
            given, derived = self.data.high_level_features, self.data.preparation.high_level
            chosen = chosen_columns(["all"] if derived is None else derived) if given is None else given
            read = {"high_level_features": self.model.analysis_model.all_columns(chosen)}
            self.__dict__["data"] = self.data.model_copy(update=read)  # frozen, but nobody has seen it yet
        return self

    @model_validator(mode="after")
    def _same_labels(self) -> "Config":
        if self.data.shuffle_labels and self.data.label_seed is None and self.train.repeats > 1:
            raise ValueError(
                f"train.repeats = {self.train.repeats}: data.shuffle_labels gives every seed labels of its own, which "
                "no ensemble can share; set data.label_seed=1, or train one seed after the other with seed=1, 2, ..."
            )
        return self

    def updated(self, overrides: Sequence[str]) -> "Config":
        """A copy with `section.key=value` overrides applied and validated."""
        values = self.model_dump(mode="json")
        for override in overrides:
            apply_overrides(values, override)
        return _validate(values, "with --set " + " ".join(overrides) if overrides else "configuration")

    def replaced(self, changes: Mapping[str, Any], where: str) -> "Config":
        """A copy with the settings of these dotted names replaced and validated.

        Raises:
            ConfigError: a name is unknown, or a value is refused; the sentence begins with `where`.
        """
        values = self.model_dump(mode="json")
        for name, value in changes.items():
            *sections, last = name.split(".")
            place: Any = values
            for section in sections:
                place = place.setdefault(section, {})  # what is None may be left out of a dump
                if not isinstance(place, dict):
                    raise ConfigError(f"{where}: '{name}' goes on below a value; end it one key earlier")
            place[last] = value
        return _validate(values, where)

    @property
    def decisive_digest(self) -> str:
        """Digest of all that decides one training: events, network, practice, seed; not how many seeds, nor where.

        What stands at its default is left out, so a setting that a later version adds changes no digest; so are the
        sections of networks other than the one trained.
        """
        found = self.decisive(exclude_defaults=True)
        found.get("train", {}).pop("repeats", None)
        return digest(found)

    def decisive(self, exclude_defaults: bool = False) -> dict[str, Any]:
        """A dump of all that decides a training: not where it runs, nor the sections of networks it does not train."""
        parts = {"seed", "sample", "data", "model", "train"}
        found = self.model_dump(mode="json", include=parts, exclude_defaults=exclude_defaults)
        for name in DECIDES_NO_TRAINING:
            found.get("train", {}).pop(name, None)
        of_network = found.get("model", {})
        for section in [key for key, value in of_network.items() if isinstance(value, dict)]:
            if not self.model.name.startswith(section):  # `deep_sets_energy_flow` reads the section `deep_sets`
                del of_network[section]
        return found


def shipped_configurations() -> list[str]:
    """Names that may be given instead of a YAML file: `demo`, ..., `ablations/pooling_mean`, ..."""
    folder = shipped_folder()
    below = [entry for entry in folder.iterdir() if entry.is_dir() and entry.name != "studies"]
    places = {"": folder, **{f"{entry.name}/": entry for entry in below}}
    files = [(prefix, file.name) for prefix, place in places.items() for file in place.iterdir()]
    return sorted(prefix + name.removesuffix(".yaml") for prefix, name in files if name.endswith(".yaml"))


def load_config(source: str | Path, overrides: Sequence[str] = ()) -> Config:
    """Read a configuration.

    Args:
        source: a YAML file, or the name of one that ships (`demo`, `smoke`, ...).
        overrides: `section.key=value`; the value is read as YAML.

    Raises:
        ConfigError: the file is missing or not YAML, a key is unknown, a value is wrong, or files are each other's
            base.
    """
    values, where = _with_base(source, ()), str(source)
    for override in overrides:
        apply_overrides(values, override)
    return _validate(values, where)


def shipped_folder() -> Any:
    """The package `experiments` as it was installed with this one.

    Raises:
        ConfigError: another package of this name stands before it on Python's path.
    """
    folder = resources.files("experiments")
    if not folder.joinpath("demo.yaml").is_file():
        raise ConfigError(
            f"{folder}: another package 'experiments' hides the configurations of mscat-tf; start Python in another "
            "folder, or take this one off PYTHONPATH"
        )
    return folder


def _with_base(source: str | Path, above: tuple[str, ...]) -> dict[str, Any]:
    """Values of a file on top of those of its base; `above` are the files that led here."""
    path = Path(source)
    is_file = path.suffix in (".yaml", ".yml")
    here = str(path.resolve()) if is_file else str(source)
    if here in above:
        raise ConfigError(f"{above[0]}: base: {' -> '.join([*above, here])} goes in a circle; take out one of the keys")
    values = parse_yaml(_read(source, f"{above[-1]}: base: " if above else ""), str(source))
    base = values.pop("base", None)
    if base is None:
        return values
    if not isinstance(base, str):
        raise ConfigError(f"{source}: base: must be one name or path, not {base!r}; write for example base: demo")
    if is_file and base.endswith((".yaml", ".yml")):
        base = str(path.parent / base)
    return _merged(_with_base(base, (*above, here)), values)


def _merged(below: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """Sections are merged key by key. What is no section, a list too, is replaced; so is a section of another kind."""
    merged = dict(below)
    for key, value in changes.items():
        old = below.get(key)
        if isinstance(old, dict) and isinstance(value, dict) and value.get("kind") in (None, old.get("kind")):
            value = _merged(old, value)
        merged[key] = value
    return merged


def _read(source: str | Path, asked_by: str) -> str:
    path = Path(source)
    if path.suffix in (".yaml", ".yml"):
        try:
            return path.read_text()
        except (OSError, UnicodeDecodeError) as error:
            reason = error.__class__.__name__
            raise ConfigError(f"{asked_by}{path}: cannot be read ({reason}); check the path") from error
    names = shipped_configurations()
    if str(source) not in names:
        folder = str(source).rpartition("/")[0]
        near = [name for name in names if name.rpartition("/")[0] == folder] or names
        raise ConfigError(
            f"{asked_by}{source}: neither a .yaml file nor a shipped configuration; {unknown_key(str(source), near)}"
        )
    return str(shipped_folder().joinpath(f"{source}.yaml").read_text())


def section_alone(
    kind: type[Section], section: str, overrides: Sequence[str], why: str, given: Mapping[str, Any] | None = None
) -> Section:
    """One section of the configuration by itself: its defaults with `section.key=value` applied.

    Args:
        kind: class of the section. why: only its keys may be set, the end of the sentence that says so.
        given: values that stand before the overrides.

    Raises:
        ConfigError: a key of another section, or a value is refused.
    """
    values: dict[str, Any] = {section: dict(given or {})}
    for override in overrides:
        apply_overrides(values, override)
    if set(values) != {section}:
        raise ConfigError(f"--set {' '.join(overrides)}: only keys of the section '{section}' {why}")
    try:
        return kind.model_validate(values[section])
    except ValidationError as error:
        raise as_config_error(error, section) from error


def apply_overrides(values: dict[str, Any], override: str) -> None:
    key, equals, text = override.partition("=")
    if not equals or not key:
        raise ConfigError(
            f"--set {override}: not of the form section.key=value; write for example --set train.epochs=5"
        )
    *parents, last = key.split(".")
    place = values
    for parent in parents:
        place = place.setdefault(parent, {})
        if not isinstance(place, dict):
            raise ConfigError(f"--set {override}: '{parent}' is a value, not a section; see the keys with --dry-run")
    try:
        place[last] = safe_yaml(text)
    except yaml.YAMLError as error:
        raise ConfigError(f"--set {override}: the value is not valid YAML; quote it") from error


def _validate(values: dict[str, Any], where: str) -> Config:
    try:
        return Config.model_validate(values)
    except ValidationError as error:
        raise as_config_error(error, where) from error
