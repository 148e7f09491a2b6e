"""Adam and AdamW whose update of a weight is one operation of TensorFlow."""

from typing import Any

import keras
import tensorflow as tf

from mscat_tf.config import TrainSettings


class _OneOperation:
    """Makes the update of `keras.optimizers.Adam` one operation for each weight, from a dozen of them.

    A network has some hundred small weights, so that a step on few events spends its time in starting those. Same
    state, same result to rounding.

    Source: Kingma, Ba, arXiv:1412.6980, algorithm 1 in the order of operations of its section 2.
    """

    def apply(self: Any, grads: Any, trainable_variables: Any = None) -> None:
        """As Keras' own."""
        number = tf.cast(self.iterations + 1, tf.float32)
        self._powers = tf.pow(self.beta_1, number), tf.pow(self.beta_2, number)
        super().apply(grads, trainable_variables)  # type: ignore[misc]

    def update_step(self: Any, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Of one weight, within `tf.distribute.Strategy.extended.update`."""
        place = self._get_variable_index(variable)
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=self._momentums[place].value.handle,
            v=self._velocities[place].value.handle,
            beta1_power=self._powers[0],
            beta2_power=self._powers[1],
            lr=tf.cast(learning_rate, tf.float32),
            beta1=self.beta_1,
            beta2=self.beta_2,
            epsilon=self.epsilon,
            grad=tf.cast(gradient, tf.float32),
        )


class Adam(_OneOperation, keras.optimizers.Adam):
    """`keras.optimizers.Adam`, with `_OneOperation`; weights in float32, whatever they are computed with."""


class AdamW(_OneOperation, keras.optimizers.AdamW):
    """`keras.optimizers.AdamW`, with `_OneOperation`; weights in float32, whatever they are computed with."""


def make_optimizer(settings: TrainSettings) -> keras.optimizers.Optimizer:
    """AdamW (Loshchilov, Hutter, arXiv:1711.05101), or Adam (Kingma, Ba, arXiv:1412.6980)."""
    if settings.optimizer == "adam":
        return Adam(settings.learning_rate)
    return AdamW(settings.learning_rate, weight_decay=settings.weight_decay)
