"""Cross-attention with the roles swapped: the constituents ask, the kinematics answer."""

import keras
from keras import layers

from mscat_tf.layers import CrossAttentionBlock
from mscat_tf.models.parts import (
    Design,
    assemble,
    classify,
    encode_constituents,
    encode_kinematics,
    high_scale_inputs,
    low_scale_inputs,
)
from mscat_tf.models.pooling import join_features, pool_constituents


def build_mscat_swapped(design: Design) -> keras.Model:
    """Encoders of `mscat`, then cross-attention in which the kinematic tokens update the constituents of every jet.

    Inputs and output as `mscat`. There are `constituents` queries for each jet and `tokens` keys; the constituents keep
    the residual. One block serves all jets: the same as all constituents asking at once. The head sees the mean
    constituent of every jet, so kinematics reach it through constituents only, and events without any all get the same
    score. `merge` has no say: the jets stay apart; nor has `pooling`: no kinematic token reaches the head.
    """
    high = high_scale_inputs(design)
    clouds, masks = low_scale_inputs(design)
    jets, seen = encode_constituents(design, clouds, masks)
    context, depth = encode_kinematics(design, high, pooled=False), design.settings.cross_blocks
    for number in range(1, depth + 1):
        block = CrossAttentionBlock(**design.attention_options("cross", number, depth), name=f"cross_encoder_{number}")
        names = [f"constituents_{jet}_cross_{number}" for jet in range(1, len(jets) + 1)]
        jets = [layers.Identity(name=name)(block(tokens, context)) for name, tokens in zip(names, jets, strict=True)]
    score = classify(design, join_features(pool_constituents(design, jets, seen)))
    return assemble([*clouds, *masks, high], score, "mscat_swapped")
