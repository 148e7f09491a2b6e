"""What all settings share: frozen, strict about keys, and with a digest."""

import difflib
import hashlib
import json
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from mscat_tf.errors import ConfigError

MOST_YAML = 2**20
"""Characters of a YAML text: a file of that size is no configuration."""

Rate = Annotated[float, Field(ge=0.0, lt=1.0)]
"""Of dropout and the like."""

MOST = 2**16
Size = Annotated[int, Field(gt=0, le=MOST)]
"""A number of features, blocks, heads or constituents; a larger one is a slip, and would take all memory."""

Depth = Annotated[int, Field(ge=0, le=MOST)]
"""A number of blocks that may be none."""


class Settings(BaseModel):
    """A section of the configuration. An unknown key is refused and the nearest known one is named."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _known_keys_only(cls, values: Any) -> Any:
        if isinstance(values, dict):
            for key in values:
                if key not in cls.model_fields:
                    raise ValueError(unknown_key(str(key), list(cls.model_fields)))
        return values

    def to_yaml(self) -> str:
        """The resolved settings as YAML; loading it again gives equal ones."""
        return str(yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False))


def is_none(value: object) -> bool:
    """For `exclude_if` of a setting that came later: where it is absent, what was stored before stays the same."""
    return value is None


def unknown_key(key: str, known: list[str]) -> str:
    """Sentence about a key that does not exist, naming the nearest one that does."""
    near = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
    hint = f"did you mean '{near[0]}'? " if near else ""
    return f"unknown key '{key}'; {hint}Known here: {', '.join(known)}"


def digest(settings: BaseModel | dict[str, Any]) -> str:
    """SHA-256 (first 16 hexadecimal digits) of settings, independent of the order of their keys."""
    values = settings.model_dump(mode="json") if isinstance(settings, BaseModel) else settings
    text = json.dumps(values, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def safe_yaml(text: str) -> Any:
    """What YAML text says; its tags make no objects.

    Raises:
        yaml.YAMLError: it is not YAML, nested too deep, longer than `MOST_YAML`, or a number or a date is none.
    """
    if len(text) > MOST_YAML:
        raise yaml.YAMLError(f"longer than {MOST_YAML} characters")
    try:
        return yaml.safe_load(text)
    except (ValueError, RecursionError) as error:  # of numbers and dates; of brackets within brackets
        raise yaml.YAMLError(str(error)) from error


def parse_yaml(text: str, where: str) -> dict[str, Any]:
    """A mapping from YAML text.

    Raises:
        ConfigError: it is not YAML, or not a mapping; the message begins with `where`.
    """
    try:
        values = safe_yaml(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise ConfigError(f"{where}: not valid YAML{place}; check the indentation and quotes there") from error
    if not isinstance(values, dict):
        raise ConfigError(
            f"{where}: holds {type(values).__name__}, not a mapping of settings; start from one that ships"
        )
    return values


def as_config_error(error: ValidationError, where: str) -> ConfigError:
    """The first problem that pydantic found, as one sentence that begins with `where`."""
    problem = error.errors()[0]
    place = ".".join(str(part) for part in problem["loc"]) or "top level"
    message = problem["msg"].removeprefix("Value error, ")
    given = problem["input"]
    found = f" (found {given!r})" if isinstance(given, str | int | float | bool | None) else ""
    more = sum(other["type"] != "default_factory_not_called" for other in error.errors()) - 1
    return ConfigError(f"{where}: {place}: {message}{found}" + (f" ({more} more)" if more else ""))
