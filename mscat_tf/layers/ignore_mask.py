"""What a network without masks believes."""

import keras
from keras import layers, ops


@keras.saving.register_keras_serializable(package="mscat_tf")
class IgnoreMask(layers.Layer):
    """Call every token real: for the ablation that measures what masks are worth.

    Call arguments:
        token_mask: bool `(batch, tokens)`.

    Returns:
        bool `(batch, tokens)`, True everywhere.
    """

    def call(self, token_mask):
        return ops.ones_like(token_mask)

    def compute_output_spec(self, token_mask):
        return keras.KerasTensor(token_mask.shape, dtype="bool")
