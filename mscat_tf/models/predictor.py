"""Logits of a trained network, batch by batch, on every device of a strategy."""

from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from mscat_tf.config import DataSettings
from mscat_tf.data import EventTable, Sample
from mscat_tf.data.pipeline import distributed_dataset
from mscat_tf.data.stream import EventStream


def logit_model(model: keras.Model) -> keras.Model:
    """The same layers and weights, ending at the layer `logit`."""
    return keras.Model(model.inputs, model.get_layer("logit").output, name=f"{model.name}_logit")


class Prediction(NamedTuple):
    """Of every event once: row of the sample, logit, label, weight, `(n,)` each."""

    row: Any
    logit: Any
    label: Any
    weight: Any


class Predictor:
    """Logits of a model, traced once and used again every epoch.

    Args:
        model: has a layer `logit` with one output per event.
        strategy: made the model's variables; None is the one in force.
    """

    def __init__(self, model: keras.Model, strategy: tf.distribute.Strategy | None = None) -> None:
        self._logits = logit_model(model)
        self._strategy = strategy or tf.distribute.get_strategy()
        self._forward = tf.function(self._gathered, autograph=False)

    def __call__(self, stream: EventStream) -> Prediction:
        """All events of one pass over `stream`; the same on every worker."""
        found = []
        for batch in distributed_dataset(stream, self._strategy, 0, False):
            row, logit, label, share = (part.numpy() for part in self._forward(batch))
            real = row >= 0
            found.append([row[real], logit[real], label[real], share[real].astype(np.float64) * real.sum()])
        return Prediction(*(np.concatenate(parts) for parts in zip(*found, strict=True)))

    def _gathered(self, batch: Any) -> tuple[tf.Tensor, ...]:
        parts = self._strategy.run(self._replica, args=(batch,))
        return tuple(self._strategy.gather(part, axis=0) for part in parts)

    def _replica(self, batch: Any) -> tuple[tf.Tensor, ...]:
        inputs, label, share, row = batch
        return row, tf.cast(self._logits(inputs, training=False)[:, 0], tf.float32), label, share


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
        stream = EventStream(sample, table.census, self._settings, split, self._names, self._batch_size)
        with stream.own_errors():
            found = self._predict(stream)
        return found.row, found.logit
