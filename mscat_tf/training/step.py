"""One training step for one device, mirrored and multi-worker alike.

Keras 3's own `fit` fails under several strategies (shared notes in docs/architecture.md), and sums losses per
replica. Here every event arrives with its weight divided by the number of events of the global batch, a replica's
loss is the plain sum over its events, and the gradients are summed over replicas: 1, 2 or 4 replicas give the same
update for the same global batch.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from mscat_tf.config import TrainSettings
from mscat_tf.errors import ConfigError
from mscat_tf.models.predictor import logit_model
from mscat_tf.training.average import MovingAverage

Batch = tuple[dict[str, tf.Tensor], tf.Tensor, tf.Tensor, tf.Tensor]


class Outcome(NamedTuple):
    """What some steps in a row gave, `(steps,)` each.

    Attributes:
        loss: mean weighted loss of the global batch. events: in it, padding not counted.
        sound: whether loss and gradient of every replica were finite. stop: whether a worker was asked to stop.
    """

    loss: Any
    events: Any
    sound: Any
    stop: bool


class TrainingStep:
    """Weighted binary cross-entropy on the logit, one optimizer update for each global batch.

    Args:
        strategy: made the variables; the step must be used under it.
        model: has layers `logit` and `score`.
        optimizer: built here for the model's trainable variables.
        settings: accumulation, clipping, label smoothing, moving average, XLA.

    Raises:
        ConfigError: these settings are impossible for this network on several devices.
    """

    def __init__(
        self,
        strategy: tf.distribute.Strategy,
        model: keras.Model,
        optimizer: keras.optimizers.Optimizer,
        settings: TrainSettings | None = None,
    ) -> None:
        self.strategy, self.optimizer = strategy, optimizer
        self.settings = settings or TrainSettings()
        self.logits = logit_model(model)
        with strategy.scope():
            optimizer.build(model.trainable_variables)
            self.average = MovingAverage(strategy, model, self.settings.ema) if self.settings.ema else None
        self._refuse_moments_in_parts()
        self._gradients = self._loss_and_gradients
        if self.settings.xla:
            self._gradients = tf.function(self._loss_and_gradients, jit_compile=True, autograph=False)
        self._one = tf.function(self._distributed, autograph=False)
        self._many = tf.function(self._in_a_row, autograph=False)

    def __call__(self, batch: Any, rate: float | None = None, stop: bool = False) -> Outcome:
        """Train on one distributed batch `(inputs, label, share, row)` of the data (`mscat_tf.data.stream`).

        Args:
            rate: learning rate; None leaves that of the optimizer. stop: whether this worker was asked to stop.
        """
        rate = float(self.optimizer.learning_rate.numpy()) if rate is None else rate
        return _outcome(self._one(batch, tf.constant(rate, tf.float32), tf.constant(stop, tf.float32))[None])

    def take(self, batches: Iterator[Any], rates: Sequence[float], stop: bool = False) -> Outcome:
        """Train on as many batches of a distributed iterator as there are learning rates, in one call."""
        found = self._many(batches, tf.constant(rates, tf.float32), tf.constant(stop, tf.float32))
        return _outcome(found)

    def _refuse_moments_in_parts(self) -> None:
        """Batch normalisation sums over replicas, which TensorFlow allows neither in a loop nor in compiled code."""
        several = self.strategy.num_replicas_in_sync > 1
        apart = "xla = true" if self.settings.xla else f"accumulation = {self.settings.accumulation}"
        moments = any("moving_variance" in variable.path for variable in self.logits.non_trainable_variables)
        if several and moments and (self.settings.xla or self.settings.accumulation > 1):
            raise ConfigError(
                f"train.{apart}: not on several devices with batch normalisation, which network "
                f"'{self.logits.name.removesuffix('_logit')}' has; leave it out, or set train.strategy=one_device"
            )

    def _in_a_row(self, batches: Any, rates: tf.Tensor, stop: tf.Tensor) -> tf.Tensor:
        steps = tf.size(rates)

        def one_more(number: tf.Tensor, found: tf.TensorArray) -> tuple[tf.Tensor, tf.TensorArray]:
            return number + 1, found.write(number, self._distributed(next(batches), rates[number], stop))

        found = tf.TensorArray(tf.float32, size=steps, element_shape=(4,))
        return tf.while_loop(lambda number, _: number < steps, one_more, (tf.constant(0), found))[1].stack()

    def _distributed(self, batch: Any, rate: tf.Tensor, stop: tf.Tensor) -> tf.Tensor:
        self.optimizer.learning_rate = rate
        found = self.strategy.run(self._replica, args=(batch, stop))
        if self.average is not None:
            self.average.update(self.optimizer.iterations)
        return self.strategy.reduce(tf.distribute.ReduceOp.SUM, found, axis=None)

    def _replica(self, batch: Batch, stop: tf.Tensor) -> tf.Tensor:
        """The update; returns `(4,)`: loss, events, whether something is not finite, whether to stop."""
        inputs, label, share, row = batch
        loss, gradients = self._gradients(inputs, label, share)
        sound = tf.math.is_finite(loss) & tf.math.is_finite(tf.linalg.global_norm(gradients))
        gradients = [tf.where(sound, gradient, tf.zeros_like(gradient)) for gradient in gradients]
        if self.settings.clip_norm:
            gradients = self._clipped(gradients)
        self.optimizer.apply(gradients, self.logits.trainable_variables)
        events = tf.reduce_sum(tf.cast(row >= 0, tf.float32))
        return tf.stack([loss, events, 1.0 - tf.cast(sound, tf.float32), stop])

    def _clipped(self, gradients: list[tf.Tensor]) -> list[tf.Tensor]:
        """Keras clips what each replica has before it is summed; the norm that counts is that of the sum."""
        context = tf.distribute.get_replica_context()
        replicas = context.num_replicas_in_sync
        total = context.all_reduce(tf.distribute.ReduceOp.SUM, gradients)
        clipped, _ = tf.clip_by_global_norm(total, self.settings.clip_norm)
        return [gradient / replicas for gradient in clipped]  # the optimizer adds the replicas up once more

    def _loss_and_gradients(self, inputs: Any, label: tf.Tensor, share: tf.Tensor) -> tuple[tf.Tensor, list[tf.Tensor]]:
        """Of one replica; with `accumulation` the parts of its batch in turn, so that only one is in memory."""
        parts = self.settings.accumulation
        if parts == 1:
            return self._side_by_side(inputs, label, share)
        split = tf.nest.map_structure(lambda x: tf.reshape(x, (parts, -1, *x.shape[1:])), (inputs, label, share))
        variables = self.logits.trainable_variables

        def add(number: tf.Tensor, loss: tf.Tensor, gradients: list[tf.Tensor]) -> tuple[Any, ...]:
            part = tf.nest.map_structure(lambda x: x[number], split)
            more, found = self._side_by_side(*part)
            return number + 1, loss + more, [a + b for a, b in zip(gradients, found, strict=True)]

        start = (tf.constant(0), tf.constant(0.0), [tf.zeros(v.shape, v.dtype) for v in variables])
        _, loss, gradients = tf.while_loop(lambda number, *_: number < parts, add, start)
        return loss, gradients

    def _side_by_side(self, inputs: Any, label: tf.Tensor, share: tf.Tensor) -> tuple[tf.Tensor, list[tf.Tensor]]:
        """With `parallel_parts` several parts that do not wait for each other, each for a core of its own."""
        parts = self.settings.parallel_parts
        if parts == 1:
            return self._of_part(inputs, label, share)
        size = label.shape[0] // parts
        found = []
        for first in range(0, parts * size, size):
            part = tf.nest.map_structure(lambda x, first=first: x[first : first + size], (inputs, label, share))
            found.append(self._of_part(*part))
        losses, gradients = zip(*found, strict=True)
        return tf.add_n(losses), [tf.add_n(of_weight) for of_weight in zip(*gradients, strict=True)]

    def _of_part(self, inputs: Any, label: tf.Tensor, share: tf.Tensor) -> tuple[tf.Tensor, list[tf.Tensor]]:
        variables = [v.value for v in self.logits.trainable_variables]
        target = label * (1.0 - self.settings.label_smoothing) + 0.5 * self.settings.label_smoothing
        with tf.GradientTape() as tape:
            loss = weighted_cross_entropy(self.logits(inputs, training=True)[:, 0], target, share)
        return loss, tape.gradient(loss, variables, unconnected_gradients=tf.UnconnectedGradients.ZERO)


def weighted_cross_entropy(logit: tf.Tensor, label: tf.Tensor, weight: tf.Tensor) -> tf.Tensor:
    """Sum over events of weight x binary cross-entropy, from logits (no loss of precision at saturated scores)."""
    logit = tf.cast(logit, tf.float32)
    return tf.reduce_sum(weight * tf.nn.sigmoid_cross_entropy_with_logits(labels=label, logits=logit))


def _outcome(found: tf.Tensor) -> Outcome:
    loss, events, unsound, stop = found.numpy().astype(np.float64).T
    return Outcome(loss, events, unsound == 0, bool(stop.max() > 0))
