"""Logits of a trained network, batch by batch."""

from typing import Any

import keras
import tensorflow as tf

from mscat_tf.config import DataSettings
from mscat_tf.data import EventTable, Sample
from mscat_tf.data.pipeline import dataset


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


class NetworkPredictor:
    """Logits of whole splits; `BoostedTrees.logits` is the same for trees.

    Args:
        model: see `Predictor`. settings: which columns it reads. batch_size: events at a time.
    """

    def __init__(self, model: keras.Model, settings: DataSettings, batch_size: int) -> None:
        self._names = tuple(tensor.name for tensor in model.inputs)
        self._predict, self._settings, self._batch_size = Predictor(model), settings, batch_size

    def logits(self, sample: Sample, table: EventTable, split: str) -> tuple[Any, Any]:
        """Rows of a split, increasing, and their logits, `(n,)` each."""
        return self._predict(dataset(sample, table, table.rows(split), self._settings, self._batch_size, self._names))
