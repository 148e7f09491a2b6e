"""Constituents in an order of their own, whatever order they came in."""

import keras
import tensorflow as tf
from keras import layers, ops

from mscat_tf.layers.checks import check_positive
from mscat_tf.layers.constituent_columns import check_constituent_columns, eta_phi_log_pt

TIE_BREAK = 2.0**-26
"""Relative size of what breaks ties: less than any two different float32 numbers are apart."""
DIRECTION_MIX = 2.0**0.5


@keras.saving.register_keras_serializable(package="mscat_tf")
class HardestFirst(layers.Layer):
    """The constituents of every jet by falling transverse momentum, padding last: the same for any order of the input.

    A network that treats its tokens by their place is blind to permutations behind this layer. The order is that of
    `pT (1 + 2^-26 tanh(eta + sqrt(2) phi))` in float64: constituents of exactly equal pT stand by falling
    `eta + sqrt(2) phi`, and those that are equal in this too may stand as they like, being equal.

    Args:
        columns: names of the features; eta, phi, and pt or log_pt must be among them.
        tokens: int. So many are kept at most; softer ones are left out.

    Call arguments:
        tokens: `(batch, constituents, features)`, not standardised.
        token_mask: bool `(batch, constituents)`, True where a constituent is real; padding may hold anything.

    Returns:
        tokens `(batch, kept, features)`, 0 where there is padding, and mask `(batch, kept)`, with
        `kept = min(tokens, constituents)`.

    Raises:
        ConfigError: a column is missing, or the number is not positive.
    """

    def __init__(self, columns, tokens, **kwargs):
        super().__init__(**kwargs, autocast=False)
        check_positive(self.name, tokens=tokens)
        check_constituent_columns(self.name, tuple(columns))
        self.columns, self.tokens = tuple(columns), tokens

    def call(self, tokens, token_mask):
        real = ops.expand_dims(token_mask, -1)
        tokens = ops.where(real, tokens, 0.0)
        eta, phi, log_pt = eta_phi_log_pt(tokens, self.columns)
        pt = tokens[..., self.columns.index("pt")] if "pt" in self.columns else ops.exp(log_pt)
        tie_break = 1.0 + TIE_BREAK * ops.tanh(ops.cast(eta + DIRECTION_MIX * phi, "float64"))
        momentum = ops.where(token_mask, ops.cast(pt, "float64") * tie_break, -1.0)
        kept = ops.shape(tokens)[1]
        kept = min(kept, self.tokens) if isinstance(kept, int) else ops.minimum(kept, self.tokens)
        _, order = tf.math.top_k(momentum, kept)
        found = tf.gather(tokens, order, batch_dims=1)
        number = ops.sum(ops.cast(token_mask, "int32"), axis=1, keepdims=True)
        return found, ops.arange(kept, dtype="int32") < number

    def compute_output_spec(self, tokens, token_mask):
        batch, size, features = tokens.shape
        kept = None if size is None else min(size, self.tokens)
        return keras.KerasTensor((batch, kept, features), tokens.dtype), keras.KerasTensor((batch, kept), "bool")

    def get_config(self):
        return {**super().get_config(), "columns": self.columns, "tokens": self.tokens}
