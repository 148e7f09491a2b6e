"""Files of scores, written piece by piece: HDF5, Parquet or ROOT, by the ending of their name."""

import contextlib
import errno
import importlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from mscat_tf.errors import InputError, MissingExtraError
from mscat_tf.files import atomic_path, remove_leftovers

Columns = Mapping[str, NDArray[Any]]
Append = Callable[[Columns], None]

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

HEADER_BYTES = 65_536
"""More than the attributes of an HDF5 file take."""

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
    """Data sets of their final size first, then the values straight into their place on disk.

    HDF5 itself does not outlive a full disk (the process crashes later on), so it writes no event. The space is taken
    before, once to see whether it is there; what can go wrong afterwards is an ordinary error of the operating system.
    """
    with open(path, "wb") as empty:
        _take_space(empty.fileno(), events * sum(np.dtype(kind).itemsize for kind in TYPES.values()) + HEADER_BYTES)
    with h5py.File(path, "w") as file:
        for name, value in about.items():
            file.attrs[name] = value if isinstance(value, str | int | float) else json.dumps(value, sort_keys=True)
        places = {name: _allocate(file, name, events) for name in TYPES}
    with open(path, "rb+") as handle:
        _take_space(handle.fileno(), path.stat().st_size)
        done = 0

        def append(columns: Columns) -> None:
            nonlocal done
            for name, place in places.items():
                values = np.ascontiguousarray(columns[name], f"<{TYPES[name]}")
                handle.seek(place + done * values.itemsize)
                handle.write(values.tobytes())
            done += len(columns["score"])

        yield append


def _allocate(file: h5py.File, name: str, events: int) -> int:
    """Make a data set in one piece; where it begins in the file."""
    kind = h5py.h5t.py_create(np.dtype(f"<{TYPES[name]}"))
    properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    properties.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    properties.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
    properties.set_obj_track_times(False)
    space = h5py.h5s.create_simple((events,))
    return int(h5py.h5d.create(file.id, name.encode(), kind, space, properties).get_offset() or 0)


def _take_space(descriptor: int, size: int) -> None:
    """Reserve so many bytes on disk, where the file system can."""
    try:
        os.posix_fallocate(descriptor, 0, size)
    except (AttributeError, OSError) as error:
        if not isinstance(error, OSError) or error.errno in (errno.EINVAL, errno.EOPNOTSUPP):
            return  # macOS, or a file system without it
        raise


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
