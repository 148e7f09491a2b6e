"""Telling the network which token or which jet it looks at."""

import keras
from keras import layers, ops

from mscat_tf.errors import ConfigError
from mscat_tf.layers.checks import check_positive


@keras.saving.register_keras_serializable(package="mscat_tf")
class TokenEmbedding(layers.Layer):
    """Add a learned vector to tokens that a shared layer could not tell apart.

    Args:
        tokens: int. Number of tokens, each with a vector; 1 means one vector for all (which jet they belong to).
        alike: int. So many of the first tokens share one vector, so that they stay interchangeable.

    Call arguments:
        inputs: `(batch, tokens, features)`.

    Returns:
        `(batch, tokens, features)`.

    Raises:
        ConfigError: `tokens` or `alike` is not positive, or `alike` exceeds `tokens`.
    """

    def __init__(self, tokens, alike=1, **kwargs):
        super().__init__(**kwargs)
        check_positive(self.name, tokens=tokens, alike=alike)
        if alike > tokens:
            raise ConfigError(f"{self.name}: alike is {alike} but there are {tokens} tokens; choose a smaller one")
        self.tokens, self.alike = tokens, alike

    def build(self, inputs_shape):
        start, vectors = keras.initializers.RandomNormal(stddev=0.02), self.tokens - self.alike + 1
        self.vectors = self.add_weight(shape=(vectors, inputs_shape[-1]), initializer=start, name="vectors")

    def call(self, inputs):
        if self.alike == 1:
            return inputs + self.vectors
        first = ops.repeat(self.vectors[:1], self.alike, axis=0)
        return inputs + ops.concatenate([first, self.vectors[1:]], axis=0)

    def compute_output_shape(self, inputs_shape):
        return inputs_shape

    def get_config(self):
        return {**super().get_config(), "tokens": self.tokens, "alike": self.alike}
