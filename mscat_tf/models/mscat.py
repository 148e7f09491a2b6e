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


def build_mscat(design: Design) -> keras.Model:
    """Self-attention inside each scale, then cross-attention: the constituents update the kinematic tokens.

    Inputs: `constituents_j` `(batch, constituents, features)`, `mask_j` `(batch, constituents)`, `kinematics`
    `(batch, tokens, features)`. Output: score `(batch, 1)`.
    Cross-attention has `tokens` queries and `jets * constituents` keys (merge `concatenate`). With more low-scale
    streams (`model.streams`) each has encoders of its own, and all their tokens are keys.
    Source: arXiv:2401.00452; departures are settings (`shared_encoder`, `merge`).
    """
    high, inputs, jets, masks = high_scale_inputs(design), [], [], []
    for stream in design.settings.streams:
        clouds, real = low_scale_inputs(design, stream)
        inputs += [*clouds, *real]
        merged, mask = MergeJets(design.settings.merge, name=f"merged_{stream}")(
            encode_constituents(design, clouds, real, stream=stream), real
        )
        jets.append(merged)
        masks.append(mask)
    keys, key_mask = (jets[0], masks[0]) if len(jets) == 1 else MergeJets(name="merged_streams")(jets, masks)
    tokens = encode_kinematics(design, high)
    for number in range(1, design.settings.cross_blocks + 1):
        block = CrossAttentionBlock(**design.attention_options(), name=f"cross_encoder_{number}")
        tokens = layers.Identity(name=f"cross_block_{number}")(block(tokens, keys, key_mask))
    tokens = layers.LayerNormalization(name="kinematics_norm")(tokens)
    score = classify(design, layers.Flatten(name="event")(tokens))
    return assemble([*inputs, high], score, "mscat")
