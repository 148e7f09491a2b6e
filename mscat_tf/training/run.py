"""`mscat train`: from a configuration to a finished run folder."""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from mscat_tf.config import Config
from mscat_tf.config.networks.boosted_trees import BOOSTED_TREES
from mscat_tf.cores import usable_cores
from mscat_tf.data import Sample
from mscat_tf.data.census import Census
from mscat_tf.data.pipeline import distributed_dataset
from mscat_tf.data.stream import EventStream
from mscat_tf.data.symmetries import check_exact
from mscat_tf.errors import InputError, OutputError
from mscat_tf.evaluation.metrics import weighted_auc
from mscat_tf.files import atomic_path, write_json
from mscat_tf.lock import locked
from mscat_tf.models import registry
from mscat_tf.models.count import cost_per_event, parameters
from mscat_tf.models.precision import precision
from mscat_tf.models.predictor import Predictor
from mscat_tf.run_folder import Run, has_run, sample_path
from mscat_tf.run_start import start_run
from mscat_tf.training.checkpoint import Checkpoints
from mscat_tf.training.loop import LoopState, TrainingLoop
from mscat_tf.training.optimizer import make_optimizer
from mscat_tf.training.repeats import train_repeats
from mscat_tf.training.schedule import LearningRate
from mscat_tf.training.specification import input_specification, input_statistics
from mscat_tf.training.start_weights import freeze, load_start_weights
from mscat_tf.training.step import TrainingStep
from mscat_tf.training.strategy import make_strategy
from mscat_tf.training.tensorboard import TensorBoardScalars
from mscat_tf.training.trees import train_trees
from mscat_tf.training.workers import is_chief, lost_workers_named, wait_for_workers

log = logging.getLogger(__name__)

VALIDATION_BATCHES = 4
"""A batch of the validation is this many times larger: no gradient has to be kept for it."""


@dataclass(frozen=True)
class Setup:
    """What building a training yields."""

    config: Config
    sample: Sample
    census: Census
    strategy: tf.distribute.Strategy
    model: keras.Model
    optimizer: keras.optimizers.Optimizer

    def training_stream(self) -> EventStream:
        """The training split as it is trained on."""
        train = self.config.train
        return self._stream("train", train.batch_size, shuffle_seed=self.config.seed, train=train)

    def validation_stream(self) -> EventStream:
        """The validation split, each event once, in the order of the sample."""
        return self._stream("validation", VALIDATION_BATCHES * self.config.train.batch_size)

    def distributed(self, stream: EventStream, step: int) -> Iterator[Any]:
        """Batches from this step on, without end, spread over the replicas."""
        return iter(distributed_dataset(stream, self.strategy, step, True))

    def _stream(self, split: str, batch_size: int, **options: Any) -> EventStream:
        names = tuple(tensor.name for tensor in self.model.inputs)
        return EventStream(self.sample, self.census, self.config.data, split, names, batch_size, **options)


def train(config: Config, folder: Path, callbacks: Sequence[keras.callbacks.Callback] = ()) -> Run:
    """Train, or go on training, or do nothing if it is done.

    Args:
        config: resolved configuration.
        folder: `runs/<name>`.
        callbacks: further Keras callbacks, e.g. a progress bar.

    Raises:
        MscatError: the sample, the configuration or the folder cannot be used; the sentence says why.
        SystemExit: SIGTERM came, a checkpoint was written, the same call goes on from there.
    """
    registry.check_name(config.model.name)
    if config.train.symmetries and config.model.name != BOOSTED_TREES:
        check_exact(config.data)
    if config.train.repeats > 1:
        return train_repeats(config, folder, lambda member, place: train(member, place, callbacks))
    if config.model.name == BOOSTED_TREES:
        return train_trees(config, folder)
    with Sample(sample_path(config)) as sample:
        if has_run(folder) and start_run(config, folder, sample.digest).finished:
            return Run(folder)
        with lost_workers_named(config.train.strategy):
            _train_network(config, folder, sample, callbacks)
    return Run(folder)


def _train_network(config: Config, folder: Path, sample: Sample, callbacks: Sequence[keras.callbacks.Callback]) -> None:
    started = time.perf_counter()
    setup = prepare(config, sample)
    chief = is_chief(setup.strategy)
    if chief:  # only now: what cannot be trained leaves no folder behind
        start_run(config, folder, sample.digest)
    with locked(folder, "this run") if chief else nullcontext():
        if config.train.strategy != "multi_worker" and Run(folder).finished:
            return  # by another process, while this one was getting ready
        _run_loop(setup, folder, callbacks, started)


def _run_loop(setup: Setup, folder: Path, callbacks: Sequence[keras.callbacks.Callback], started: float) -> None:
    config, chief = setup.config, is_chief(setup.strategy)
    wait_for_workers(setup.strategy)
    loop, stream = _loop(setup, folder)
    if config.train.tensorboard and chief:
        callbacks = [*callbacks, TensorBoardScalars(folder / "tensorboard")]
    with stream.own_errors():
        state = loop.run(setup.model, callbacks)
    if chief:
        _save(setup.model, folder / "model.keras")
        write_json(folder / "training.json", _summary(setup, state, stream, time.perf_counter() - started))
    wait_for_workers(setup.strategy)


def _save(model: keras.Model, path: Path) -> None:
    """Raise OutputError where the clock is before 1980, whose dates the format of the file does not know."""
    year = time.localtime(time.time()).tm_year
    if year < 1980:
        raise OutputError(f"{path}: cannot be written in {year}; set the clock and repeat the command")
    with atomic_path(path) as temporary:
        model.save(temporary)


def prepare(config: Config, sample: Sample) -> Setup:
    """Seed everything, count the events, fit the normalisation, build network and optimizer under the strategy."""
    if config.train.deterministic:
        tf.config.experimental.enable_op_determinism()
    strategy = make_strategy(config.train)
    census = Census(sample, config.data, config.seed, config.train)
    census.need_both_classes()
    specification = input_specification(config, sample)
    statistics = input_statistics(config, sample, census, specification)
    keras.backend.clear_session()
    keras.utils.set_random_seed(config.seed)
    with strategy.scope(), precision(config.train.precision):
        model = registry.build(config.model, specification, statistics)
        if config.train.start_from:
            taken = load_start_weights(model, config.train.start_from, config.seed)
            freeze(model, config.train.freeze, taken)
        optimizer = make_optimizer(config.train)
    return Setup(config, sample, census, strategy, model, optimizer)


def _loop(setup: Setup, folder: Path) -> tuple[TrainingLoop, EventStream]:
    settings, stream = setup.config.train, setup.training_stream()
    step = TrainingStep(setup.strategy, setup.model, setup.optimizer, settings)
    others = [*setup.optimizer.variables, *(step.average.variables if step.average else [])]
    checkpoints = Checkpoints(
        folder / "checkpoints", setup.model.variables, others, settings.checkpoints_kept, is_chief(setup.strategy)
    )
    loop = TrainingLoop(
        step,
        lambda number: setup.distributed(stream, number),
        _validation(setup),
        checkpoints,
        LearningRate(settings, settings.steps_per_epoch or stream.steps),
        folder / "history.csv",
        lambda number: _save_batch(stream, number, folder / "unsound_batch.npz", is_chief(setup.strategy)),
    )
    return loop, stream


def _validation(setup: Setup) -> Callable[[], dict[str, float]]:
    predictor, stream = Predictor(setup.model, setup.strategy), setup.validation_stream()

    def validate() -> dict[str, float]:
        with stream.own_errors():
            found = predictor(stream)
        signed = np.where(found.label == 1, -found.logit, found.logit).astype(np.float64)
        loss = float(found.weight @ np.logaddexp(0.0, signed) / found.weight.sum())
        return {"val_loss": loss, "val_auc": weighted_auc(found.logit, found.label, found.weight)}

    return validate


def _save_batch(stream: EventStream, step: int, path: Path, writes: bool) -> Path:
    """The global batch of a step, read again: inputs by name, `label`, `share`, `row`."""
    if not writes:
        return path
    inputs, label, share, row = next(stream.batches(start=step, endless=True))
    arrays: dict[str, Any] = {**inputs, "label": label, "share": share, "row": row}
    with atomic_path(path) as temporary, open(temporary, "wb") as file:
        np.savez(file, **arrays)
    return path


def _summary(setup: Setup, state: LoopState, stream: EventStream, seconds: float) -> dict[str, Any]:
    best = state.history[state.best_epoch - 1]
    return {
        "network": setup.config.model.name,
        "parameters": parameters(setup.model),
        **_cost(setup.model),
        "epochs_trained": state.epoch,
        "steps_trained": state.step,
        "steps_per_pass": stream.steps,
        "best_epoch": state.best_epoch,
        "best_validation_auc": best["val_auc"],
        "best_validation_loss": best["val_loss"],
        "seconds": seconds,
        "seconds_per_epoch": float(np.median([row["seconds"] for row in state.history])),
        "events_per_second": float(np.median([row["events_per_second"] for row in state.history])),
        "replicas": setup.strategy.num_replicas_in_sync,
        "cpu_count": len(usable_cores()),
        "splits": setup.census.split_counts(),
    }


def _cost(model: keras.Model) -> dict[str, int]:
    """Operations and bytes of one event, or nothing: a training is not lost because its network cannot be counted."""
    try:
        cost = cost_per_event(model)
    except InputError as error:
        log.warning("%s", error)
        return {}
    return {"flops_per_event": cost.flops, "activation_bytes_per_event": cost.activation_bytes}
