"""Files that promise far more than they hold, or unpack to far more than they are: told before memory is taken.

Each function returns what is wrong, as the end of a sentence, or None where the size is plausible.
"""

import math
import zipfile
from pathlib import Path

import h5py

MOST_SHRUNK = 10_000
"""Times that compression may make numbers smaller; deflate reaches 1032."""

MOST_CHUNK_BYTES = 2**28
"""A chunk of HDF5 is unpacked as a whole, so it must fit into memory many times."""

MOST_SHRUNK_MEMBER = 100
"""The same of a member of an archive, whose numbers are unpacked as a whole."""

SMALL_BYTES = 2**26
"""What needs no more is taken as it comes."""


def data_set_problem(data_set: h5py.Dataset) -> str | None:
    """Of a data set of HDF5."""
    itemsize = data_set.dtype.itemsize
    promised, stored = math.prod(data_set.shape or ()) * itemsize, data_set.id.get_storage_size()
    if promised > max(SMALL_BYTES, MOST_SHRUNK * stored):
        return f"promises {promised} bytes (shape {data_set.shape}), but the file holds {stored} bytes of it"
    chunk = math.prod(data_set.chunks or ()) * itemsize
    if chunk > MOST_CHUNK_BYTES:
        return f"is stored in chunks of {chunk} bytes, more than the {MOST_CHUNK_BYTES} that are read at once"
    return None


def archive_problem(archive: zipfile.ZipFile) -> str | None:
    """Of the members of an archive."""
    for member in archive.infolist():
        if member.file_size > max(SMALL_BYTES, MOST_SHRUNK_MEMBER * member.compress_size):
            return f"'{member.filename}' unpacks {member.compress_size} bytes to {member.file_size}"
    return None


def entries_problem(entries: int, path: Path) -> str | None:
    """Of the rows or entries that a file says it has: each takes a byte at least before it is compressed."""
    size = path.stat().st_size
    return f"promises {entries} entries, but is only {size} bytes long" if entries > MOST_SHRUNK * size else None
