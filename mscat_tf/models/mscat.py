"""The multi-scale cross-attention network of arXiv:2401.00452."""

import keras
from keras import layers

from mscat_tf.layers import CrossAttentionBlock, MergeJets
from mscat_tf.models.parts import (
    Design,
    assemble,
    classify,
    constituent_inputs,
    encode_constituents,
    encode_kinematics,
    kinematics_input,
)


def build_mscat(design: Design) -> keras.Model:
    """Self-attention inside each scale, then cross-attention: the constituents update the kinematic tokens.

    Inputs: `constituents_j` `(batch, constituents, features)`, `mask_j` `(batch, constituents)`, `kinematics`
    `(batch, tokens, features)`. Output: score `(batch, 1)`.
    Cross-attention has `tokens` queries and `jets * constituents` keys (merge `concatenate`).
    Source: arXiv:2401.00452; departures are settings (`shared_encoder`, `merge`).
    """
    kinematics = kinematics_input(design)
    clouds, masks = constituent_inputs(design)
    jets = encode_constituents(design, clouds, masks)
    keys, key_mask = MergeJets(design.settings.merge, name="merged_jets")(jets, masks)
    tokens = encode_kinematics(design, kinematics)
    for number in range(1, design.settings.cross_blocks + 1):
        block = CrossAttentionBlock(**design.attention_options(), name=f"cross_encoder_{number}")
        tokens = layers.Identity(name=f"cross_block_{number}")(block(tokens, keys, key_mask))
    tokens = layers.LayerNormalization(name="kinematics_norm")(tokens)
    score = classify(design, layers.Flatten(name="event")(tokens))
    return assemble([*clouds, *masks, kinematics], score, "mscat")
