"""The control without substructure: a transformer on the kinematic tokens alone."""

import keras
from keras import layers

from mscat_tf.models.parts import Design, assemble, classify, encode_kinematics, high_scale_inputs


def build_kinematics_only(design: Design) -> keras.Model:
    """Kinematic encoder and head of `mscat`.

    Input: `kinematics` `(batch, tokens, features)`. Output: score `(batch, 1)`.
    """
    high = high_scale_inputs(design)
    tokens = layers.LayerNormalization(name="kinematics_norm")(encode_kinematics(design, high))
    score = classify(design, layers.Flatten(name="event")(tokens))
    return assemble([high], score, "kinematics_only")
