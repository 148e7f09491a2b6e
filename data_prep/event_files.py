"""Files of generated events: opened whether compressed or not, and identified by their content."""

import gzip
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import numpy as np

from mscat_tf.errors import InputError
from mscat_tf.files import file_digest

GROUP_BITS = 40
"""Lower bits of a `group_id`: the place of the event in its file. The upper 24 begin the file's checksum."""

GZIP_MAGIC = b"\x1f\x8b"
MOST_CHARACTERS = 2**20
"""Of a line: event files have short ones, and a longer one may be a compressed bomb."""


@contextmanager
def opened(path: str) -> Iterator[Iterator[str]]:
    """Lines of a file, gzip or plain.

    Raises:
        InputError: it cannot be read, is damaged or ends within its compressed part, or has a line of absurd length.
    """
    try:
        with Path(path).open("rb") as file:
            compressed = file.read(len(GZIP_MAGIC)) == GZIP_MAGIC
        with gzip.open(path, "rt") if compressed else Path(path).open() as text:
            yield _lines(path, text)
    except (EOFError, zlib.error, UnicodeDecodeError, OSError) as error:
        raise InputError(f"{path}: cut off or damaged ({error}); write or copy the file again") from error


def _lines(path: str, text: IO[str]) -> Iterator[str]:
    while line := text.readline(MOST_CHARACTERS):
        if len(line) == MOST_CHARACTERS:
            raise InputError(f"{path}: has a line of {MOST_CHARACTERS} characters or more, so it is no event file")
        yield line


def checksum(path: Path) -> str:
    """SHA-256 of a file, hexadecimal.

    Raises:
        InputError: it cannot be read.
    """
    try:
        return file_digest(path)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error}); check the path") from error


def group_head(checksum: str) -> int:
    """What every `group_id` of a file's events begins with."""
    return int(checksum[:6], 16) << GROUP_BITS


def mean_cross_section(events: Sequence[int], figures: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Mean over files by their events, and its error.

    Args:
        events: of each file. figures: cross-section and error of each.
    """
    share = np.array(events) / sum(events)
    values, errors = np.array(figures).T
    return float(share @ values), float(np.linalg.norm(share * errors))
