"""One configuration from a YAML file, the name of a shipped one, and `--set key=value` overrides."""

from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import yaml
from pydantic import Field, ValidationError

from mscat_tf.config.base import Settings, as_config_error, parse_yaml, unknown_key
from mscat_tf.config.model import ModelSettings
from mscat_tf.config.sample import ProcessName, SampleSettings
from mscat_tf.config.training import (
    DataSettings,
    EvaluationSettings,
    ExplanationSettings,
    TrainSettings,
)
from mscat_tf.errors import ConfigError


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

    def updated(self, overrides: Sequence[str]) -> "Config":
        """A copy with `section.key=value` overrides applied and validated."""
        values = self.model_dump(mode="json")
        for override in overrides:
            apply_overrides(values, override)
        return _validate(values, "with --set " + " ".join(overrides) if overrides else "configuration")

    def to_yaml(self) -> str:
        """The resolved configuration as YAML; loading it again gives an equal one."""
        return str(yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False))


def shipped_configurations() -> list[str]:
    """Names that may be given instead of a YAML file."""
    return sorted(p.name.removesuffix(".yaml") for p in _shipped().iterdir() if p.name.endswith(".yaml"))


def load_config(source: str | Path, overrides: Sequence[str] = ()) -> Config:
    """Read a configuration.

    Args:
        source: a YAML file, or the name of one that ships (`demo`, `smoke`, ...).
        overrides: `section.key=value`; the value is read as YAML.

    Raises:
        ConfigError: the file is missing or not YAML, a key is unknown, a value is wrong.
    """
    text, where = _read(source)
    values = parse_yaml(text, where)
    for override in overrides:
        apply_overrides(values, override)
    return _validate(values, where)


def _shipped() -> Any:
    return resources.files("experiments")


def _read(source: str | Path) -> tuple[str, str]:
    path = Path(source)
    if path.suffix in (".yaml", ".yml"):
        try:
            return path.read_text(), str(path)
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"{path}: cannot be read ({error.__class__.__name__}); check the path") from error
    names = shipped_configurations()
    if str(source) not in names:
        raise ConfigError(
            f"{source}: neither a .yaml file nor a shipped configuration; {unknown_key(str(source), names)}"
        )
    return str((_shipped() / f"{source}.yaml").read_text()), str(source)


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
        place[last] = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError(f"--set {override}: the value is not valid YAML; quote it") from error


def _validate(values: dict[str, Any], where: str) -> Config:
    try:
        return Config.model_validate(values)
    except ValidationError as error:
        raise as_config_error(error, where) from error
