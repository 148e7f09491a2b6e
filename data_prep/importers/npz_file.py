"""Rows of arrays in `.npz` files, without loading the whole: an archive of `.npy` files, often compressed.

A compressed array can only be read from its beginning: a range of rows costs the time of all rows before it, but the
memory of its own rows.
"""

import contextlib
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from mscat_tf.errors import InputError
from mscat_tf.plausible_size import archive_problem

PIECE = 2**18
"""Bytes that are decompressed at once on the way to the wanted rows."""


class Layout(NamedTuple):
    """Shape and type of an array in a file."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]


def check_whole(path: Path) -> None:
    """Read the file through once and compare the checksums of its arrays.

    Raises:
        InputError: it is missing, truncated, damaged or not an archive.
    """
    with _archive(path) as archive:
        damaged = archive.testzip()
    if damaged is not None:
        raise InputError(f"{path}: damaged: '{damaged}' has another checksum; copy it again, or leave it out")


def layout(path: Path, name: str) -> Layout:
    """Shape and type of an array.

    Raises:
        InputError: there is no such array, or it is not a whole array of numbers stored by rows.
    """
    with _archive(path) as archive, _member(path, archive, name) as stream:
        return _layout(path, archive, name, stream)


def read_rows(path: Path, name: str, start: int, stop: int) -> NDArray[Any]:
    """Rows `start` to `stop` of an array, `(stop - start, ...)`; real numbers as float64.

    Raises:
        InputError: as for `layout`, or the file is damaged there.
    """
    with _archive(path) as archive, _member(path, archive, name) as stream:
        found = _layout(path, archive, name, stream)
        row = found.dtype.itemsize * int(np.prod(found.shape[1:], dtype=np.int64))
        _skip(stream, start * row)
        data = stream.read((stop - start) * row)
    if len(data) != (stop - start) * row:
        raise InputError(f"{path}: '{name}' ends before row {stop}; the file is incomplete, so copy or make it again")
    values = np.frombuffer(data, found.dtype).reshape(stop - start, *found.shape[1:])
    return values.astype(np.float64 if found.dtype.kind == "f" else np.int64)


def _skip(stream: IO[bytes], size: int) -> None:
    """Read on, in pieces: `seek` would hold 16 MiB several times over."""
    while size > 0 and (piece := stream.read(min(size, PIECE))):
        size -= len(piece)


@contextlib.contextmanager
def _archive(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(path) as archive:
            if problem := archive_problem(archive):
                raise InputError(f"{path}: {problem}, which no sample does; copy it again, or leave it out")
            yield archive
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file; check the path") from error
    except (OSError, EOFError, zipfile.BadZipFile, zlib.error, RuntimeError) as error:  # the last: encrypted, or packed
        raise InputError(
            f"{path}: truncated, damaged or not an .npz file ({str(error).rstrip('.')}); copy it again, or leave it out"
        ) from error


def _member(path: Path, archive: zipfile.ZipFile, name: str) -> IO[bytes]:
    if f"{name}.npy" not in archive.namelist():
        names = ", ".join(entry.removesuffix(".npy") for entry in archive.namelist()) or "none"
        raise InputError(f"{path}: holds no array '{name}' (arrays: {names}); give files of the right format")
    return archive.open(f"{name}.npy")


def _layout(path: Path, archive: zipfile.ZipFile, name: str, stream: IO[bytes]) -> Layout:
    readers = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
    try:
        shape, by_columns, dtype = readers[npy.read_magic(stream)](stream)
    except (ValueError, KeyError) as error:
        raise InputError(f"{path}: '{name}' is not an array that numpy wrote ({error}); make the file again") from error
    if by_columns or dtype.kind not in "fiub":
        raise InputError(
            f"{path}: '{name}' holds {dtype}{' by columns' if by_columns else ''}, not numbers by rows; save it again "
            "with numpy.savez(..., numpy.ascontiguousarray(array))"
        )
    header, size = stream.tell(), archive.getinfo(f"{name}.npy").file_size
    promised = header + dtype.itemsize * int(np.prod(shape, dtype=np.int64))
    if size != promised:
        raise InputError(
            f"{path}: '{name}' has {size} bytes, but its shape {shape} needs {promised}; the file is incomplete, so "
            "copy or make it again"
        )
    return Layout(shape, dtype)
