"""The part of a transformer block that looks at one token at a time."""

import keras
from keras import layers, ops

from mscat_tf.layers.activations import ACTIVATIONS, activation_function
from mscat_tf.layers.checks import check_choice, check_dropout_rate, check_positive
from mscat_tf.layers.dropout import Dropout
from mscat_tf.layers.normalisations import normalisation_layer
from mscat_tf.layers.stochastic_depth import StochasticDepth


@keras.saving.register_keras_serializable(package="mscat_tf")
class FeedForward(layers.Layer):
    """Residual MLP of one hidden layer on every token: `x + MLP(norm(x))`, or post-norm `norm(x + MLP(x))`.

    Args:
        mlp_ratio: float. Hidden width as a multiple of `features`.
        dropout_rate: float in `[0, 1)`, on the hidden layer.
        normalisation: `layer` or `root_mean_square`, see `normalisation_layer`.
        norm_first: bool. Pre-norm instead of post-norm.
        stochastic_depth: float in `[0, 1)`. Share of events that lose the MLP while training.
        skip: bool. Off, the MLP replaces the tokens instead of being added to them.
        activation: `gelu` or `relu`, of the hidden layer.

    Call arguments:
        tokens: `(batch, tokens, features)`.

    Returns:
        `(batch, tokens, features)`.

    Raises:
        ConfigError: an argument is out of range.
    """

    def __init__(
        self,
        mlp_ratio=2.0,
        dropout_rate=0.0,
        normalisation="layer",
        norm_first=True,
        stochastic_depth=0.0,
        skip=True,
        activation="gelu",
        **kwargs,
    ):
        super().__init__(**kwargs)
        check_dropout_rate(self.name, dropout_rate)
        check_positive(self.name, mlp_ratio=mlp_ratio)
        check_choice(self.name, "activation", activation, ACTIVATIONS)
        self.mlp_ratio, self.dropout_rate = mlp_ratio, dropout_rate
        self.normalisation, self.norm_first, self.stochastic_depth = normalisation, norm_first, stochastic_depth
        self.skip, self.activation = skip, activation

    def build(self, tokens_shape):
        features, same = tokens_shape[-1], {"dtype": self.dtype_policy}
        hidden = max(1, round(self.mlp_ratio * features))
        self.norm = normalisation_layer(self.normalisation, **same, name="norm")
        self.hidden = layers.Dense(hidden, activation=activation_function(self.activation), **same, name="hidden")
        self.dropout = Dropout(self.dropout_rate, **same, name="dropout")
        self.out = layers.Dense(features, **same, name="out")
        self.drop = StochasticDepth(self.stochastic_depth, **same, name="stochastic_depth")
        self.norm.build(tokens_shape)
        self.hidden.build((None, features))
        self.out.build((None, hidden))

    def call(self, tokens, training=None):
        # All tokens as rows of one matrix: with a third axis TensorFlow fuses neither offset nor activation.
        rows = ops.reshape(self.norm(tokens) if self.norm_first else tokens, (-1, tokens.shape[-1]))
        branch = self.out(self.dropout(self.hidden(rows), training=training))
        branch = self.drop(ops.reshape(branch, ops.shape(tokens)), training=training)
        tokens = tokens + branch if self.skip else branch
        return tokens if self.norm_first else self.norm(tokens)

    def get_config(self):
        own = ("mlp_ratio", "dropout_rate", "normalisation", "norm_first", "stochastic_depth", "skip", "activation")
        return {**super().get_config(), **{name: getattr(self, name) for name in own}}
