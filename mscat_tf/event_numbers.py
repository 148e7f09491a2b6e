"""How imported events are numbered: by the content of their file and their entry in it."""

import numpy as np
from numpy.typing import NDArray

ENTRY_BITS = 24
"""A file may have so many entries as fit in these; the 40 bits above tell the file."""

CHECKSUM_DIGITS = 10


def event_ids(checksum: str, entry: NDArray[np.integer]) -> NDArray[np.uint64]:
    """`event_id` of entries of a file.

    Args:
        checksum: SHA-256 of the file, hexadecimal. entry: from 0.

    >>> [hex(number) for number in event_ids("12" * 32, np.array([0, 255])).tolist()]
    ['0x1212121212000000', '0x12121212120000ff']
    """
    return np.uint64(int(checksum[:CHECKSUM_DIGITS], 16) << ENTRY_BITS) + entry.astype(np.uint64)


def entries_of_file(checksum: str, event_id: NDArray[np.uint64]) -> tuple[NDArray[np.intp], NDArray[np.int64]]:
    """Which of these events are of a file, and their entries in it.

    >>> [rows.tolist() for rows in entries_of_file("ab" * 32, event_ids("ab" * 32, np.array([7, 3])))]
    [[0, 1], [7, 3]]
    """
    first = event_ids(checksum, np.zeros(1, np.int64))
    own = np.flatnonzero(event_id >> np.uint64(ENTRY_BITS) == first >> np.uint64(ENTRY_BITS))
    return own, (event_id[own] - first).astype(np.int64)
