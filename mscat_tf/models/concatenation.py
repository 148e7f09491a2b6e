"""The control without cross-attention: both scales are encoded, then only put side by side."""

import keras
from keras import layers

from mscat_tf.models.parts import (
    Design,
    assemble,
    classify,
    constituent_inputs,
    encode_constituents,
    encode_kinematics,
    flatten_kinematics,
    kinematics_input,
    pool_constituents,
)


def build_concatenation(design: Design) -> keras.Model:
    """Encoders and head of `mscat`; the mean constituent of every jet joins the flattened kinematic tokens.

    Inputs and output as `mscat`. The head sees `(tokens + jets) * width` features instead of `tokens * width`.
    """
    kinematics = kinematics_input(design)
    clouds, masks = constituent_inputs(design)
    parts = pool_constituents(encode_constituents(design, clouds, masks), masks)
    parts.append(flatten_kinematics(encode_kinematics(design, kinematics)))
    score = classify(design, layers.Concatenate(name="event")(parts))
    return assemble([*clouds, *masks, kinematics], score, "concatenation")
