"""One logit from two classes."""

import keras
from keras import layers


@keras.saving.register_keras_serializable(package="mscat_tf")
class TwoClassLogit(layers.Layer):
    """Signal minus background: the sigmoid of it is what softmax over the two classes gives for the signal.

    `exp(s) / (exp(s) + exp(b)) = 1 / (1 + exp(-(s - b)))`.

    Call arguments:
        classes: `(batch, 2)`, background and signal before softmax.

    Returns:
        `(batch, 1)`.
    """

    def call(self, classes):
        return classes[:, 1:] - classes[:, :1]
