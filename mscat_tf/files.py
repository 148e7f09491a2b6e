"""Writing without ever leaving half a file: a temporary name in the same folder, then a rename."""

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mscat_tf.errors import OutputError

PART = ".part-"


@contextlib.contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; flush it to disk and rename it when the block ends well.

    When the block fails the temporary file is removed and what stood at `path` stays.

    Raises:
        OutputError: the folder cannot be written, or the disk is full.
    """
    path = Path(path)
    temporary = path.with_name(f"{PART}{os.getpid()}-{path.name}")  # keeps the ending: Keras looks at it
    try:
        make_folder(path.parent)
        yield temporary
        with open(temporary, "rb+") as handle:
            os.fsync(handle.fileno())
        temporary.replace(path)
    except OSError as error:
        if isinstance(error, OutputError):
            raise
        raise OutputError(
            f"{path}: cannot be written ({error.strerror or error}); free space or choose another output folder"
        ) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def make_folder(folder: str | Path) -> Path:
    """Make a folder with its parents and see that it can be written.

    Raises:
        OutputError: it cannot be made or written.
    """
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"{folder}: the folder cannot be made ({error.strerror}); choose another output folder"
        ) from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise OutputError(f"{folder}: the folder is not writable; change its permissions or choose another one")
    return folder


def remove_leftovers(folder: str | Path) -> int:
    """Delete temporary files of processes that no longer run (killed half-way); return how many."""
    removed = 0
    for part in Path(folder).glob(f"{PART}*"):
        owner = part.name.removeprefix(PART).partition("-")[0]
        if not (owner.isdigit() and Path("/proc", owner).exists()):
            part.unlink(missing_ok=True)
            removed += 1
    return removed


def file_digest(path: str | Path) -> str:
    """SHA-256 of a file's content, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_json(path: str | Path, values: Any) -> None:
    """Write JSON, atomically, readable by people."""
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(values, indent=2) + "\n")


def write_text(path: str | Path, text: str) -> None:
    """Write a text file, atomically."""
    with atomic_path(path) as temporary:
        temporary.write_text(text)
