"""One writer per folder: two jobs that write the same sample would mix it."""

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
def locked(folder: Path) -> Iterator[None]:
    """Hold the folder; the lock ends with the process, however that ends.

    Raises:
        OutputError: another process holds it, or the folder cannot be written.
    """
    path = folder / LOCK
    try:
        handle = path.open("a+")
    except OSError as error:
        raise OutputError(
            f"{folder}: cannot be written ({error.strerror}); change its permissions or choose another folder"
        ) from error
    with handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            handle.seek(0)
            raise OutputError(
                f"{folder}: process {handle.read().strip() or 'unknown'} is writing this sample; wait for it, or "
                "choose another folder"
            ) from error
        except OSError as error:  # some cluster file systems know no locks
            logger.warning("%s: cannot be locked (%s); see that no other job writes it", folder, error.strerror)
        handle.truncate(0)
        handle.write(f"{os.getpid()} on {os.uname().nodename}")
        handle.flush()
        yield
