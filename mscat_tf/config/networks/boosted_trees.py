"""Settings of `boosted_trees`."""

from mscat_tf.config.base import Settings


class BoostedTreesSettings(Settings):
    """To be filled."""
