"""The part of a transformer block that looks at one token at a time."""

import keras
from keras import layers

from mscat_tf.layers.activations import gelu
from mscat_tf.layers.checks import check_dropout_rate, check_positive


@keras.saving.register_keras_serializable(package="mscat_tf")
class FeedForward(layers.Layer):
    """Residual MLP of one hidden layer on every token: `x + MLP(LN(x))`.

    Args:
        mlp_ratio: float. Hidden width as a multiple of `features`.
        dropout_rate: float in `[0, 1)`, on the hidden layer.

    Call arguments:
        tokens: `(batch, tokens, features)`.

    Returns:
        `(batch, tokens, features)`.

    Raises:
        ConfigError: an argument is out of range.
    """

    def __init__(self, mlp_ratio=2.0, dropout_rate=0.0, **kwargs):
        super().__init__(**kwargs)
        check_dropout_rate(self.name, dropout_rate)
        check_positive(self.name, mlp_ratio=mlp_ratio)
        self.mlp_ratio, self.dropout_rate = mlp_ratio, dropout_rate

    def build(self, tokens_shape):
        features, same = tokens_shape[-1], {"dtype": self.dtype_policy}
        hidden = max(1, round(self.mlp_ratio * features))
        self.norm = layers.LayerNormalization(**same, name="norm")
        self.hidden = layers.Dense(hidden, activation=gelu, **same, name="hidden")
        self.dropout = layers.Dropout(self.dropout_rate, **same, name="dropout")
        self.out = layers.Dense(features, **same, name="out")
        self.norm.build(tokens_shape)
        self.hidden.build(tokens_shape)
        self.out.build((*tokens_shape[:-1], hidden))

    def call(self, tokens, training=None):
        hidden = self.dropout(self.hidden(self.norm(tokens)), training=training)
        return tokens + self.out(hidden)

    def get_config(self):
        return {**super().get_config(), "mlp_ratio": self.mlp_ratio, "dropout_rate": self.dropout_rate}
