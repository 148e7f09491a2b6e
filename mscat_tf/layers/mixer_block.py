"""Tokens and features mixed in turn by two small MLPs."""

import keras
from keras import layers, ops

from mscat_tf.layers.activations import ACTIVATIONS, activation_function
from mscat_tf.layers.checks import check_choice, check_dropout_rate, check_positive
from mscat_tf.layers.dropout import Dropout
from mscat_tf.layers.feed_forward import FeedForward
from mscat_tf.layers.normalisations import normalisation_layer


@keras.saving.register_keras_serializable(package="mscat_tf")
class MixerBlock(layers.Layer):
    """`y = x + MLP(norm(x)^T)^T` over the places of the tokens, then `y + MLP(norm(y))` over their features.

    The first MLP has a weight for every place, so the order of the tokens matters (`HardestFirst` gives them one).
    Padding counts as 0 before the first MLP and leaves as 0: it adds nothing to real tokens, and more of it changes
    nothing. With fewer tokens than places only the weights of the first ones are used.

    Args:
        places: int. Greatest number of tokens.
        token_units: int. Hidden width of the MLP over places.
        feature_units: int. Hidden width of the MLP over features.
        dropout_rate: float in `[0, 1)`, on both hidden layers.
        activation: `gelu`, as published, or `relu`, on both.
        normalisation: `layer` or `root_mean_square`, see `normalisation_layer`.

    Call arguments:
        tokens: `(batch, tokens, features)`, at most `places` of them.
        token_mask: bool `(batch, tokens)`, True where a token is real.

    Returns:
        `(batch, tokens, features)`, exactly 0 where there is padding.

    Raises:
        ConfigError: an argument is out of range.

    Source: Tolstikhin et al., arXiv:2105.01601, equation 1; masks are ours.
    """

    def __init__(
        self,
        places,
        token_units,
        feature_units,
        dropout_rate=0.0,
        activation="gelu",
        normalisation="layer",
        **kwargs,
    ):
        super().__init__(**kwargs)
        check_positive(self.name, places=places, token_units=token_units, feature_units=feature_units)
        check_dropout_rate(self.name, dropout_rate)
        check_choice(self.name, "activation", activation, ACTIVATIONS)
        self.places, self.token_units, self.feature_units = places, token_units, feature_units
        self.dropout_rate, self.activation, self.normalisation = dropout_rate, activation, normalisation

    def build(self, tokens_shape):
        features, same = tokens_shape[-1], {"dtype": self.dtype_policy}
        self.norm = normalisation_layer(self.normalisation, **same, name="norm")
        self.norm.build(tokens_shape)
        sizes = {"hidden": (self.places, self.token_units), "out": (self.token_units, self.places)}
        self.hidden_kernel, self.out_kernel = (
            self.add_weight(shape=shape, initializer="glorot_uniform", name=f"{name}_kernel")
            for name, shape in sizes.items()
        )
        self.hidden_bias, self.out_bias = (
            self.add_weight(shape=shape[1:], initializer="zeros", name=f"{name}_bias") for name, shape in sizes.items()
        )
        self.dropout = Dropout(self.dropout_rate, **same, name="dropout")
        options = {"normalisation": self.normalisation, "activation": self.activation, **same, "name": "feed_forward"}
        self.feed_forward = FeedForward(self.feature_units / features, self.dropout_rate, **options)
        self.feed_forward.build(tokens_shape)

    def call(self, tokens, token_mask, training=None):
        real, number, features = ops.expand_dims(token_mask, -1), ops.shape(tokens)[1], tokens.shape[-1]
        normed = ops.where(real, self.norm(tokens), 0.0)
        # Features as rows of one matrix with a column for each place: one product for all events.
        rows = ops.reshape(ops.transpose(normed, (0, 2, 1)), (-1, number))
        hidden = ops.add(ops.matmul(rows, self.hidden_kernel[:number]), self.hidden_bias)
        hidden = self.dropout(activation_function(self.activation)(hidden), training=training)
        mixed = ops.add(ops.matmul(hidden, self.out_kernel[:, :number]), self.out_bias[:number])
        mixed = ops.transpose(ops.reshape(mixed, (-1, features, number)), (0, 2, 1))
        return ops.where(real, self.feed_forward(tokens + mixed, training=training), 0.0)

    def compute_output_spec(self, tokens, token_mask, training=None):
        return keras.KerasTensor(tokens.shape, self.compute_dtype)

    def get_config(self):
        own = ("places", "token_units", "feature_units", "dropout_rate", "activation", "normalisation")
        return {**super().get_config(), **{name: getattr(self, name) for name in own}}
