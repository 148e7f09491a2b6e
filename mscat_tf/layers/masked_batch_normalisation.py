"""Batch normalisation that does not see padding."""

import keras
import tensorflow as tf
from keras import layers, ops

from mscat_tf.errors import ConfigError
from mscat_tf.layers.checks import check_positive


@keras.saving.register_keras_serializable(package="mscat_tf")
class MaskedBatchNormalisation(layers.Layer):
    """Every feature to mean 0 and variance 1 over the real entries of the batch, then a learned scale and offset.

    `keras.layers.BatchNormalization` with a mask does the same on one device, but takes the moments of each replica
    apart, whatever `synchronized` says. Here they are summed over all replicas, so that one and two replicas train
    alike and all hold the same running moments. A batch without any real entry leaves those as they are.

    Moments, scale and offset are float32 under every policy.

    Args:
        momentum: float in [0, 1). Weight of the past in the running moments that serve outside training.
        epsilon: float. Added to the variance.

    Call arguments:
        inputs: `(batch, ..., features)`.
        token_mask: bool `(batch, ...)`, True where an entry is real.

    Returns:
        As `inputs`; where `token_mask` is False, values without meaning.

    Raises:
        ConfigError: an argument is out of range.

    Source: Ioffe and Szegedy, arXiv:1502.03167.
    """

    def __init__(self, momentum=0.9, epsilon=1e-3, **kwargs):
        super().__init__(**kwargs)
        check_positive(self.name, epsilon=epsilon)
        if not 0.0 <= momentum < 1.0:
            raise ConfigError(f"{self.name}: momentum is {momentum!r} but must lie in [0, 1); 0.9 is usual")
        self.momentum, self.epsilon = momentum, epsilon

    def build(self, inputs_shape):
        shape = (inputs_shape[-1],)
        self.scale = self.add_weight(shape=shape, initializer="ones", name="scale", autocast=False)
        self.offset = self.add_weight(shape=shape, initializer="zeros", name="offset", autocast=False)
        # Every replica updates a copy of its own: the moments are the same on all, so the copies stay equal.
        running = {"shape": shape, "trainable": False, "autocast": False}
        self.moving_mean = self.add_weight(**running, initializer="zeros", name="moving_mean")
        self.moving_variance = self.add_weight(**running, initializer="ones", name="moving_variance")

    def call(self, inputs, token_mask, training=None):
        values = ops.cast(inputs, "float32")
        mean, variance = self.moving_mean, self.moving_variance
        if training and self.trainable:
            mean, variance, count = _moments(values, token_mask)
            share = ops.where(count > 0, 1.0 - self.momentum, 0.0)
            self.moving_mean.assign_add(share * (mean - self.moving_mean))
            self.moving_variance.assign_add(share * (variance - self.moving_variance))
        factor = self.scale * ops.rsqrt(variance + self.epsilon)
        return ops.cast(values * factor + (self.offset - mean * factor), self.compute_dtype)

    def compute_output_shape(self, inputs_shape):
        return inputs_shape

    def get_config(self):
        return {**super().get_config(), "momentum": self.momentum, "epsilon": self.epsilon}


def _moments(values, mask):
    """Mean and variance of each feature, both `(features,)`, and the number of real entries, over all replicas."""
    axes, features = tuple(range(len(values.shape) - 1)), values.shape[-1]
    kept = ops.where(ops.expand_dims(mask, -1), values, 0.0)
    count = ops.sum(ops.cast(mask, "float32"))
    sums = [ops.sum(kept, axis=axes), ops.sum(ops.square(kept), axis=axes), ops.reshape(count, (1,))]
    sums = _sum_over_replicas(ops.concatenate(sums))
    count = sums[-1]
    mean, square = (sums[part * features : (part + 1) * features] / ops.maximum(count, 1.0) for part in (0, 1))
    return mean, ops.maximum(square - ops.square(mean), 0.0), count


def _sum_over_replicas(values):
    replica = tf.distribute.get_replica_context()
    if replica is None or replica.num_replicas_in_sync == 1:
        return values
    return replica.all_reduce(tf.distribute.ReduceOp.SUM, values)
