"""What `mscat explain RUN --cka` left in a run folder; no framework is needed to read it."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mscat_tf.errors import InputError
from mscat_tf.explanation import CKA_FOLDER

Comparison = dict[str, Any]


def comparisons(folder: Path) -> list[Comparison]:
    """Every comparison of the layers of this run with those of another, or its own, by the name of the other.

    Args:
        folder: of the run.

    Raises:
        InputError: a file is damaged.
    """
    return [read_comparison(path) for path in sorted((folder / CKA_FOLDER).glob("*.json"))]


def read_comparison(path: Path) -> Comparison:
    """One of them.

    Raises:
        InputError: the file is damaged.
    """
    try:
        return dict(json.loads(path.read_text()))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read ({error}); delete it and run `mscat explain --cka` again") from error


def most_alike(found: Mapping[str, Any], place: int, kernel: str = "linear") -> int | None:
    """Which layer of the second run is most like layer `place` of the first, other than the one of its name.

    None where nothing can be said of any.
    """
    first, second = found["runs"]
    name, values = first["layers"][place], found[kernel]["value"][place]
    others = [
        (value, number)
        for number, (value, other) in enumerate(zip(values, second["layers"], strict=True))
        if value is not None and other != name
    ]
    return max(others)[1] if others else None
