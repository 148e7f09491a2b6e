"""Files of scores, written piece by piece: HDF5, Parquet or ROOT, by the ending of their name."""

import contextlib
import importlib
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mscat_tf.errors import InputError, MissingExtraError
from mscat_tf.files import atomic_path, remove_leftovers
from mscat_tf.hdf5_placing import Append, placed_file

TYPES = {
    "event_id": "u8",
    "group_id": "u8",
    "label": "i4",
    "process": "i4",
    "split": "i1",
    "weight_generator": "f4",
    "weight_tag": "f4",
    "weight_fb": "f8",
    "logit": "f4",
    "score": "f4",
}
"""Columns and their types; `docs/inference.md` says what they mean."""

TREE = "scores"
"""Of ROOT files."""

ABOUT = "mscat"
"""Key of the metadata of Parquet files and of the string in ROOT files: JSON, what HDF5 files have as attributes."""


@contextlib.contextmanager
def score_file(path: Path, events: int, about: Mapping[str, Any]) -> Iterator[Append]:
    """Give a function that appends columns; the file stands under its name when the block ends well.

    Args:
        path: ending in `.h5`, `.parquet` or `.root`. events: that will be appended in all. about: attributes.

    Raises:
        InputError: another ending.
        MissingExtraError: the library for this ending is not installed.
        OutputError: the file cannot be written; of an HDF5 file this is known before the first event.
    """
    writer = check_ending(path)
    with atomic_path(path) as temporary:
        remove_leftovers(path.parent)
        with writer(temporary, events, about) as append:
            yield append


def check_ending(path: Path) -> "Writer":
    """What writes a file of this name; InputError for an unknown ending."""
    if path.suffix not in WRITERS:
        raise InputError(f"{path}: scores cannot be written so; choose a name that ends in {', '.join(WRITERS)}")
    return WRITERS[path.suffix]


@contextlib.contextmanager
def _hdf5(path: Path, events: int, about: Mapping[str, Any]) -> Iterator[Append]:
    plain = {k: v if isinstance(v, str | int | float) else json.dumps(v, sort_keys=True) for k, v in about.items()}
    with placed_file(path, plain, {name: ((events,), np.dtype(f"<{kind}")) for name, kind in TYPES.items()}) as append:
        yield lambda columns: append({name: columns[name] for name in TYPES})


@contextlib.contextmanager
def _parquet(path: Path, events: int, about: Mapping[str, Any]) -> Iterator[Append]:
    arrow, parquet = _library("pyarrow"), _library("pyarrow.parquet")
    fields = [arrow.field(name, arrow.from_numpy_dtype(np.dtype(kind))) for name, kind in TYPES.items()]
    schema = arrow.schema(fields, metadata={ABOUT: json.dumps(about, sort_keys=True)})
    with parquet.ParquetWriter(path, schema) as writer:
        yield lambda columns: writer.write_table(
            arrow.table({name: columns[name].astype(kind) for name, kind in TYPES.items()}, schema=schema)
        )


@contextlib.contextmanager
def root_tree(path: Path, about: Mapping[str, Any], types: Mapping[str, str]) -> Iterator[Append]:
    """Give a function that appends columns of these types to the tree of a new ROOT file."""
    with _library("uproot").recreate(path) as file:
        file[ABOUT] = json.dumps(about, sort_keys=True)
        tree = file.mktree(TREE, {name: np.dtype(kind) for name, kind in types.items()})
        yield lambda columns: tree.extend({name: columns[name].astype(kind) for name, kind in types.items()})


def _root(path: Path, events: int, about: Mapping[str, Any]) -> contextlib.AbstractContextManager[Append]:
    return root_tree(path, about, TYPES)


def _library(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise MissingExtraError(
            f"{name} is not installed, but writing this format needs it; install it with: pip install "
            "'mscat-tf[generate]', or write HDF5 (.h5)"
        ) from error


Writer = Callable[[Path, int, Mapping[str, Any]], contextlib.AbstractContextManager[Append]]
WRITERS: dict[str, Writer] = {".h5": _hdf5, ".parquet": _parquet, ".root": _root}
"""By ending."""
