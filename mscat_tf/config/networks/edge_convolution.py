"""Settings of `edge_convolution`."""

from mscat_tf.config.base import Settings


class ParticleNetSettings(Settings):
    """To be filled."""


class ParticleNetLightSettings(Settings):
    """To be filled."""


class LundNetSettings(Settings):
    """To be filled."""
