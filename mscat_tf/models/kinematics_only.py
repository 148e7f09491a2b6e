"""The control without substructure: a transformer on the kinematic tokens alone."""

import keras
from keras import layers

from mscat_tf.models.parts import Design, assemble, classify, encode_kinematics, kinematics_input


def build_kinematics_only(design: Design) -> keras.Model:
    """Kinematic encoder and head of `mscat`.

    Input: `kinematics` `(batch, tokens, features)`. Output: score `(batch, 1)`.
    """
    kinematics = kinematics_input(design)
    tokens = layers.LayerNormalization(name="kinematics_norm")(encode_kinematics(design, kinematics))
    score = classify(design, layers.Flatten(name="event")(tokens))
    return assemble([kinematics], score, "kinematics_only")
