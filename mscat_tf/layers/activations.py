"""Activation functions in a form that every export format understands."""

import math

import keras
from keras import ops

ROOT_HALF, ONE_OVER_ROOT_PI = math.sqrt(0.5), 1.0 / math.sqrt(math.pi)


ACTIVATIONS = ("gelu", "relu")


def activation_function(kind):
    """The function of this name: `gelu`, or `relu`, which costs one pass over memory instead of several.

    Args:
        kind: one of `ACTIVATIONS`; the caller has checked it.
    """
    return {"gelu": gelu, "relu": ops.relu}[kind]


@keras.saving.register_keras_serializable(package="mscat_tf")
def gelu(x):
    """Gaussian error linear unit, `x * (1 + erf(x / sqrt(2))) / 2`; element-wise, any shape.

    Written with erf because Keras' own exact form becomes the operator Erfc, which ONNX does not have.
    The gradient is the closed form `Phi(x) + x phi(x)`, with the normal distribution Phi and its density phi: half as
    many passes over the hidden layer as step by step.

    Source: Hendrycks and Gimpel, arXiv:1606.08415.
    """
    return _gelu(x)


@ops.custom_gradient
def _gelu(x):
    scaled = x * ROOT_HALF
    distribution = 0.5 * (1.0 + ops.erf(scaled))

    def gradient(upstream):
        return upstream * (distribution + scaled * ops.exp(-ops.square(scaled)) * ONE_OVER_ROOT_PI)

    return x * distribution, gradient
