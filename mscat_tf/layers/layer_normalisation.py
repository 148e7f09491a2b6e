"""Layer normalisation with its gradient written out."""

import keras
from keras import layers, ops


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
        if training:
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
