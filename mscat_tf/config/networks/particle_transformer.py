"""Settings of `particle_transformer`."""

from typing import Annotated

from pydantic import Field, PositiveFloat, model_validator

from mscat_tf.config.base import Depth, Rate, Settings, Size


class ParticleTransformerSettings(Settings):
    """`particle_transformer`; defaults as published (arXiv:2202.03772).

    Attributes:
        embedding_units: widths of the layers that every constituent passes first; the last is the width of the network.
        pair_units: hidden widths of the MLP on ln kT, ln z, ln Delta and ln m^2 of every pair.
        num_heads: attention heads of all blocks; the width must be a multiple.
        particle_blocks: in which constituents read each other. class_blocks: in which the class token reads them.
        mlp_ratio: hidden width of each block's MLP, as a multiple of the width.
        dropout_rate: in the particle blocks; the class blocks have none.
        head_units: widths of the layers between the class token and the score.
    """

    embedding_units: Annotated[tuple[Size, ...], Field(min_length=1)] = (128, 512, 128)
    pair_units: tuple[Size, ...] = (64, 64, 64)
    num_heads: Size = 8
    particle_blocks: Depth = 8
    class_blocks: Size = 2
    mlp_ratio: PositiveFloat = 4.0
    dropout_rate: Rate = 0.1
    head_units: tuple[Size, ...] = ()

    @model_validator(mode="after")
    def _heads_share_the_width(self) -> "ParticleTransformerSettings":
        if self.embedding_units[-1] % self.num_heads:
            raise ValueError(
                f"num_heads: {self.num_heads} heads cannot share a width of {self.embedding_units[-1]} (the last of "
                "embedding_units) equally; choose a divisor of it"
            )
        return self
