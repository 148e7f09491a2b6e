"""Writing without ever leaving half a file: a temporary name in the same folder, then a rename."""

import contextlib
import glob
import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mscat_tf.errors import InputError, OutputError

PART = ".part-"
PROCESSES = Path("/proc")
HOST = hashlib.sha256(os.uname().nodename.encode()).hexdigest()[:8]
"""This node of a cluster: nodes share folders, but not the numbers of processes."""
FORGOTTEN_SECONDS = 86_400.0
"""A leftover of another node, whose processes cannot be asked after, is one if nobody has written to it for so long."""


@contextlib.contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; flush it to disk and rename it when the block ends well.

    When the block fails the temporary file is removed and what stood at `path` stays.

    Raises:
        OutputError: the folder cannot be written, or the disk is full.
    """
    path = Path(path)
    temporary = path.with_name(f"{_own_prefix()}{path.name}")  # keeps the ending: Keras looks at it
    try:
        make_folder(path.parent)
        remove_leftovers(path.parent, path.name)
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


@contextlib.contextmanager
def temporary_folder(beside: str | Path) -> Iterator[Path]:
    """Give an empty folder below `beside`, removed with the block; that of a killed process by `remove_leftovers`."""
    remove_leftovers(make_folder(beside))
    with tempfile.TemporaryDirectory(prefix=_own_prefix(), dir=beside) as folder:
        yield Path(folder)


def remove_leftovers(folder: str | Path, name: str | None = None) -> int:
    """Delete temporary files and folders of processes that no longer run (killed half-way); return how many.

    Args:
        folder: where. name: of the file that they were to become; default: any.
    """
    removed = 0
    for part in Path(folder).glob(f"{PART}*" if name is None else f"{PART}*-{glob.escape(name)}"):
        if _in_use(part):
            continue
        if part.is_dir():
            shutil.rmtree(part, ignore_errors=True)
        else:
            part.unlink(missing_ok=True)
        removed += 1
    return removed


def _own_prefix() -> str:
    return f"{PART}{os.getpid()}x{HOST}-"


def _in_use(part: Path) -> bool:
    process, _, host = part.name.removeprefix(PART).partition("-")[0].partition("x")
    if host in ("", HOST):  # versions before 0.2 named no host
        return _runs(process)
    try:
        return time.time() - part.stat().st_mtime < FORGOTTEN_SECONDS
    except OSError:  # gone meanwhile
        return True


def _runs(process: str) -> bool:
    """Whether a process of this number runs. One that was killed stays in `/proc` until its parent asks after it."""
    if not process.isdigit():
        return False
    if not PROCESSES.is_dir():  # macOS
        return _can_be_signalled(int(process))
    try:
        state = (PROCESSES / process / "stat").read_text().rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return False
    return state not in "ZX"


def _can_be_signalled(process: int) -> bool:
    try:
        os.kill(process, 0)  # only asks
    except (OSError, OverflowError) as error:
        return isinstance(error, PermissionError)  # somebody else's
    return True


def file_digest(path: str | Path) -> str:
    """SHA-256 of a file's content, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_json(path: str | Path) -> dict[str, Any]:
    """What `write_json` wrote.

    Raises:
        FileNotFoundError: there is no such file. InputError: it is damaged.
    """
    try:
        return dict(json.loads(Path(path).read_text()))
    except FileNotFoundError:
        raise
    except (OSError, ValueError, TypeError) as error:
        raise InputError(f"{path}: damaged ({error}); copy it again, or give the command that made it anew") from error


def write_json(path: str | Path, values: Any) -> None:
    """Write JSON, atomically, readable by people."""
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(values, indent=2) + "\n")


def write_text(path: str | Path, text: str) -> None:
    """Write a text file, atomically."""
    with atomic_path(path) as temporary:
        temporary.write_text(text)
