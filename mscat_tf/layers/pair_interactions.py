"""What two constituents of a jet are to each other, as a bias of their attention."""

import keras
import numpy as np
from keras import layers, ops

from mscat_tf.layers.activations import gelu
from mscat_tf.layers.checks import check_positive
from mscat_tf.layers.constituent_columns import check_constituent_columns, eta_phi_log_pt

PAIR_FEATURES = ("ln_kt", "ln_z", "ln_delta", "ln_m2")

CENTRE_AND_WIDTH = {"ln_kt": (-0.4, 1.1), "ln_z": (-1.6, 0.9), "ln_delta": (-1.3, 1.1), "ln_m2": (0.5, 2.2)}
"""Mean and standard deviation over the pairs of different constituents of our 4b sample (two decimals vary with it)."""

LEAST_DELTA = 1e-3
"""Distances below this count as this: finer than any detector. A constituent and itself are this far apart."""


@keras.saving.register_keras_serializable(package="mscat_tf")
class PairInteractions(layers.Layer):
    """Logarithms of kT, z, Delta and m^2 of every pair, through an MLP: one number for each head.

    `Delta^2 = d_eta^2 + d_phi^2`, `kT = min(pT_i, pT_j) Delta`, `z = min(pT_i, pT_j) / (pT_i + pT_j)` and, of
    massless constituents, `m^2 = 2 pT_i pT_j (cosh d_eta - cos d_phi)`. In the jet frame eta and phi are rotated into
    each other, so m^2 is that of the laboratory only to leading order in Delta, and phi is not periodic. The MLP sees
    them less a fixed mean over a fixed width, has GELU between its layers and is linear at its end. Each pair is
    computed once, so the bias is exactly symmetric. Features are computed in float32 under any policy.

    Args:
        num_heads: int. Numbers for each pair.
        columns: names of the columns of `tokens`: `eta`, `phi`, and `pt` [GeV] or else `log_pt`, in any order.
        units: widths of the MLP's hidden layers.

    Call arguments:
        tokens: `(batch, constituents, columns)`, physical units; the number of constituents must be known.
        token_mask: bool `(batch, constituents)`, True where a constituent is real; None means all are.

    Returns:
        `(batch, num_heads, constituents, constituents)`, 0 where either of the pair is padding.

    Raises:
        ConfigError: an argument is out of range or a column is missing.

    Source: Qu, Li, Qian, arXiv:2202.03772, equations 3 and 4. There the MLP normalises its input and its hidden layers
    by the batch; here an event's score must depend neither on its batch nor on how many replicas share it.
    """

    def __init__(self, num_heads, columns, units=(64, 64, 64), **kwargs):
        super().__init__(autocast=False, **kwargs)
        check_positive(self.name, num_heads=num_heads, **{f"units[{n}]": size for n, size in enumerate(units)})
        self.num_heads, self.columns, self.units = num_heads, tuple(columns), tuple(units)
        check_constituent_columns(self.name, self.columns)

    def build(self, tokens_shape):
        same, width = {"dtype": self.dtype_policy}, len(PAIR_FEATURES)
        self.hidden = []
        for number, size in enumerate(self.units, start=1):
            self.hidden.append(layers.Dense(size, activation=gelu, **same, name=f"hidden_{number}"))
            self.hidden[-1].build((None, None, width))
            width = size
        self.out = layers.Dense(self.num_heads, **same, name="out")
        self.out.build((None, None, width))

    def call(self, tokens, token_mask=None):
        size = tokens.shape[1]
        first, second = np.triu_indices(size)
        if token_mask is not None:  # 1 instead of padding, so that gradients stay finite whatever it holds
            tokens = ops.where(ops.expand_dims(token_mask, -1), tokens, 1.0)
        eta, phi, log_pt = eta_phi_log_pt(tokens, self.columns)
        pairs = self._standardise(pair_features(eta, phi, log_pt, first, second))
        for layer in self.hidden:
            pairs = layer(pairs)
        place = np.zeros((size, size), "int32")
        place[first, second] = place[second, first] = np.arange(len(first))
        bias = ops.take(ops.transpose(self.out(pairs), (0, 2, 1)), place.ravel(), axis=-1)
        bias = ops.reshape(bias, (-1, self.num_heads, size, size))
        if token_mask is None:
            return bias
        real = ops.logical_and(token_mask[:, None, :, None], token_mask[:, None, None, :])
        return ops.where(real, bias, 0.0)

    def compute_output_shape(self, tokens_shape):
        return tokens_shape[0], self.num_heads, tokens_shape[1], tokens_shape[1]

    @staticmethod
    def _standardise(features):
        centres, widths = zip(*(CENTRE_AND_WIDTH[name] for name in PAIR_FEATURES), strict=True)
        return (features - np.array(centres, "float32")) / np.array(widths, "float32")

    def get_config(self):
        own = ("num_heads", "columns", "units")
        return {**super().get_config(), **{name: getattr(self, name) for name in own}}


def pair_features(eta, phi, log_pt, first, second):
    """The columns `PAIR_FEATURES` of chosen pairs, `(batch, pairs, 4)`; finite, and so are their gradients.

    Args:
        eta, phi, log_pt: `(batch, constituents)`, pT in GeV. first, second: int `(pairs,)`, indices of constituents.
    """
    d_eta, d_phi, d_log_pt = (ops.take(v, first, axis=1) - ops.take(v, second, axis=1) for v in (eta, phi, log_pt))
    both = ops.take(log_pt, first, axis=1) + ops.take(log_pt, second, axis=1)
    softer = 0.5 * (both - ops.abs(d_log_pt))
    # cosh x - cos y without the difference of two numbers close to 1, which float32 would lose.
    opening = 4.0 * (ops.square(ops.sinh(0.5 * d_eta)) + ops.square(ops.sin(0.5 * d_phi)))
    log_delta = 0.5 * _floored_log(ops.square(d_eta) + ops.square(d_phi))
    log_z = -ops.softplus(ops.abs(d_log_pt))
    return ops.stack([softer + log_delta, log_z, log_delta, both + _floored_log(opening)], axis=-1)


def _floored_log(squared):
    return ops.log(ops.maximum(squared, LEAST_DELTA**2))
