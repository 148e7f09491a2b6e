"""Settings of `mixer`."""

from typing import Literal

from pydantic import PositiveFloat

from mscat_tf.config.base import Depth, Rate, Settings, Size


class MixerSettings(Settings):
    """`mixer`: MLP-mixer and subjets joined by cross-attention, after arXiv:2404.14677, whose sizes are not published.

    Attributes:
        tokens: constituents of each jet that are mixed, hardest first: fewer are padded, more are left out.
        blocks: mixer blocks. width: features of a constituent.
        token_units, feature_units: hidden widths of a block's MLP over the tokens and of that over the features.
        activation: of both MLPs of a block: `relu`, or `gelu` as in arXiv:2105.01601, which costs more passes over
            memory.
        subjets: read the subjets of each jet; off, constituents alone.
        joining: `cross_attention` lets the subjets read the mixed constituents of their jet; `concatenate` puts both
            side by side, unseen by each other.
        subjet_width: features of subjets and kinematic tokens.
        cross_blocks: of subjets that read constituents. num_heads, key_dim, mlp_ratio: of these and of those below.
        kinematic_blocks, event_blocks: with kinematics: of kinematic tokens among themselves, and of those that read
            the substructure.
        jet_pooling: with single jets: `mean` or `attention` over the subjets, and over the constituents.
        normalisation: of tokens in all blocks, `root_mean_square` or `layer`, which costs more passes over memory.
        head_units: widths of the classifying MLP. dropout_rate: in all blocks and the head.
    """

    tokens: Size = 100
    blocks: Size = 2
    width: Size = 16
    token_units: Size = 144
    feature_units: Size = 32
    activation: Literal["relu", "gelu"] = "relu"
    subjets: bool = True
    joining: Literal["cross_attention", "concatenate"] = "cross_attention"
    subjet_width: Size = 48
    cross_blocks: Size = 1
    num_heads: Size = 2
    key_dim: Size = 24
    mlp_ratio: PositiveFloat = 2.0
    kinematic_blocks: Depth = 0
    event_blocks: Size = 1
    jet_pooling: Literal["mean", "attention"] = "mean"
    normalisation: Literal["root_mean_square", "layer"] = "root_mean_square"
    head_units: tuple[Size, ...] = (64, 32)
    dropout_rate: Rate = 0.0
