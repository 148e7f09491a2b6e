"""The control without cross-attention: both scales are encoded, then only put side by side."""

import keras

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


def build_concatenation(design: Design) -> keras.Model:
    """Encoders and head of `mscat`; the mean constituent of every jet joins the flattened kinematic tokens.

    Inputs and output as `mscat`. The head sees `(tokens + jets) * width` features instead of `tokens * width`.
    """
    high = high_scale_inputs(design)
    clouds, masks = low_scale_inputs(design)
    parts = pool_constituents(design, *encode_constituents(design, clouds, masks))
    parts.append(pool_kinematics(design, encode_kinematics(design, high)))
    score = classify(design, join_features(parts))
    return assemble([*clouds, *masks, high], score, "concatenation")
