"""The control without cross-attention: both scales are encoded, then only put side by side."""

import keras
from keras import layers

from mscat_tf.layers import MaskedMean
from mscat_tf.models.parts import (
    Design,
    assemble,
    classify,
    constituent_inputs,
    encode_constituents,
    encode_kinematics,
    kinematics_input,
)


def build_concatenation(design: Design) -> keras.Model:
    """Encoders and head of `mscat`; the mean constituent of every jet joins the flattened kinematic tokens.

    Inputs and output as `mscat`. The head sees `(tokens + jets) * width` features instead of `tokens * width`.
    """
    kinematics = kinematics_input(design)
    clouds, masks = constituent_inputs(design)
    norm = layers.LayerNormalization(name="constituents_norm")
    parts = []
    for jet, (tokens, mask) in enumerate(zip(encode_constituents(design, clouds, masks), masks, strict=True), start=1):
        parts.append(MaskedMean(name=f"constituents_{jet}_mean")(norm(tokens), mask))
    tokens = layers.LayerNormalization(name="kinematics_norm")(encode_kinematics(design, kinematics))
    parts.append(layers.Flatten(name="kinematics_flat")(tokens))
    score = classify(design, layers.Concatenate(name="event")(parts))
    return assemble([*clouds, *masks, kinematics], score, "concatenation")
