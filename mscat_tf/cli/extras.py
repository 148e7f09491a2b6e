"""Which extra of `pip install 'mscat-tf[...]'` brings a library that is not installed."""

import re
from collections.abc import Mapping
from functools import cache
from importlib import metadata

from mscat_tf.errors import MissingExtraError

DISTRIBUTION = "mscat-tf"

_BEFORE_OTHERS = ("train", "generate")
"""Of several extras with the same library, the one that is named: who lacks SciPy lacks the rest of the extra too."""

_IMPORTED_AS = {"scikit_learn": "sklearn"}
_OF_EXTRA = re.compile(r"^(?P<name>[\w.\-]+).*;.*\bextra\s*==\s*[\"'](?P<extra>[\w\-]+)[\"']")


def sentence(library: str, extra: str) -> str:
    """What is missing and what to type.

    >>> sentence("uproot", "generate")
    "uproot is not installed; install it with: pip install 'mscat-tf[generate]'"
    """
    return f"{library} is not installed; install it with: pip install '{DISTRIBUTION}[{extra}]'"


def missing_extra(error: ModuleNotFoundError) -> MissingExtraError | None:
    """The sentence about a failed import, or None where no extra brings the library."""
    library = (error.name or "").partition(".")[0]
    extra = _extras().get(library)
    return MissingExtraError(sentence(library, extra)) if extra else None


@cache
def _extras() -> Mapping[str, str]:
    """Extra by the name under which its library is imported; empty where this package is not installed."""
    try:
        requirements = metadata.requires(DISTRIBUTION) or []
    except metadata.PackageNotFoundError:
        return {}
    pairs = [(entry["extra"], entry["name"]) for entry in map(_OF_EXTRA.match, requirements) if entry]
    order = [*_BEFORE_OTHERS, *sorted({extra for extra, _ in pairs} - set(_BEFORE_OTHERS))]
    found: dict[str, str] = {}
    for extra, name in sorted(pairs, key=lambda pair: order.index(pair[0])):
        module = re.sub(r"[.\-]", "_", name)
        found.setdefault(_IMPORTED_AS.get(module, module), extra)
    return found
