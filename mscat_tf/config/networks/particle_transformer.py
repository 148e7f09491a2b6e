"""Settings of `particle_transformer`."""

from mscat_tf.config.base import Settings


class ParticleTransformerSettings(Settings):
    """To be filled."""
