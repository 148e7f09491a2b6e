"""Residual branches that are left out at random while training."""

import keras
from keras import layers, ops

from mscat_tf.layers.checks import check_dropout_rate


@keras.saving.register_keras_serializable(package="mscat_tf")
class StochasticDepth(layers.Layer):
    """Set a residual branch to 0 for whole events, and scale it up for the others, so that its mean stays.

    Args:
        rate: float in `[0, 1)`. Share of events that lose the branch; only while training.

    Call arguments:
        branch: `(batch, ...)`, what is about to be added to the residual.

    Returns:
        `(batch, ...)`: 0, or `branch / (1 - rate)`.

    Raises:
        ConfigError: the rate is out of range.

    Source: Huang et al., arXiv:1603.09382; scaled in training instead of in inference.
    """

    def __init__(self, rate, **kwargs):
        super().__init__(**kwargs)
        check_dropout_rate(self.name, rate, "rate")
        self.rate = rate
        if rate > 0:
            self.seed_generator = keras.random.SeedGenerator()

    def call(self, branch, training=None):
        if not training or self.rate == 0:
            return branch
        shape = (ops.shape(branch)[0], *(1 for _ in branch.shape[1:]))
        kept = keras.random.uniform(shape, dtype="float32", seed=self.seed_generator) >= self.rate
        return ops.where(kept, branch / (1.0 - self.rate), 0.0)

    def compute_output_shape(self, branch_shape):
        return branch_shape

    def get_config(self):
        return {**super().get_config(), "rate": self.rate}
