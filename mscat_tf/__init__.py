"""mscat-tf: multi-scale cross-attention transformers for collider events (arXiv:2401.00452).

Importing this package is cheap: TensorFlow is loaded only when something needs it.
"""

__version__ = "0.1.0.dev0"

__all__ = ["__version__", "load_run"]


def __getattr__(name):
    if name == "load_run":
        from mscat_tf.run_folder import load_run

        return load_run
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
