"""Exponential moving average of the weights: what is validated and kept when `train.ema` is on."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras
import tensorflow as tf


class MovingAverage:
    """Average over past steps of every trainable variable.

    Its momentum grows as `min(momentum, (1 + step) / (10 + step))`, so the start is forgotten soon.

    Args:
        strategy: made the variables; call under its scope. model: whose. momentum: e.g. 0.999.

    Source: Polyak, Juditsky, SIAM J. Control Optim. 30 (1992) 838; the growing momentum is that of
    `tf.train.ExponentialMovingAverage`.
    """

    def __init__(self, strategy: tf.distribute.Strategy, model: keras.Model, momentum: float) -> None:
        self.strategy, self.momentum = strategy, momentum
        self.weights = [v.value for v in model.trainable_variables]
        self.variables = [
            tf.Variable(v, trainable=False, name=f"average_{i}", aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA)
            for i, v in enumerate(self.weights)
        ]

    def update(self, step: Any) -> None:
        """Take in the present weights; across replicas, within a `tf.function`.

        Args:
            step: number of updates made, 1 at the first call.
        """
        count = tf.cast(step, tf.float32)
        momentum = tf.minimum(self.momentum, (1.0 + count) / (10.0 + count))

        def move(average: tf.Variable, weight: tf.Tensor) -> None:
            average.assign(weight + momentum * (average - weight))

        for average, weight in zip(self.variables, self.weights, strict=True):
            self.strategy.extended.update(average, move, args=(weight,))

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """The model has the averages as its weights inside the block."""
        self._swap()
        try:
            yield
        finally:
            self._swap()

    def _swap(self) -> None:
        for average, weight in zip(self.variables, self.weights, strict=True):
            kept = weight.numpy()
            weight.assign(average.numpy())
            average.assign(kept)
