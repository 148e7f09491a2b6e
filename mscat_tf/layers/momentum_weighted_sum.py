"""The sum over a set of constituents, each weighed by its share of the momentum."""

import keras
from keras import layers, ops


@keras.saving.register_keras_serializable(package="mscat_tf")
class MomentumWeightedSum(layers.Layer):
    """`sum_i z_i f_i` over the real constituents, `z_i = pT_i / sum_j pT_j`; exactly 0 for a set without any.

    Infrared and collinear safe if the f_i depend on directions alone: a constituent without momentum adds nothing, and
    two in one direction add what their sum would. The shares and the sum are float32 whatever the policy. Reference:
    the Energy Flow Network, arXiv:1810.05165.

    Call arguments:
        tokens: f, `(batch, constituents, features)`.
        momenta: pT, `(batch, constituents, 1)`, in any unit.
        token_mask: bool `(batch, constituents)`, True where a constituent is real.

    Returns:
        `(batch, features)`.
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs, autocast=False)

    def call(self, tokens, momenta, token_mask):
        real = ops.expand_dims(token_mask, -1)
        momenta = ops.where(real, ops.cast(momenta, "float32"), 0.0)
        total = ops.sum(momenta, axis=1, keepdims=True)
        shares = momenta / ops.where(total > 0, total, 1.0)
        weighed = shares * ops.cast(ops.where(real, tokens, 0.0), "float32")
        return ops.cast(ops.sum(weighed, axis=1), self.compute_dtype)
