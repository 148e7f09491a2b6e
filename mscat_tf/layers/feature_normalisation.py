"""Standardised input columns; the numbers travel inside the saved model."""

import keras
import numpy as np
from keras import layers, ops

from mscat_tf.constants import LOGARITHM_FLOOR
from mscat_tf.errors import ConfigError


def _nested_tuple(values):
    return tuple(_nested_tuple(value) for value in values) if isinstance(values, list | tuple) else values


@keras.saving.register_keras_serializable(package="mscat_tf")
class FeatureNormalisation(layers.Layer):
    """Give every column mean 0 and width 1 over the events that the numbers were fitted on; padding becomes exactly 0.

    Args:
        columns: names of the features, e.g. `("eta", "phi", "pt")`.
        mean: mean of every column, nested tuple `(features,)` or `(tokens, features)`; of the logarithm where taken.
        width: standard deviation, same shape; 0 marks a constant column, which is only shifted.
        logarithm: for every column, True where the natural logarithm is taken first.

    Call arguments:
        tokens: `(batch, tokens, features)`.
        token_mask: bool `(batch, tokens)`, True where a token is real; None means all are.

    Returns:
        `(batch, tokens, features)`. Under any policy the numbers are standardised in float32 and rounded afterwards:
        half precision would know a mass of 125 GeV to 0.5 GeV only.

    Raises:
        ConfigError: the arguments do not match each other, or a number is not finite or a width negative.
    """

    def __init__(self, columns, mean, width, logarithm, **kwargs):
        super().__init__(**kwargs, autocast=False)
        self.columns, self.logarithm = tuple(columns), tuple(logarithm)
        self.mean, self.width = _nested_tuple(mean), _nested_tuple(width)
        self._check()

    def _check(self):
        mean, width, features = np.asarray(self.mean), np.asarray(self.width), len(self.columns)
        if not mean.shape == width.shape or mean.shape[-1:] != (features,) or len(self.logarithm) != features:
            raise ConfigError(
                f"{self.name}: {features} columns, mean of shape {mean.shape}, width of shape {width.shape} and "
                f"{len(self.logarithm)} flags for the logarithm; give one of each for every column {self.columns}"
            )
        if not (np.isfinite(mean).all() and np.isfinite(width).all() and (width >= 0).all()):
            raise ConfigError(
                f"{self.name}: a mean or width is negative or not finite; fit them again on events without NaN"
            )

    def call(self, tokens, token_mask=None):
        tokens = ops.cast(tokens, "float32")
        real = None if token_mask is None else ops.expand_dims(token_mask, -1)
        if real is not None:  # before the logarithm, so that gradients stay finite whatever the padding holds
            tokens = ops.where(real, tokens, 1.0)
        if any(self.logarithm):
            logarithms = ops.log(ops.maximum(tokens, LOGARITHM_FLOOR))
            tokens = ops.where(np.asarray(self.logarithm), logarithms, tokens)
        width = np.where(np.equal(self.width, 0.0), 1.0, self.width)
        tokens = (tokens - np.asarray(self.mean, "float32")) / width.astype("float32")
        return ops.cast(tokens if real is None else ops.where(real, tokens, 0.0), self.compute_dtype)

    def compute_output_shape(self, tokens_shape):
        return tokens_shape

    def get_config(self):
        own = ("columns", "mean", "width", "logarithm")
        return {**super().get_config(), **{name: getattr(self, name) for name in own}}
