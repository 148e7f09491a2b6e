"""One vector for a set of tokens."""

import keras
from keras import layers, ops


@keras.saving.register_keras_serializable(package="mscat_tf")
class MaskedMean(layers.Layer):
    """Mean over the real tokens; exactly 0 for a set without any. It does not depend on their order.

    Call arguments:
        tokens: `(batch, tokens, features)`.
        token_mask: bool `(batch, tokens)`, True where a token is real.

    Returns:
        `(batch, features)`.
    """

    def call(self, tokens, token_mask):
        real = ops.expand_dims(token_mask, -1)
        total = ops.sum(ops.where(real, tokens, 0.0), axis=1)
        count = ops.sum(ops.cast(real, tokens.dtype), axis=1)
        return total / ops.maximum(count, 1.0)
