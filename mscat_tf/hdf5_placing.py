"""HDF5 files whose sizes are known beforehand, written piece by piece and not by HDF5.

HDF5 itself does not outlive a full disk: it raises an error of no class of its own, and the process may crash later on.
"""

import contextlib
import errno
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

Append = Callable[[Mapping[str, NDArray[Any]]], None]
Shapes = Mapping[str, tuple[tuple[int, ...], np.dtype[Any]]]

FILE_BYTES, DATA_SET_BYTES = 65_536, 2_048
"""More than the head of a file takes besides its attributes, and that of a data set with the groups in its name."""


@contextlib.contextmanager
def placed_file(path: Path, attributes: Mapping[str, str | int | float], shapes: Shapes) -> Iterator[Append]:
    """Give a function that appends rows to the data sets of a new file, which have their final shapes from the start.

    HDF5 writes no value: they go straight to their places on disk. The space is taken before, once to see whether it is
    there; what can go wrong afterwards is an ordinary error of the operating system.

    Args:
        path: of the file. attributes: of the file.
        shapes: shape and type of each data set by name (which may hold `/`). All rows must be appended, in order.

    Raises:
        OSError: it cannot be written; that the disk is full is known before the first row.
    """
    heads = FILE_BYTES + sum(len(str(value)) for value in attributes.values()) + DATA_SET_BYTES * len(shapes)
    with open(path, "wb") as empty:
        _take_space(empty.fileno(), heads + sum(int(np.prod(shape)) * kind.itemsize for shape, kind in shapes.values()))
    with h5py.File(path, "w") as file:
        for name, value in attributes.items():
            file.attrs[name] = value
        places = {name: _allocate(file, name, *shape_and_type) for name, shape_and_type in shapes.items()}
    with open(path, "rb+") as handle:
        _take_space(handle.fileno(), path.stat().st_size)

        def append(rows: Mapping[str, NDArray[Any]]) -> None:
            for name, values in rows.items():
                handle.seek(places[name])
                places[name] += handle.write(np.ascontiguousarray(values, shapes[name][1]).tobytes())

        yield append


def _allocate(file: h5py.File, name: str, shape: tuple[int, ...], kind: np.dtype[Any]) -> int:
    """Make a data set in one piece; where it begins in the file."""
    properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    properties.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    properties.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
    made = file.create_dataset(name, shape, kind, dcpl=properties, track_times=False)
    return int(made.id.get_offset() or 0)


def _take_space(descriptor: int, size: int) -> None:
    """Reserve so many bytes on disk, where the file system can."""
    try:
        os.posix_fallocate(descriptor, 0, size)
    except (AttributeError, OSError) as error:
        if not isinstance(error, OSError) or error.errno in (errno.EINVAL, errno.EOPNOTSUPP):
            return  # macOS, or a file system without it
        raise
