"""What made a file: versions, machine, command. Light: no framework is imported for it."""

import platform
import sys
from datetime import UTC, datetime
from importlib import metadata
from typing import Any

from mscat_tf import __version__

_LIBRARIES = ("numpy", "h5py", "tensorflow", "keras", "tf-keras-vis", "scikit-learn", "pythia8mc", "fastjet", "awkward")


def library_versions() -> dict[str, str]:
    """Installed version of every library that can move a number; libraries that are absent are left out."""
    versions = {"mscat_tf": __version__, "python": platform.python_version()}
    for name in _LIBRARIES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return versions


def environment() -> dict[str, Any]:
    """Versions, machine, command and time; depends on the machine, so it goes beside results, not into them."""
    return {
        "versions": library_versions(),
        "platform": platform.platform(),
        "host": platform.node(),
        "command": sys.argv,
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
    }
