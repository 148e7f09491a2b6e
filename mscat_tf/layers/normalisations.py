"""The choice of what normalises a token."""

from keras import layers

from mscat_tf.layers.checks import check_choice
from mscat_tf.layers.layer_normalisation import LayerNormalisation

NORMALISATIONS = ("layer", "root_mean_square")


def normalisation_layer(kind, **options):
    """A new layer that normalises every token by itself: `(..., features)` to the same shape.

    Args:
        kind: `layer` (arXiv:1607.06450), or `root_mean_square`, which neither shifts nor centres (arXiv:1910.07467).
        options: of the layer, such as its name.

    Raises:
        ConfigError: unknown kind.
    """
    check_choice(options.get("name", "normalisation"), "normalisation", kind, NORMALISATIONS)
    return LayerNormalisation(**options) if kind == "layer" else layers.RMSNormalization(**options)
