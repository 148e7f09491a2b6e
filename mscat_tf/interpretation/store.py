"""The files `attention.h5` and `gradcam.h5`: arrays, and where they come from."""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from mscat_tf.errors import InputError
from mscat_tf.files import atomic_path

Arrays = dict[str, NDArray[Any]]
Chunks = Callable[[], Iterator[Arrays]]
READ_AT_ONCE = 4096
"""Events."""


def write_arrays(
    path: str | Path,
    arrays: Mapping[str, NDArray[Any]],
    attributes: Mapping[str, Any],
    chunks: Chunks | None = None,
) -> None:
    """Write arrays (a name may hold `/`) and attributes as JSON, atomically; the same input gives the same bytes.

    Args:
        path: where. arrays: by name. attributes: by name, of the file.
        chunks: gives, every time anew, an iterator over further arrays, which are joined along their first axis; only
            one of these dictionaries is held in memory at a time.

    Raises:
        OutputError: it cannot be written.
    """
    with atomic_path(path) as temporary, h5py.File(temporary, "w") as file:
        for key in sorted(attributes):
            file.attrs[key] = json.dumps(attributes[key], sort_keys=True)
        for name in sorted(arrays):
            file.create_dataset(name, data=arrays[name], track_times=False)
        if chunks is not None:
            _append(file, chunks)


def _append(file: h5py.File, chunks: Chunks) -> None:
    """Write what the chunks hold, after a look at how much it is."""
    shapes: dict[str, tuple[int, tuple[int, ...], Any]] = {}
    for chunk in chunks():
        for name, values in chunk.items():
            before = shapes.get(name, (0,))[0]
            shapes[name] = before + len(values), values.shape[1:], values.dtype
    places = dict.fromkeys(sorted(shapes), 0)
    early = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    early.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)  # else the place on disk depends on where the first chunk ends
    for name in places:
        length, other, dtype = shapes[name]
        file.create_dataset(name, (length, *other), dtype, track_times=False, dcpl=early)
    for chunk in chunks():
        for name in sorted(chunk):
            first, values = places[name], chunk[name]
            file[name][first : first + len(values)] = values
            places[name] = first + len(values)


def read_arrays(path: str | Path, most: int | None = None) -> tuple[Arrays, dict[str, Any]]:
    """Arrays by name and attributes of such a file.

    Args:
        path: where.
        most: of a file of events, at most so many events of each process, so that memory is bounded; None for all.

    Raises:
        InputError: it is missing or unreadable.
    """
    arrays: Arrays = {}
    try:
        with h5py.File(path, "r") as file:
            chosen = _first_of_each(file, most)

            def collect(name: str, item: Any) -> None:
                if isinstance(item, h5py.Dataset):
                    of_events = chosen is not None and item.shape[:1] == chosen.shape
                    arrays[name] = _rows(item, chosen) if of_events else np.asarray(item)

            file.visititems(collect)
            return arrays, {key: json.loads(value) for key, value in file.attrs.items()}
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read ({error}); make it again with `mscat explain`") from error


def _first_of_each(file: h5py.File, most: int | None) -> Any:
    """Mask of the first `most` events of each process; None where all are wanted or they have no process."""
    if most is None or "process" not in file:
        return None
    process = file["process"][()]
    chosen = np.zeros(len(process), bool)
    for index in np.unique(process):
        chosen[np.flatnonzero(process == index)[:most]] = True
    return chosen


def _rows(data: h5py.Dataset, chosen: NDArray[np.bool_]) -> NDArray[Any]:
    """Rows of a data set, read piece by piece."""
    pieces = range(0, len(chosen), READ_AT_ONCE)
    parts = [data[first : first + READ_AT_ONCE][chosen[first : first + READ_AT_ONCE]] for first in pieces]
    return np.concatenate(parts) if parts else data[()]
