"""One training step for one device, mirrored and multi-worker alike.

Keras 3's own `fit` fails under several strategies (shared notes in docs/architecture.md), and sums losses per
replica. Here every event arrives with its weight divided by the number of events of the global batch, a replica's
loss is the plain sum over its events, and the optimizer sums the gradients over replicas: 1, 2 or 4 replicas give the
same update for the same global batch.
"""

from typing import Any

import keras
import tensorflow as tf

from mscat_tf.models.predictor import logit_model

Batch = tuple[dict[str, tf.Tensor], tf.Tensor, tf.Tensor, tf.Tensor]


class TrainingStep:
    """Weighted binary cross-entropy on the logit, one optimizer update.

    Args:
        strategy: made the variables; the step must be used under it.
        model: has layers `logit` and `score`.
        optimizer: built here for the model's trainable variables.
    """

    def __init__(
        self,
        strategy: tf.distribute.Strategy,
        model: keras.Model,
        optimizer: keras.optimizers.Optimizer,
    ) -> None:
        self.strategy = strategy
        self.logits = logit_model(model)
        self.optimizer = optimizer
        with strategy.scope():
            optimizer.build(model.trainable_variables)
        self._compiled: Any = None

    def distribute(self, data: tf.data.Dataset) -> Any:
        """Spread the data set over the replicas; the step is traced once for the shapes of the first one."""
        distributed = self.strategy.experimental_distribute_dataset(data)
        if self._compiled is None:
            self._compiled = tf.function(self._distributed, input_signature=[distributed.element_spec])
        return distributed

    def __call__(self, batch: Any) -> tuple[tf.Tensor, tf.Tensor]:
        """Train on one batch of `distribute`; return its mean weighted loss and its number of events."""
        return self._compiled(batch)

    def _distributed(self, batch: Any) -> tuple[tf.Tensor, tf.Tensor]:
        loss, events = self.strategy.run(self._replica, args=(batch,))
        total = self.strategy.reduce(tf.distribute.ReduceOp.SUM, loss, axis=None)
        return total, self.strategy.reduce(tf.distribute.ReduceOp.SUM, events, axis=None)

    def _replica(self, batch: Batch) -> tuple[tf.Tensor, tf.Tensor]:
        inputs, label, share, _ = batch
        variables = self.logits.trainable_variables
        with tf.GradientTape() as tape:
            loss = weighted_cross_entropy(self.logits(inputs, training=True)[:, 0], label, share)
        self.optimizer.apply(tape.gradient(loss, [v.value for v in variables]), variables)
        return loss, tf.size(label)


def weighted_cross_entropy(logit: tf.Tensor, label: tf.Tensor, weight: tf.Tensor) -> tf.Tensor:
    """Sum over events of weight x binary cross-entropy, from logits (no loss of precision at saturated scores)."""
    logit = tf.cast(logit, tf.float32)
    return tf.reduce_sum(weight * tf.nn.sigmoid_cross_entropy_with_logits(labels=label, logits=logit))
