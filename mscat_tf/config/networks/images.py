"""Settings of `images`."""

from mscat_tf.config.base import Settings


class ImageSettings(Settings):
    """To be filled."""
