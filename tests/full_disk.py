"""A disk that is full."""

import resource
from contextlib import contextmanager


@contextmanager
def files_no_longer_than(size):
    """As on a disk that is full: to write more is an error of the operating system."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
