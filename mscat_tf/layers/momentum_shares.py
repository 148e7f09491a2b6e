"""How the transverse momentum of a jet is shared among its subjets."""

import keras
from keras import layers, ops

from mscat_tf.constants import LOGARITHM_FLOOR
from mscat_tf.errors import ConfigError


@keras.saving.register_keras_serializable(package="mscat_tf")
class MomentumShares(layers.Layer):
    """Transverse momentum of each token over the sum of all real ones; 0 for padding, and everywhere without any.

    Args:
        columns: names of the features, `pt` [GeV] among them.

    Call arguments:
        tokens: `(batch, tokens, features)`.
        token_mask: bool `(batch, tokens)`, True where a token is real.

    Returns:
        `(batch, tokens, 1)`.

    Raises:
        ConfigError: there is no column `pt`.
    """

    def __init__(self, columns, **kwargs):
        super().__init__(**kwargs, autocast=False)
        self.columns = tuple(columns)
        if "pt" not in self.columns:
            raise ConfigError(
                f"{self.name}: column pt is not among {', '.join(self.columns)}; add it to data.subjet_features"
            )

    def call(self, tokens, token_mask):
        pt = ops.cast(ops.where(token_mask, tokens[..., self.columns.index("pt")], 0.0), "float32")
        total = ops.sum(pt, axis=-1, keepdims=True)
        return ops.cast(ops.expand_dims(pt / ops.maximum(total, LOGARITHM_FLOOR), -1), self.compute_dtype)

    def compute_output_shape(self, tokens_shape, token_mask_shape=None):
        return (*tokens_shape[:-1], 1)

    def get_config(self):
        return {**super().get_config(), "columns": self.columns}
