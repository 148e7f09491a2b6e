"""Settings of the networks on graphs: `particle_net`, `particle_net_light`, `lund_net`."""

from typing import Annotated

from pydantic import Field

from mscat_tf.config.base import Rate, Settings, Size

Widths = Annotated[tuple[Size, ...], Field(min_length=1)]
Blocks = Annotated[tuple[Widths, ...], Field(min_length=1)]


class ParticleNetSettings(Settings):
    """`particle_net`; defaults as published (arXiv:1902.08570, Fig. 2a).

    Attributes:
        neighbours: constituents nearest to each that it learns from.
        blocks: for every EdgeConv block the widths of the layers of its edge function.
        head_units: widths of the head. dropout_rate: after each of its layers.
    """

    neighbours: Size = 16
    blocks: Blocks = ((64, 64, 64), (128, 128, 128), (256, 256, 256))
    head_units: tuple[Size, ...] = (256,)
    dropout_rate: Rate = 0.1


class ParticleNetLightSettings(ParticleNetSettings):
    """`particle_net_light`; defaults as published (arXiv:1902.08570, Fig. 2b)."""

    neighbours: Size = 7
    blocks: Blocks = ((32, 32, 32), (64, 64, 64))
    head_units: tuple[Size, ...] = (128,)


class LundNetSettings(Settings):
    """`lund_net`; defaults are those of the released code of arXiv:2012.08526.

    Attributes:
        blocks: for every EdgeConv block the widths of the layers of its edge function.
        fusion_units: width of the layer that reads the outputs of all blocks together.
        head_units: widths of the head. dropout_rate: after each of its layers.
    """

    blocks: Blocks = ((32, 32), (32, 32), (64, 64), (64, 64), (128, 128), (128, 128))
    fusion_units: Size = 384
    head_units: tuple[Size, ...] = (256,)
    dropout_rate: Rate = 0.1
