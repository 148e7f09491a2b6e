"""Resident memory of this process."""

import resource
import sys
from pathlib import Path


def peak_memory_bytes() -> int:
    """Most resident memory that this process has held so far.

    On Linux from `/proc`: what `getrusage` says there begins with the peak of the process that started this one.
    """
    found = _from_proc("VmHWM")
    if found is not None:
        return found
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def resident_memory_bytes() -> int:
    """Resident memory that this process holds now; where only the peak is known (macOS), the peak."""
    found = _from_proc("VmRSS")
    return peak_memory_bytes() if found is None else found


def _from_proc(field: str) -> int | None:
    """One line of `/proc/self/status` [bytes]; None where there is no such file or line."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return None
    return next((1024 * int(line.split()[1]) for line in lines if line.startswith(field)), None)
