"""Activation functions in a form that every export format understands."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="mscat_tf")
def gelu(x):
    """Gaussian error linear unit, `x * (1 + erf(x / sqrt(2))) / 2`; element-wise, any shape.

    Written with erf because Keras' own exact form becomes the operator Erfc, which ONNX does not have.
    Source: Hendrycks and Gimpel, arXiv:1606.08415.
    """
    return 0.5 * x * (1.0 + ops.erf(x * 0.7071067811865476))
