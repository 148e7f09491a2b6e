"""The control without kinematics: transformers on the constituents alone."""

import keras

from mscat_tf.models.parts import Design, assemble, classify, encode_constituents, low_scale_inputs
from mscat_tf.models.pooling import join_features, pool_constituents


def build_substructure_only(design: Design) -> keras.Model:
    """Constituent encoder and head of `mscat`; the head sees the mean constituent of every jet.

    Inputs: `constituents_j` `(batch, constituents, features)`, `mask_j` `(batch, constituents)`. Output: score
    `(batch, 1)`. It does not depend on the order of the constituents, nor on where the jets are in the event.
    """
    clouds, masks = low_scale_inputs(design)
    jets = pool_constituents(design, *encode_constituents(design, clouds, masks))
    score = classify(design, join_features(jets))
    return assemble([*clouds, *masks], score, "substructure_only")
