"""The multi-scale cross-attention network of arXiv:2401.00452."""

import keras
from keras import layers

from mscat_tf.layers import CrossAttentionBlock, MergeJets
from mscat_tf.models.parts import (
    Design,
    assemble,
    classify,
    encode_constituents,
    encode_kinematics,
    high_scale_inputs,
    low_scale_inputs,
)
from mscat_tf.models.pooling import pool_kinematics


def build_mscat(design: Design) -> keras.Model:
    """Self-attention inside each scale, then cross-attention: the constituents update the kinematic tokens.

    Inputs: `constituents_j` `(batch, constituents, features)`, `mask_j` `(batch, constituents)`, `kinematics`
    `(batch, tokens, features)`. Output: score `(batch, 1)`.
    Cross-attention has `tokens` queries and `jets * constituents` keys (merge `concatenate`). With more low-scale
    streams (`model.streams`) each has encoders of its own, and all their tokens are keys, in alphabetical order of the
    streams. Source: arXiv:2401.00452; departures are settings (see `ModelSettings`).
    """
    high, inputs, jets, masks = high_scale_inputs(design), [], [], []
    for stream in sorted(design.settings.streams):
        clouds, real = low_scale_inputs(design, stream)
        inputs += [*clouds, *real]
        merged, mask = MergeJets(design.settings.merge, name=f"merged_{stream}")(
            *encode_constituents(design, clouds, real, stream=stream)
        )
        jets.append(merged)
        masks.append(mask)
    keys, key_mask = (jets[0], masks[0]) if len(jets) == 1 else MergeJets(name="merged_streams")(jets, masks)
    tokens = encode_kinematics(design, high)
    depth = design.settings.cross_blocks
    for number in range(1, depth + 1):
        options = design.attention_options("cross", number, depth)
        if design.settings.value_from == "kinematics":
            options["attention_kind"] = "key_overlap"
        block = CrossAttentionBlock(**options, name=f"cross_encoder_{number}")
        tokens = layers.Identity(name=f"cross_block_{number}")(block(tokens, keys, key_mask))
    score = classify(design, pool_kinematics(design, tokens, name="event"))
    return assemble([*inputs, high], score, "mscat")
