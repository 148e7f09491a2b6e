"""Settings of `deep_sets`."""

from mscat_tf.config.base import Settings


class DeepSetsSettings(Settings):
    """To be filled."""
