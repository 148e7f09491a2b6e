"""Columns that span orders of magnitude and may be 0, brought to order one."""

import keras
import numpy as np
from keras import layers, ops

from mscat_tf.errors import ConfigError


@keras.saving.register_keras_serializable(package="mscat_tf")
class Asinh(layers.Layer):
    """Area hyperbolic sine of some columns: linear about 0, the logarithm of twice the value where it is large.

    Args:
        chosen: for every column, True where it is taken.

    Call arguments:
        values: `(batch, columns)`.

    Returns:
        `(batch, columns)` in float32 under any policy.

    Raises:
        ConfigError: the flags are not as many as the columns.
    """

    def __init__(self, chosen, **kwargs):
        super().__init__(**kwargs, autocast=False)
        self.chosen = tuple(chosen)

    def build(self, values_shape):
        if values_shape[-1] != len(self.chosen):
            raise ConfigError(
                f"{self.name}: {len(self.chosen)} flags for {values_shape[-1]} columns; give one for each column"
            )

    def call(self, values):
        values = ops.cast(values, "float32")
        return ops.where(np.asarray(self.chosen, bool), ops.arcsinh(values), values)

    def compute_output_spec(self, values):
        return keras.KerasTensor(values.shape, "float32")

    def get_config(self):
        return {**super().get_config(), "chosen": self.chosen}
