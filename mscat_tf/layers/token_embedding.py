"""Telling the network which token or which jet it looks at."""

import keras
from keras import layers

from mscat_tf.layers.checks import check_positive


@keras.saving.register_keras_serializable(package="mscat_tf")
class TokenEmbedding(layers.Layer):
    """Add a learned vector to tokens that a shared layer could not tell apart.

    Args:
        tokens: int. Number of vectors: one for every token, or 1 for all tokens alike (which jet they belong to).

    Call arguments:
        inputs: `(batch, tokens, features)`.

    Returns:
        `(batch, tokens, features)`.

    Raises:
        ConfigError: `tokens` is not positive.
    """

    def __init__(self, tokens, **kwargs):
        super().__init__(**kwargs)
        check_positive(self.name, tokens=tokens)
        self.tokens = tokens

    def build(self, inputs_shape):
        start = keras.initializers.RandomNormal(stddev=0.02)
        self.vectors = self.add_weight(shape=(self.tokens, inputs_shape[-1]), initializer=start, name="vectors")

    def call(self, inputs):
        return inputs + self.vectors

    def get_config(self):
        return {**super().get_config(), "tokens": self.tokens}
