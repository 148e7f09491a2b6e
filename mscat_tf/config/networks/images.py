"""Settings of the networks on jet images: `mlp_image`, `cnn_image`."""

from typing import Annotated

from pydantic import Field, PositiveFloat

from mscat_tf.config.base import Rate, Settings, Size


class ImageSettings(Settings):
    """Picture of each jet, and what looks at it. Both networks have the same dense layers, so that they differ in the
    convolutions alone; defaults in the manner of arXiv:1803.00107 with the 40 x 40 pixels of arXiv:1902.09914.

    Attributes:
        pixels: along each side of the picture.
        half_width: of the picture around the jet's axis, in eta and in phi [rad]; 1 is the radius of the fat jets.
        multiplicity: a second channel with the number of constituents in each pixel.
        filters: of the convolutions of `cnn_image`, a 2 x 2 maximum after every second; `mlp_image` has none.
        jet_units: widths of the dense layers that each jet passes after its picture.
        head_units: widths of the dense layers of the head, after jets and kinematics are put side by side.
        dropout_rate: after every dense layer of the head.
    """

    pixels: Size = 40
    half_width: PositiveFloat = 1.0
    multiplicity: bool = False
    filters: Annotated[tuple[Size, ...], Field(min_length=1)] = (128, 64, 64, 64)
    jet_units: tuple[Size, ...] = (64,)
    head_units: tuple[Size, ...] = (256, 256)
    dropout_rate: Rate = 0.0
