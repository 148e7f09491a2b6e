"""What all settings share: frozen, strict about keys, and with a digest."""

import difflib
import hashlib
import json
from typing import Any

from pydantic import BaseModel, ConfigDict, model_validator


class Settings(BaseModel):
    """A section of the configuration. An unknown key is refused and the nearest known one is named."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)

    @model_validator(mode="before")
    @classmethod
    def _known_keys_only(cls, values: Any) -> Any:
        if isinstance(values, dict):
            for key in values:
                if key not in cls.model_fields:
                    raise ValueError(unknown_key(str(key), list(cls.model_fields)))
        return values


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
