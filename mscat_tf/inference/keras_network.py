"""Networks of Keras in float32, whatever they were trained in: with logit and score as outputs, or as a scorer."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import ops
from numpy.typing import NDArray

from mscat_tf.config import DataSettings
from mscat_tf.inference.scorer import Forward, NetworkScorer
from mscat_tf.inference.signature import Signature
from mscat_tf.layers.layer_normalisation import normalisation_in_one_operation

HALF = ("bfloat16", "float16")
"""Types that a network may have been trained in besides float32."""
WORTH_A_KERNEL = 32
"""Events from which on `normalisation_in_one_operation` gains time; a single one takes 13 ms with it, 9 without."""


def in_float32(model: keras.Model) -> keras.Model:
    """The same network and weights, computing in float32; the network itself if it does already."""
    if not any(layer.compute_dtype in HALF for layer in model.layers):
        return model

    def copy(layer: Any) -> Any:
        other = {"dtype": "float32"} if layer.compute_dtype in HALF else {}
        return type(layer).from_config({**layer.get_config(), **other})

    twin = keras.models.clone_model(model, clone_function=copy)
    twin.set_weights(model.get_weights())
    return twin


def served_model(model: keras.Model) -> keras.Model:
    """The same layers with the outputs `logit` and `score`, both `(batch,)`."""
    outputs = {"logit": model.get_layer("logit").output, "score": model.output}
    return keras.Model(model.inputs, {name: ops.squeeze(value, -1) for name, value in outputs.items()}, name=model.name)


def keras_scorer(model: keras.Model, data: DataSettings, batch_size: int, xla: bool = False) -> NetworkScorer:
    """Logits by Keras and TensorFlow.

    Args:
        model: has a layer `logit`. data: which columns it reads. batch_size: events at a time. xla: compile by XLA.
    """
    return NetworkScorer(Signature.of(model.inputs, data), forward(in_float32(model), batch_size, xla), batch_size)


@contextmanager
def full_precision() -> Iterator[None]:
    """Without TF32, with which GPUs multiply float32 unless told otherwise: scores would differ by some 1e-3."""
    before = tf.config.experimental.tensor_float_32_execution_enabled()
    tf.config.experimental.enable_tensor_float_32_execution(False)
    try:
        yield
    finally:
        tf.config.experimental.enable_tensor_float_32_execution(before)


def forward(model: keras.Model, batch_size: int, xla: bool = False) -> Forward:
    """A function of inputs by name to logits, traced once, for batches of this size."""
    logits = keras.Model(model.inputs, model.get_layer("logit").output)
    one_kernel = batch_size >= WORTH_A_KERNEL and not xla and not tf.config.list_logical_devices("GPU")
    size = None if one_kernel else batch_size
    shapes = {tensor.name: tf.TensorSpec((size, *tensor.shape[1:]), tensor.dtype) for tensor in model.inputs}

    @tf.function(input_signature=[shapes], jit_compile=xla, autograph=False)
    def traced(inputs: Any) -> Any:
        with normalisation_in_one_operation() if one_kernel else nullcontext():
            return logits(inputs, training=False)[:, 0]

    def call(inputs: dict[str, NDArray[Any]]) -> NDArray[np.float32]:
        with full_precision():
            return np.asarray(traced(inputs))

    return call
