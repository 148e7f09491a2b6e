"""One writer per folder: two jobs that write the same sample or run would mix it."""

import contextlib
import fcntl
import logging
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from mscat_tf.errors import BusyError, OutputError

logger = logging.getLogger(__name__)

LOCK = ".mscat-lock"


@contextlib.contextmanager
def locked(folder: Path, what: str = "this sample") -> Iterator[None]:
    """Hold the folder of `what`; the lock ends with the process, however that ends.

    Raises:
        BusyError: another process holds it. OutputError: the folder cannot be written.
    """
    path = folder / LOCK
    try:
        handle = path.open("ab+", buffering=0)
    except OSError as error:
        raise OutputError(
            f"{folder}: cannot be written ({error.strerror}); change its permissions or choose another folder"
        ) from error
    with handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            handle.seek(0)
            owner = handle.read().decode(errors="replace").strip() or "unknown"
            raise BusyError(
                f"{folder}: process {owner} is writing {what}; wait for it, or choose another folder"
            ) from error
        except OSError as error:  # some cluster file systems know no locks
            logger.warning("%s: cannot be locked (%s); see that no other job writes it", folder, error.strerror)
        with contextlib.suppress(OSError):  # on a full disk the lock holds all the same
            handle.truncate(0)
            handle.write(f"{os.getpid()} on {os.uname().nodename}".encode())
        yield


def is_free(folder: Path) -> bool:
    """Whether nobody holds this folder of a run, which may not be there yet, as far as its file system knows locks."""
    path = folder / LOCK
    there = next(parent for parent in folder.absolute().parents if parent.is_dir())
    try:
        with path.open("ab") if path.is_file() else tempfile.TemporaryFile(dir=there) as handle:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def wait_until_free(folder: Path) -> None:
    """Until the process that holds the folder lets go of it, or ends."""
    with (folder / LOCK).open("ab") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
