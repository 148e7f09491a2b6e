"""Logits of a trained network, batch by batch."""

from typing import Any

import keras
import tensorflow as tf


def logit_model(model: keras.Model) -> keras.Model:
    """The same layers and weights, ending at the layer `logit`."""
    return keras.Model(model.inputs, model.get_layer("logit").output, name=f"{model.name}_logit")


class Predictor:
    """Logits of a model, traced once and used again every epoch.

    Args:
        model: has a layer `logit` with one output per event.
    """

    def __init__(self, model: keras.Model) -> None:
        logits = logit_model(model)
        signature = {tensor.name: tf.TensorSpec(tensor.shape, tensor.dtype) for tensor in model.inputs}
        self._forward = tf.function(lambda inputs: logits(inputs, training=False)[:, 0], input_signature=[signature])

    def __call__(self, data: tf.data.Dataset) -> tuple[Any, Any]:
        """Rows `(n,)` and logits `(n,)` in the order of `data`, whose elements are `(inputs, label, share, row)`."""
        rows, values = [], []
        for inputs, _, _, row in data:
            values.append(self._forward(inputs))
            rows.append(row)
        return tf.concat(rows, 0).numpy(), tf.cast(tf.concat(values, 0), tf.float32).numpy()
