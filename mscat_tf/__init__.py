"""mscat-tf: multi-scale cross-attention transformers for collider events (arXiv:2401.00452).

Importing this package is cheap: TensorFlow is loaded only when something needs it.
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

__all__ = ["__version__", "load_preset", "load_run"]

_LAZY = {"load_preset": "mscat_tf.presets.library", "load_run": "mscat_tf.run_folder"}
"""Public names by the module that holds them, loaded when first asked for."""


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
