"""Learning rate of every step: linear warm-up, then a cosine down to zero (Loshchilov, Hutter, arXiv:1608.03983)."""

import math

from mscat_tf.config import TrainSettings


class LearningRate:
    """The rate is set from outside before each step: a Keras schedule inside a distributed step is traced once per
    variable and triples the time to the first step.

    Args:
        settings: peak, warm-up fraction, epochs, and what comes after the warm-up. steps_per_epoch: steps of one epoch.
    """

    def __init__(self, settings: TrainSettings, steps_per_epoch: int) -> None:
        self.settings = settings
        self.steps_per_epoch = steps_per_epoch
        self.total = settings.epochs * steps_per_epoch
        self.warm = int(self.total * settings.warmup_fraction)

    def __call__(self, step: int) -> float:
        """Learning rate of the step with this number, counted from 0 over all epochs.

        >>> settings = TrainSettings(epochs=2, learning_rate=1.0, warmup_fraction=0.25)
        >>> rate = LearningRate(settings, steps_per_epoch=4)
        >>> [round(rate(step), 3) for step in range(8)]
        [0.5, 1.0, 1.0, 0.933, 0.75, 0.5, 0.25, 0.067]
        """
        peak = self.settings.learning_rate
        if step < self.warm:
            return peak * (step + 1) / self.warm
        if self.settings.schedule == "constant":
            return peak
        progress = (step - self.warm) / max(self.total - self.warm, 1)
        return peak * 0.5 * (1.0 + math.cos(math.pi * min(progress, 1.0)))
