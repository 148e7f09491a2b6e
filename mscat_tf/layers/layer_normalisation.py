"""Layer normalisation with its gradient written out."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import keras
import tensorflow as tf
from keras import layers, ops

_ONE_OPERATION = ContextVar("normalisation in one operation", default=False)


@contextmanager
def normalisation_in_one_operation() -> Iterator[None]:
    """Trace forward passes within this so that TensorFlow has one CPU kernel for each normalisation, not seven.

    Its optimiser knows layer normalisation by the operations that Keras 2 made of it, each token an image of one pixel
    row in a batch normalisation, and only where the number of tokens is not known while tracing: leave the size of the
    batch open. Elsewhere (GPU, XLA, other formats) those operations would be slow or not understood.
    """
    token = _ONE_OPERATION.set(True)
    try:
        yield
    finally:
        _ONE_OPERATION.reset(token)


@keras.saving.register_keras_serializable(package="mscat_tf")
class LayerNormalisation(layers.LayerNormalization):
    """`keras.layers.LayerNormalization` of the last axis, same weights, for tokens.

    In training the gradient is the closed form of it: with `y = (x - mean) / sqrt(variance + epsilon)` and
    `u = gamma dL/dout`, `dL/dx = (u - <u> - y <u y>) / sqrt(variance + epsilon)`, means over the features. Step by
    step, as TensorFlow differentiates, it takes twice as many passes over all tokens. Computed in float32 under any
    policy.

    Args:
        epsilon: float. Added to the variance.

    Call arguments:
        inputs: `(..., features)`.

    Returns:
        As `inputs`.

    Source: Ba, Kiros, Hinton, arXiv:1607.06450.
    """

    def __init__(self, epsilon=1e-3, **kwargs):
        super().__init__(epsilon=epsilon, **kwargs)

    def call(self, inputs, training=False):
        values, gamma, beta = (ops.cast(each, "float32") for each in (inputs, self.gamma, self.beta))
        if _ONE_OPERATION.get() and not training:
            found = _in_one_operation(values, gamma, beta, self.epsilon)
        elif training:
            found = ops.custom_gradient(self._with_gradient)(values, gamma, beta)
        else:
            found = ops.add(self._standardise(values)[0] * gamma, beta)
        return ops.cast(found, self.compute_dtype)

    def _standardise(self, values):
        """Mean 0 and variance 1, and what it was multiplied by, `(..., 1)`."""
        centred = values - ops.mean(values, axis=-1, keepdims=True)
        factor = ops.rsqrt(ops.mean(ops.square(centred), axis=-1, keepdims=True) + self.epsilon)
        return centred * factor, factor

    def _with_gradient(self, values, gamma, beta):
        standard, factor = self._standardise(values)
        features = values.shape[-1]

        def gradient(upstream):
            product = upstream * standard
            mean_weights = ops.reshape(gamma / features, (features, 1))
            change = upstream * gamma - ops.matmul(upstream, mean_weights)
            change = factor * (change - standard * ops.matmul(product, mean_weights))
            others = tuple(range(len(values.shape) - 1))
            return change, ops.sum(product, axis=others), ops.sum(upstream, axis=others)

        return ops.add(standard * gamma, beta), gradient


def _in_one_operation(values, gamma, beta, epsilon):
    """The operations that `normalisation_in_one_operation` speaks of; the names matter as little as the order does."""
    shape = tf.shape(values)
    tokens, features = tf.reduce_prod(shape[:-1]), values.shape[-1]
    nothing = tf.constant([], tf.float32)
    standard, *_ = tf.raw_ops.FusedBatchNormV3(
        x=tf.reshape(values, tf.stack([1, tokens, features, 1])),
        scale=tf.fill([tokens], 1.0),
        offset=tf.fill([tokens], 0.0),
        mean=nothing,
        variance=nothing,
        epsilon=epsilon,
        data_format="NCHW",
        is_training=True,
    )
    return tf.reshape(standard, shape) * gamma + beta
