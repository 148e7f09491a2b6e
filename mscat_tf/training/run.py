"""`mscat train`: from a configuration to a finished run folder."""

import logging
import math
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from mscat_tf.config import Config
from mscat_tf.config.networks.boosted_trees import BOOSTED_TREES
from mscat_tf.data import EventTable, Sample, event_table
from mscat_tf.data.pipeline import dataset
from mscat_tf.errors import InputError
from mscat_tf.evaluation.metrics import weighted_auc
from mscat_tf.files import atomic_path, write_json
from mscat_tf.models import registry
from mscat_tf.models.count import cost_per_event, parameters
from mscat_tf.models.predictor import Predictor
from mscat_tf.run_folder import Run, has_run, sample_path, start_run
from mscat_tf.training.checkpoint import Checkpoints
from mscat_tf.training.loop import LoopState, TrainingLoop
from mscat_tf.training.record import need_both_classes, sample_digest, split_counts
from mscat_tf.training.schedule import WarmCosine
from mscat_tf.training.specification import input_specification, input_statistics
from mscat_tf.training.start_weights import load_start_weights
from mscat_tf.training.step import TrainingStep
from mscat_tf.training.strategy import make_strategy
from mscat_tf.training.tensorboard import TensorBoardScalars
from mscat_tf.training.trees import train_trees

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Setup:
    """What building a training yields."""

    config: Config
    sample: Sample
    table: EventTable
    strategy: tf.distribute.Strategy
    model: keras.Model
    optimizer: keras.optimizers.Optimizer

    @property
    def steps(self) -> int:
        """Batches per epoch."""
        return math.ceil(len(self.table.rows("train")) / self.config.train.batch_size)

    def data(self, split: str, batch_size: int, shuffle: tuple[int, int] | None = None) -> tf.data.Dataset:
        """Batches of one split."""
        names = tuple(tensor.name for tensor in self.model.inputs)
        rows = self.table.rows(split)
        symmetries = self.config.train.symmetries and split == "train"
        return dataset(self.sample, self.table, rows, self.config.data, batch_size, names, shuffle, symmetries)


def train(config: Config, folder: Path, callbacks: Sequence[keras.callbacks.Callback] = ()) -> Run:
    """Train, or go on training, or do nothing if it is done.

    Args:
        config: resolved configuration.
        folder: `runs/<name>`.
        callbacks: further Keras callbacks, e.g. a progress bar.

    Raises:
        MscatError: the sample, the configuration or the folder cannot be used; the sentence says why.
    """
    registry.check_name(config.model.name)
    if config.model.name == BOOSTED_TREES:
        return train_trees(config, folder)
    with Sample(sample_path(config)) as sample:
        if has_run(folder) and start_run(config, folder, sample_digest(sample)).finished:
            return Run(folder)
        started = time.perf_counter()
        setup = prepare(config, sample)
        start_run(config, folder, sample_digest(sample))  # only now: what cannot be trained leaves no folder behind
        step = TrainingStep(setup.strategy, setup.model, setup.optimizer)
        checkpoints = Checkpoints(folder / "checkpoints", setup.model, setup.optimizer, config.train.checkpoints_kept)
        loop = TrainingLoop(
            step,
            lambda epoch: setup.data("train", config.train.batch_size, (config.seed, epoch)),
            _validation(setup),
            checkpoints,
            WarmCosine(config.train, setup.steps),
            folder / "history.csv",
        )
        if config.train.tensorboard:
            callbacks = [*callbacks, TensorBoardScalars(folder / "tensorboard")]
        state = loop.run(setup.model, callbacks, setup.steps)
        with atomic_path(folder / "model.keras") as temporary:
            setup.model.save(temporary)
        write_json(folder / "training.json", _summary(setup, state, time.perf_counter() - started))
    return Run(folder)


def prepare(config: Config, sample: Sample) -> _Setup:
    """Seed everything, read the table, fit the normalisation, build network and optimizer under the strategy."""
    strategy = make_strategy(config.train)
    table = event_table(sample, config.data, config.seed)
    need_both_classes(sample, table)
    specification = input_specification(config, sample)
    statistics = input_statistics(config, sample, table, specification)
    keras.backend.clear_session()
    keras.utils.set_random_seed(config.seed)
    with strategy.scope():
        model = registry.build(config.model, specification, statistics)
        if config.train.start_from:
            load_start_weights(model, config.train.start_from)
        optimizer = keras.optimizers.AdamW(config.train.learning_rate, weight_decay=config.train.weight_decay)
    return _Setup(config, sample, table, strategy, model, optimizer)


def _validation(setup: _Setup) -> Any:
    predictor = Predictor(setup.model)

    def validate() -> dict[str, float]:
        rows, logits = predictor(setup.data("validation", 4 * setup.config.train.batch_size))
        label, weight = setup.table.label[rows], setup.table.weight[rows]
        losses = np.logaddexp(0.0, np.where(label == 1, -logits, logits).astype(np.float64))
        return {"val_loss": float(weight @ losses / weight.sum()), "val_auc": weighted_auc(logits, label, weight)}

    return validate


def _summary(setup: _Setup, state: LoopState, seconds: float) -> dict[str, Any]:
    return {
        "network": setup.config.model.name,
        "parameters": parameters(setup.model),
        **_cost(setup.model),
        "epochs_trained": state.epoch,
        "best_epoch": state.best_epoch,
        "best_validation_auc": state.best_auc,
        "seconds": seconds,
        "seconds_per_epoch": float(np.median([row["seconds"] for row in state.history])),
        "events_per_second": float(np.median([row["events_per_second"] for row in state.history])),
        "replicas": setup.strategy.num_replicas_in_sync,
        "cpu_count": os.cpu_count(),
        "splits": split_counts(setup.table),
    }


def _cost(model: keras.Model) -> dict[str, int]:
    """Operations and bytes of one event, or nothing: a training is not lost because its network cannot be counted."""
    try:
        cost = cost_per_event(model)
    except InputError as error:
        log.warning("%s", error)
        return {}
    return {"flops_per_event": cost.flops, "activation_bytes_per_event": cost.activation_bytes}
