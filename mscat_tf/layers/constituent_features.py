"""What the published taggers of single jets are given for every constituent."""

import keras
from keras import layers, ops

from mscat_tf.layers.constituent_columns import check_constituent_columns, eta_phi_log_pt

FEATURES = ("eta", "phi", "log_pt", "log_pt_fraction", "distance")
"""Columns that leave the layer; eta and phi first, for those who look for neighbours."""

SHIFT_AND_SCALE = {"log_pt": (1.7, 0.7), "log_pt_fraction": (-4.7, 0.7), "distance": (0.2, 4.0)}
"""`(value - shift) * scale` brings these to order 1. Fixed, as Particle Transformer publishes them for jets of 500 GeV
to 1 TeV (arXiv:2202.03772, its released data settings); eta and phi stay as they are."""


@keras.saving.register_keras_serializable(package="mscat_tf")
class ConstituentFeatures(layers.Layer):
    """Features of constituents in the frame of their jet, standardised with fixed numbers; padding becomes exactly 0.

    Of the seven published features (arXiv:1902.08570, Table 2) the five that the jet frame knows: eta and phi relative
    to the jet, log pT, log of the share in the jet's pT, and the distance from the jet's centre. Not log E and
    log E/E_jet: the frame drops the jet's direction in the laboratory.

    The jet's pT is the scalar sum over the constituents that are given. Inputs are never rounded to half precision.

    Args:
        columns: names of the columns of `tokens`: `eta`, `phi`, and `pt` [GeV] or else `log_pt`, in any order.

    Call arguments:
        tokens: `(batch, constituents, columns)`.
        token_mask: bool `(batch, constituents)`, True where a constituent is real.

    Returns:
        `(batch, constituents, 5)`: the columns `FEATURES`.

    Raises:
        ConfigError: a column is missing.
    """

    def __init__(self, columns, **kwargs):
        super().__init__(**kwargs, autocast=False)
        self.columns = tuple(columns)
        check_constituent_columns(self.name, self.columns)

    def call(self, tokens, token_mask):
        # 1 instead of padding before anything non-linear: its gradients stay finite whatever it holds.
        tokens = ops.where(ops.expand_dims(token_mask, -1), tokens, 1.0)
        eta, phi, log_pt = eta_phi_log_pt(tokens, self.columns)
        total = ops.logsumexp(ops.where(token_mask, log_pt, -1e4), axis=-1, keepdims=True)
        found = {"log_pt": log_pt, "log_pt_fraction": log_pt - total, "distance": distance(eta, phi)}
        scaled = [(found[name] - shift) * scale for name, (shift, scale) in SHIFT_AND_SCALE.items()]
        features = ops.stack([eta, phi, *scaled], axis=-1)
        return ops.where(ops.expand_dims(token_mask, -1), features, 0.0)

    def compute_output_shape(self, tokens_shape):
        return (*tokens_shape[:-1], len(FEATURES))

    def get_config(self):
        return {**super().get_config(), "columns": self.columns}


def distance(eta, phi):
    """`sqrt(eta^2 + phi^2)`, any shape; its gradient at the centre is 0 instead of infinite."""
    squared = ops.square(eta) + ops.square(phi)
    away = squared > 0
    return ops.where(away, ops.sqrt(ops.where(away, squared, 1.0)), 0.0)
