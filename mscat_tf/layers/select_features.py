"""Some columns of the tokens, by name."""

import keras
from keras import layers, ops

from mscat_tf.errors import ConfigError


@keras.saving.register_keras_serializable(package="mscat_tf")
class SelectFeatures(layers.Layer):
    """Take columns by name, in the order asked for, in the precision in which they came.

    Never rounded to half precision: a direction rounded to eight bits lands in another pixel.

    Args:
        columns: names of the columns of `tokens`. features: the wanted ones.

    Call arguments:
        tokens: `(batch, tokens, columns)`.

    Returns:
        `(batch, tokens, features)`.

    Raises:
        ConfigError: a wanted column is not there.
    """

    def __init__(self, columns, features, **kwargs):
        super().__init__(**kwargs, autocast=False)
        self.columns, self.features = tuple(columns), tuple(features)
        missing = [name for name in self.features if name not in self.columns]
        if missing:
            raise ConfigError(
                f"{self.name}: this network needs the constituents' {', '.join(self.features)} but "
                f"{', '.join(missing)} is not among {', '.join(self.columns)}; add it to data.constituent_features"
            )

    def call(self, tokens):
        return ops.stack([tokens[..., self.columns.index(name)] for name in self.features], axis=-1)

    def compute_output_shape(self, tokens_shape):
        return (*tokens_shape[:-1], len(self.features))

    def get_config(self):
        return {**super().get_config(), "columns": self.columns, "features": self.features}
