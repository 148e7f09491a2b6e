"""Settings of `released`."""

from mscat_tf.config.base import Settings


class ReleasedSettings(Settings):
    """To be filled."""
