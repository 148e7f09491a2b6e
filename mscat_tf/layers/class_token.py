"""A token that belongs to no object and gathers what the head needs."""

import keras
from keras import layers, ops


@keras.saving.register_keras_serializable(package="mscat_tf")
class ClassToken(layers.Layer):
    """Append one learned token, the same for all events, to a set of tokens.

    Call arguments:
        tokens: `(batch, tokens, features)`.

    Returns:
        `(batch, tokens + 1, features)`; the learned token is the last.

    Source: Devlin et al., arXiv:1810.04805; there it is the first.
    """

    def build(self, tokens_shape):
        start = keras.initializers.RandomNormal(stddev=0.02)
        self.vector = self.add_weight(shape=(1, tokens_shape[-1]), initializer=start, name="vector")

    def call(self, tokens):
        vector = ops.cast(self.vector, tokens.dtype)
        return ops.concatenate([tokens, ops.zeros_like(tokens[:, :1]) + vector], axis=1)

    def compute_output_shape(self, tokens_shape):
        return (tokens_shape[0], tokens_shape[1] + 1, tokens_shape[2])
