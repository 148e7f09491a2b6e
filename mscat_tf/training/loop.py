"""Epochs: train, validate, remember the best weights, checkpoint, stop early, resume."""

import csv
import io
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from mscat_tf.errors import InputError
from mscat_tf.files import write_text
from mscat_tf.training.checkpoint import Checkpoints
from mscat_tf.training.schedule import WarmCosine
from mscat_tf.training.step import TrainingStep

Data = Callable[[int], tf.data.Dataset]
Validate = Callable[[], dict[str, float]]


@dataclass
class LoopState:
    """What a checkpoint remembers besides the variables."""

    epoch: int = 0
    best_epoch: int = 0
    best_auc: float = -1.0
    history: list[dict[str, float]] = field(default_factory=list)


class TrainingLoop:
    """Drive a `TrainingStep` over epochs with ordinary Keras callbacks.

    Args:
        step: what happens to one batch.
        data: epoch -> data set of batches, the same for the same epoch.
        validate: returns at least `val_auc` and `val_loss`.
        checkpoints: where every finished epoch is kept.
        rate: learning rate by step; its settings give epochs and patience.
        history_file: `history.csv`, written anew after every epoch.
    """

    def __init__(
        self,
        step: TrainingStep,
        data: Data,
        validate: Validate,
        checkpoints: Checkpoints,
        rate: WarmCosine,
        history_file: Path,
    ) -> None:
        self.step, self.data, self.validate = step, data, validate
        self.checkpoints, self.rate, self.history_file = checkpoints, rate, history_file
        self.settings = rate.settings

    def run(self, model: keras.Model, callbacks: Sequence[keras.callbacks.Callback], steps: int) -> LoopState:
        """Train from the newest checkpoint to the end, leave the best weights in the model.

        Args:
            model: the full model, handed to the callbacks.
            callbacks: Keras callbacks; `logs` hold the columns of `history.csv`.
            steps: batches per epoch, for progress bars.
        """
        restored = self.checkpoints.restore()
        state = LoopState(**restored) if restored else LoopState()
        listeners = keras.callbacks.CallbackList(
            list(callbacks), model=model, epochs=self.settings.epochs, steps=steps, verbose=0
        )
        model.stop_training = False
        listeners.on_train_begin({"initial_epoch": state.epoch})
        while state.epoch < self.settings.epochs and not self._exhausted(state) and not model.stop_training:
            self._one_epoch(state, listeners)
        listeners.on_train_end()
        self.checkpoints.restore_best()
        return state

    def _one_epoch(self, state: LoopState, listeners: Any) -> None:
        epoch, started = state.epoch, time.perf_counter()
        listeners.on_epoch_begin(epoch)
        loss_sum, events = self._train(epoch, listeners)
        trained = time.perf_counter()
        row = {"epoch": epoch + 1, "loss": loss_sum / events, **self.validate()}
        row["events_per_second"] = events / (trained - started)
        row["seconds"] = time.perf_counter() - started
        state.epoch += 1
        state.history.append(row)
        if row["val_auc"] > state.best_auc:
            state.best_auc, state.best_epoch = row["val_auc"], state.epoch
            self.checkpoints.save_best()
        self.checkpoints.save(state.epoch, asdict(state))
        write_history(self.history_file, state.history)
        listeners.on_epoch_end(epoch, row)

    def _train(self, epoch: int, listeners: Any) -> tuple[float, float]:
        batches = self.step.distribute(self.data(epoch))
        loss_sum, events = tf.constant(0.0, tf.float64), tf.constant(0.0, tf.float64)
        for number, batch in enumerate(batches):
            listeners.on_train_batch_begin(number)
            self.step.optimizer.learning_rate = self.rate(epoch * self.rate.steps_per_epoch + number)
            loss, size = self.step(batch)
            count = tf.cast(size, tf.float64)
            loss_sum, events = loss_sum + tf.cast(loss, tf.float64) * count, events + count
            listeners.on_train_batch_end(number)
        total = float(loss_sum)
        if not math.isfinite(total):
            raise InputError(
                f"epoch {epoch + 1}: the loss is {total}; lower train.learning_rate, and check the sample with "
                "`mscat inspect`"
            )
        return total, float(events)

    def _exhausted(self, state: LoopState) -> bool:
        patience = self.settings.early_stopping_patience
        return bool(patience) and state.epoch - state.best_epoch >= patience


def write_history(path: Path, rows: list[dict[str, float]]) -> None:
    """One row per epoch, as CSV."""
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text(path, text.getvalue())
