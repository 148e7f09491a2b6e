"""The sum over a set of tokens."""

import keras
from keras import layers, ops


@keras.saving.register_keras_serializable(package="mscat_tf")
class MaskedSum(layers.Layer):
    """Sum over the real tokens; exactly 0 for a set without any. It does not depend on their order.

    Added up in float32 whatever the policy. Reference: the Particle Flow Network, arXiv:1810.05165.

    Call arguments:
        tokens: `(batch, tokens, features)`.
        token_mask: bool `(batch, tokens)`, True where a token is real.

    Returns:
        `(batch, features)`.
    """

    def call(self, tokens, token_mask):
        real = ops.where(ops.expand_dims(token_mask, -1), tokens, 0.0)
        return ops.cast(ops.sum(ops.cast(real, "float32"), axis=1), self.compute_dtype)
