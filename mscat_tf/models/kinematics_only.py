"""The control without substructure: a transformer on the kinematic tokens alone."""

import keras

from mscat_tf.models.parts import Design, assemble, classify, encode_kinematics, high_scale_inputs
from mscat_tf.models.pooling import pool_kinematics


def build_kinematics_only(design: Design) -> keras.Model:
    """Kinematic encoder and head of `mscat`.

    Input: `kinematics` `(batch, tokens, features)`. Output: score `(batch, 1)`.
    """
    high = high_scale_inputs(design)
    score = classify(design, pool_kinematics(design, encode_kinematics(design, high), name="event"))
    return assemble([high], score, "kinematics_only")
