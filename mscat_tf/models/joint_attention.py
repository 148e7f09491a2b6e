"""The rival with one attention matrix: every token of the event reads every other, whatever its scale."""

import keras
from keras import layers

from mscat_tf.layers import JoinScales, SelfAttentionBlock
from mscat_tf.models.parts import (
    Design,
    assemble,
    classify,
    encode_constituents,
    encode_kinematics,
    high_scale_inputs,
    low_scale_inputs,
)
from mscat_tf.models.pooling import join_features, pool_constituents, pool_kinematics


def build_joint_attention(design: Design) -> keras.Model:
    """Embed both scales to one width, then self-attention over all `jets * constituents + tokens` tokens together.

    Inputs, output and what the head sees as `concatenation`: the mean constituent of every jet, the kinematic tokens.
    Each scale has an embedding of its own; learned vectors tell the jets, and the kinematic tokens, apart. There are as
    many blocks as in the three encoders of `mscat` together, so that both have about the same parameters; every block
    works on all tokens, so this network costs more operations. `merge` has no say: the jets stay apart; nor has
    `pair_interactions`, which knows no pairs across the scales.
    Source: figure (b) of the talk on arXiv:2401.00452, the matrix of which `mscat` keeps one block off the diagonal.
    """
    high = high_scale_inputs(design)
    clouds, masks = low_scale_inputs(design)
    jets, seen = encode_constituents(design, clouds, masks, blocks=0)
    tokens, mask = JoinScales(name="joined_scales")(jets, seen, encode_kinematics(design, high, blocks=0))
    settings = design.settings
    depth = settings.constituent_blocks + settings.kinematic_blocks + settings.cross_blocks
    for number in range(1, depth + 1):
        block = SelfAttentionBlock(**design.attention_options("joint", number, depth), name=f"joint_encoder_{number}")
        tokens = layers.Identity(name=f"joint_block_{number}")(block(tokens, mask))
    *jets, tokens = _scales(design, tokens, depth)
    parts = [*pool_constituents(design, jets, seen), pool_kinematics(design, tokens)]
    score = classify(design, join_features(parts))
    return assemble([*clouds, *masks, high], score, "joint_attention")


def _scales(design, tokens, depth):
    """The tokens of each jet and the kinematic ones taken apart, named as those of the other networks after a block."""
    names = [*(f"constituents_{jet}" for jet in range(1, design.inputs.jets + 1)), "kinematics"]
    lengths = [design.inputs.constituents] * design.inputs.jets
    lengths.append(tokens.shape[1] - sum(lengths))
    starts = [sum(lengths[:place]) for place in range(len(lengths))]
    return [
        layers.Cropping1D((start, sum(lengths) - start - length), name=f"{name}_block_{depth}")(tokens)
        for name, start, length in zip(names, starts, lengths, strict=True)
    ]
