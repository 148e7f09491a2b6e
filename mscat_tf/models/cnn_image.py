"""Jet images through convolutions."""

from keras import layers

from mscat_tf.errors import ConfigError
from mscat_tf.models.mlp_image import dense_layers, picture
from mscat_tf.models.parts import in_turn
from mscat_tf.models.taggers import build_tagger

KERNEL = 4
POOL_AFTER = 2
"""Convolutions between two maxima."""


def build_cnn_image(design):
    """Picture of each jet -> convolutions and maxima -> dense layers, in the manner of arXiv:1803.00107.

    Kernels of 4 x 4 with ReLU. The first convolution keeps the size of the picture, the others see one pixel of zeros
    around it and so take one off; 40 pixels come out as 8, which gives the 610 K parameters of arXiv:1902.09914.

    Inputs, output: see `build_tagger`.

    Raises:
        ConfigError: eta, phi or pt is not among the columns, or nothing is left of so small a picture.
    """
    settings = design.settings.cnn_image
    check_size(settings)
    image, convolve, dense = picture(design, settings), convolutions(settings.filters), dense_layers(settings)

    def trunk(tokens, mask):
        return dense(convolve(image(tokens, mask)))

    return build_tagger(design, "cnn_image", trunk, settings.head_units, settings.dropout_rate)


def convolutions(filters):
    """`(batch, pixels, pixels, channels)` -> `(batch, left, left, filters[-1])`, left as `pixels_left` says."""
    stack = []
    for number, count in enumerate(filters, start=1):
        if number > 1:
            stack.append(layers.ZeroPadding2D(1, name=f"convolution_{number}_border"))
        size = {"filters": count, "kernel_size": KERNEL, "padding": "same" if number == 1 else "valid"}
        stack.append(layers.Conv2D(**size, activation="relu", name=f"convolution_{number}"))
        if number % POOL_AFTER == 0:
            stack.append(layers.MaxPooling2D(2, name=f"convolution_{number}_maximum"))
    return in_turn(stack)


def pixels_left(pixels, filters):
    """Side of the picture after all convolutions; 0 if it vanishes on the way."""
    for number in range(1, len(filters) + 1):
        pixels = max(0, pixels - (number > 1))
        pixels = pixels // 2 if number % POOL_AFTER == 0 else pixels
    return pixels


def check_size(settings):
    """Raise ConfigError unless the convolutions leave at least one pixel."""
    if not pixels_left(settings.pixels, settings.filters):
        raise ConfigError(
            f"model.cnn_image: nothing is left of {settings.pixels} x {settings.pixels} pixels after "
            f"{len(settings.filters)} convolutions; choose more pixels or fewer filters"
        )
