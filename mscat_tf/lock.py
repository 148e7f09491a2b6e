"""One writer per folder: two jobs that write the same sample or run would mix it."""

import contextlib
import fcntl
import logging
import os
from collections.abc import Iterator
from pathlib import Path

from mscat_tf.errors import OutputError

logger = logging.getLogger(__name__)

LOCK = ".mscat-lock"


@contextlib.contextmanager
def locked(folder: Path, what: str = "this sample") -> Iterator[None]:
    """Hold the folder of `what`; the lock ends with the process, however that ends.

    Raises:
        OutputError: another process holds it, or the folder cannot be written.
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
            raise OutputError(
                f"{folder}: process {owner} is writing {what}; wait for it, or choose another folder"
            ) from error
        except OSError as error:  # some cluster file systems know no locks
            logger.warning("%s: cannot be locked (%s); see that no other job writes it", folder, error.strerror)
        with contextlib.suppress(OSError):  # on a full disk the lock holds all the same
            handle.truncate(0)
            handle.write(f"{os.getpid()} on {os.uname().nodename}".encode())
        yield
