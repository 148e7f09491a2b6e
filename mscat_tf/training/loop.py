"""Steps and epochs: train, validate, remember the best weights, checkpoint, stop early, resume."""

import csv
import io
import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np

from mscat_tf.errors import DivergedError
from mscat_tf.files import write_text
from mscat_tf.training.checkpoint import Checkpoints
from mscat_tf.training.schedule import LearningRate
from mscat_tf.training.signals import StopRequest
from mscat_tf.training.step import Outcome, TrainingStep
from mscat_tf.training.workers import need_agreement

Data = Callable[[int], Iterator[Any]]
Validate = Callable[[], dict[str, float]]
SMALLER_IS_BETTER = ("val_loss",)


@dataclass
class LoopState:
    """What a checkpoint remembers besides the variables.

    Attributes:
        step: steps done since the beginning. epoch: finished ones. best_epoch: 0 before the first.
        best: of the monitored figure. history: a row for each finished epoch.
        loss_sum, events, seconds, input_seconds: of the epoch that is not finished; the wait for input shows only with
            `steps_per_execution: 1`, else it is within the call and counted as 0.
    """

    step: int = 0
    epoch: int = 0
    best_epoch: int = 0
    best: float | None = None
    history: list[dict[str, float]] = field(default_factory=list)
    loss_sum: float = 0.0
    events: float = 0.0
    seconds: float = 0.0
    input_seconds: float = 0.0


class TrainingLoop:
    """Drive a `TrainingStep` with ordinary Keras callbacks.

    Args:
        step: what happens to one batch.
        data: step -> distributed batches from there on, without end.
        validate: returns at least `val_auc` and `val_loss`.
        checkpoints: where every finished epoch is kept, and points within an epoch.
        rate: learning rate by step; its settings give epochs, patience and what is monitored.
        history_file: `history.csv`, written anew after every epoch.
        unsound: called with the step whose loss or gradient was not finite; returns where the batch was saved.
    """

    def __init__(
        self,
        step: TrainingStep,
        data: Data,
        validate: Validate,
        checkpoints: Checkpoints,
        rate: LearningRate,
        history_file: Path,
        unsound: Callable[[int], Path],
    ) -> None:
        self.step, self.data, self.validate, self.unsound = step, data, validate, unsound
        self.checkpoints, self.rate, self.history_file = checkpoints, rate, history_file
        self.settings = rate.settings
        self.state = LoopState()
        self._saved = time.monotonic()

    def run(self, model: keras.Model, callbacks: Sequence[keras.callbacks.Callback]) -> LoopState:
        """Train from the newest checkpoint to the end, leave the best weights in the model.

        Args:
            model: the full model, handed to the callbacks.
            callbacks: Keras callbacks; at the end of an epoch `logs` hold the columns of `history.csv`, at the end of a
                batch `step` (steps done since the beginning), `steps`, `events`, `seconds` and `input_seconds` of the
                call.

        Raises:
            DivergedError: a loss or gradient was not finite.
            SystemExit, KeyboardInterrupt: after SIGTERM (143), SIGINT; a checkpoint was written.
        """
        restored = self.checkpoints.restore()
        self.state = LoopState(**restored) if restored else LoopState()
        need_agreement(self.step.strategy, self.state.step, "the step at which the training goes on")
        listeners = keras.callbacks.CallbackList(
            list(callbacks), model=model, epochs=self.settings.epochs, steps=self.rate.steps_per_epoch, verbose=0
        )
        model.stop_training = False
        listeners.on_train_begin({"step": self.state.step})
        batches = None
        with StopRequest() as request:
            while self.state.epoch < self.settings.epochs and not self._exhausted() and not model.stop_training:
                batches = batches or self.data(self.state.step)
                listeners.on_epoch_begin(self.state.epoch)
                self._train(batches, listeners, request)
                self._finish_epoch(listeners)
        listeners.on_train_end()
        self.checkpoints.restore_best()
        return self.state

    def _train(self, batches: Iterator[Any], listeners: Any, request: StopRequest) -> None:
        """The steps that are left of the present epoch."""
        first, end = self.state.epoch * self.rate.steps_per_epoch, (self.state.epoch + 1) * self.rate.steps_per_epoch
        self._saved = time.monotonic()
        while self.state.step < end:
            number = min(self.settings.steps_per_execution, end - self.state.step)
            listeners.on_train_batch_begin(self.state.step - first)
            logs = self._steps(batches, number, request)
            listeners.on_train_batch_end(self.state.step - 1 - first, logs)
            if logs.pop("stop"):
                self.checkpoints.save(self.state.step, asdict(self.state))
                request.obey()
            minutes = (time.monotonic() - self._saved) / 60
            if self.state.step < end and 0 < self.settings.checkpoint_minutes < minutes:
                self.checkpoints.save(self.state.step, asdict(self.state))
                self._saved = time.monotonic()

    def _steps(self, batches: Iterator[Any], number: int, request: StopRequest) -> dict[str, Any]:
        state, started = self.state, time.perf_counter()
        rates, stop = [self.rate(state.step + n) for n in range(number)], request.asked is not None
        if self.settings.steps_per_execution == 1:
            batch = next(batches)
            waited = time.perf_counter() - started
            found = self.step(batch, rates[0], stop)
        else:
            waited, found = 0.0, self.step.take(batches, rates, stop)
        self._check_sound(found)
        seconds, events = time.perf_counter() - started, float(found.events.sum())
        state.step += number
        state.loss_sum += float(found.loss @ found.events)
        state.events += events
        state.seconds += seconds
        state.input_seconds += waited
        named = {"step": state.step, "steps": number, "events": events, "stop": found.stop}
        return {**named, "seconds": seconds, "input_seconds": waited}

    def _check_sound(self, found: Outcome) -> None:
        if found.sound.all():
            return
        step = self.state.step + int(np.argmin(found.sound))
        saved = self.unsound(step)
        raise DivergedError(
            f"epoch {self.state.epoch + 1}, step {step + 1}: the loss or its gradient is not a finite number; lower "
            "train.learning_rate, set train.clip_norm, and check the sample with `mscat inspect`; the batch is in "
            f"{saved}"
        )

    def _finish_epoch(self, listeners: Any) -> None:
        state, started = self.state, time.perf_counter()
        with self.step.average.in_place() if self.step.average else nullcontext():
            row = {"epoch": state.epoch + 1, "loss": state.loss_sum / state.events, **self.validate()}
            value, state.epoch = row[self.settings.monitor], state.epoch + 1
            if state.best is None or self._better(value, state.best):
                state.best, state.best_epoch = value, state.epoch
                self.checkpoints.save_best()
        row["events_per_second"] = state.events / state.seconds
        row["input_share"] = state.input_seconds / state.seconds
        row["seconds"] = state.seconds + time.perf_counter() - started
        state.history.append(row)
        state.loss_sum = state.events = state.seconds = state.input_seconds = 0.0
        self.checkpoints.save(state.step, asdict(state))
        if self.checkpoints.writes:
            write_history(self.history_file, state.history)
        listeners.on_epoch_end(state.epoch - 1, row)

    def _better(self, value: float, best: float) -> bool:
        if math.isnan(best):
            return not math.isnan(value)
        return value < best if self.settings.monitor in SMALLER_IS_BETTER else value > best

    def _exhausted(self) -> bool:
        patience = self.settings.early_stopping_patience
        return bool(patience) and self.state.epoch - self.state.best_epoch >= patience


def write_history(path: Path, rows: list[dict[str, float]]) -> None:
    """One row per epoch, as CSV."""
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text(path, text.getvalue())
