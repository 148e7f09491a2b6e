"""Jet images through dense layers."""

from keras import layers

from mscat_tf.layers import JetImage, SelectFeatures
from mscat_tf.models.parts import in_turn
from mscat_tf.models.taggers import build_tagger


def build_mlp_image(design):
    """Picture of each jet -> flatten -> dense layers; in the manner of Almeida et al., arXiv:1501.05968.

    The dense layers are those of `cnn_image`, so that the two differ in the convolutions alone.

    Inputs, output: see `build_tagger`.

    Raises:
        ConfigError: eta, phi or pt is not among the columns.
    """
    settings = design.settings.mlp_image
    image, dense = picture(design, settings), dense_layers(settings)

    def trunk(tokens, mask):
        return dense(image(tokens, mask))

    return build_tagger(design, "mlp_image", trunk, settings.head_units, settings.dropout_rate)


def picture(design, settings):
    """`(tokens, mask)` -> `(batch, pixels, pixels, channels)`, layers made once."""
    select = SelectFeatures(design.inputs.constituent_features, ("eta", "phi", "pt"), name="constituents_columns")
    pixelise = JetImage(settings.pixels, settings.half_width, settings.multiplicity, name="image")

    def image(tokens, mask):
        return pixelise(select(tokens), mask)

    return image


def dense_layers(settings):
    """`(batch, height, width, channels)` -> `(batch, jet_units[-1])`, layers made once."""
    stack = [
        layers.Dense(units, activation="relu", name=f"image_dense_{number}")
        for number, units in enumerate(settings.jet_units, start=1)
    ]
    return in_turn([layers.Flatten(name="image_flat"), *stack])
