"""The tokens of both scales as one set."""

import keras
from keras import layers, ops


@keras.saving.register_keras_serializable(package="mscat_tf")
class JoinScales(layers.Layer):
    """Put the constituents of every jet, in the order of the jets, and then the kinematic tokens into one sequence.

    Call arguments:
        jets: list of `(batch, constituents, features)`, one for each jet.
        masks: list of bool `(batch, constituents)`, one for each jet, True where a constituent is real.
        kinematics: `(batch, tokens, features)`, always real.

    Returns:
        tokens `(batch, jets * constituents + tokens, features)` and their mask without the last axis.
    """

    def call(self, jets, masks, kinematics):
        real = ops.ones_like(kinematics[..., 0], dtype="bool")
        return ops.concatenate([*jets, kinematics], axis=1), ops.concatenate([*masks, real], axis=1)
