"""The feed-forward part of the released code's blocks."""

import keras
from keras import layers, ops

from mscat_tf.layers.activations import gelu
from mscat_tf.layers.checks import check_dropout_rate, check_positive
from mscat_tf.layers.dropout import Dropout
from mscat_tf.layers.layer_normalisation import LayerNormalisation


@keras.saving.register_keras_serializable(package="mscat_tf")
class ReleasedFeedForward(layers.Layer):
    """Residual MLP on every token, `x + MLP(LN(x))`, with GELU and dropout after both of its dense layers.

    Args:
        hidden_units: int. Width of the hidden layer, the same whatever `features`.
        dropout_rate: float in `[0, 1)`.

    Call arguments:
        tokens: `(batch, tokens, features)`.

    Returns:
        `(batch, tokens, features)`.

    Raises:
        ConfigError: an argument is out of range.
    """

    def __init__(self, hidden_units=64, dropout_rate=0.0, **kwargs):
        super().__init__(**kwargs)
        check_dropout_rate(self.name, dropout_rate)
        check_positive(self.name, hidden_units=hidden_units)
        self.hidden_units, self.dropout_rate = hidden_units, dropout_rate

    def build(self, tokens_shape):
        same = {"dtype": self.dtype_policy}
        self.norm = LayerNormalisation(**same, name="norm")
        self.hidden = layers.Dense(self.hidden_units, activation=gelu, **same, name="hidden")
        self.hidden_dropout = Dropout(self.dropout_rate, **same, name="hidden_dropout")
        self.out = layers.Dense(tokens_shape[-1], activation=gelu, **same, name="out")
        self.out_dropout = Dropout(self.dropout_rate, **same, name="out_dropout")
        self.norm.build(tokens_shape)
        self.hidden.build(tokens_shape)
        self.out.build((*tokens_shape[:-1], self.hidden_units))

    def call(self, tokens, training=None):
        rows = ops.reshape(self.norm(tokens), (-1, tokens.shape[-1]))  # see FeedForward
        hidden = self.hidden_dropout(self.hidden(rows), training=training)
        branch = self.out_dropout(self.out(hidden), training=training)
        return tokens + ops.reshape(branch, ops.shape(tokens))

    def get_config(self):
        return {**super().get_config(), "hidden_units": self.hidden_units, "dropout_rate": self.dropout_rate}
