"""`train.repeats`: the same training with several seeds, one after the other; together they are an ensemble.

All in one process: TensorFlow starts once; what it keeps of a finished network is in docs/repeats_and_search.md. Each
member is a complete run of its own, so what was finished before an interruption is not repeated.
"""

import contextlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from mscat_tf.config import Config
from mscat_tf.errors import BusyError
from mscat_tf.evaluation.spread import spread
from mscat_tf.files import read_json, write_json, write_text
from mscat_tf.lock import is_free, wait_until_free
from mscat_tf.run_folder import Run, has_run, member_names
from mscat_tf.run_start import start_run
from mscat_tf.training.strategy import make_strategy
from mscat_tf.training.workers import is_chief, wait_for_workers

log = logging.getLogger(__name__)

FIGURES = (
    "best_validation_loss",
    "best_validation_auc",
    "best_epoch",
    "epochs_trained",
    "seconds",
    "events_per_second",
)
"""Columns of `training.json` whose spread over the seeds is reported."""
_ALIKE = ("network", "replicas", "cpu_count", "splits")
_OF_EACH = ("parameters", "flops_per_event")

TrainMember = Callable[[Config, Path], Run]


def train_repeats(config: Config, folder: Path, train_member: TrainMember) -> Run:
    """Train every seed in a folder of its own below `folder`, or go on; write `repeats.json` and `training.json`.

    A seed that another process trains is waited for.

    Args:
        config: resolved, with `train.repeats` above 1. A larger number than before adds members to those that are
            there. folder: `runs/<name>`. train_member: trains one, e.g. `mscat_tf.training.run.train`.

    Raises:
        OutputError: the folder belongs to other settings.
    """
    together = make_strategy(config.train) if config.train.strategy == "multi_worker" else None
    writes = together is None or is_chief(together)
    if has_run(folder):
        _reopen(config, folder, writes)
    runs: list[Run] = []
    for name, member in zip(member_names(config), members(config), strict=True):
        runs.append(_trained(member, folder / name, train_member))
        if writes and len(runs) == 1:  # not before: what cannot be trained leaves no folder behind
            start_run(config, folder, _data_digest(runs[0].path))
    if writes:
        trainings = [run.training for run in runs]
        write_json(folder / "repeats.json", summary(config, trainings))
        write_json(folder / "training.json", as_one_training(trainings))
    if together is not None:
        wait_for_workers(together)
    return Run(folder)


def train_free_members(config: Config, folder: Path, train_member: TrainMember) -> None:
    """Beside another process that is at `train_repeats`: train, from the last seed on, what nobody is at."""
    for name, member in zip(reversed(member_names(config)), reversed(members(config)), strict=True):
        place = folder / name
        if not (has_run(place) and Run(place).finished) and is_free(place):
            with contextlib.suppress(BusyError):
                train_member(member, place)


def _trained(member: Config, folder: Path, train_member: TrainMember) -> Run:
    """By this process, or by the one that is at it."""
    while True:
        try:
            return train_member(member, folder)
        except BusyError:
            if member.train.strategy == "multi_worker":
                raise
            log.warning("%s: another process trains it; this one waits", folder)
            wait_until_free(folder)


def members(config: Config) -> list[Config]:
    """The configuration of every seed: `seed`, `seed + 1`, ..., each an ordinary training."""
    seeds = range(config.seed, config.seed + config.train.repeats)
    return [config.updated([f"name={config.name}-seed-{seed}", f"seed={seed}", "train.repeats=1"]) for seed in seeds]


def summary(config: Config, trainings: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """`repeats.json`: seeds, folders, and the spread of every figure of `FIGURES` that the trainings have."""
    names = member_names(config)
    return {
        "seeds": [config.seed + number for number in range(len(names))],
        "members": names,
        "spread": {
            name: asdict(spread([training[name] for training in trainings]))
            for name in FIGURES
            if all(name in training for training in trainings)
        },
    }


def as_one_training(trainings: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """`training.json` of the ensemble: sums of sizes and seconds, medians of epochs, means of validation figures.

    The validation figures are means over the members, not those of the ensemble.
    """
    first = trainings[0]

    def column(name: str) -> list[float]:
        return [training[name] for training in trainings]

    found: dict[str, Any] = {name: first[name] for name in _ALIKE if name in first}
    found |= {name: int(sum(column(name))) for name in _OF_EACH if name in first}
    if "activation_bytes_per_event" in first:
        found["activation_bytes_per_event"] = max(column("activation_bytes_per_event"))
    found |= {name: int(np.median(column(name))) for name in ("best_epoch", "epochs_trained")}
    means = ("best_validation_loss", "best_validation_auc", "events_per_second", "seconds_per_epoch")
    found |= {name: float(np.mean(column(name))) for name in means if name in first}
    return {**found, "seconds": float(sum(column("seconds"))), "repeats": len(trainings)}


def _reopen(config: Config, folder: Path, writes: bool) -> None:
    """Let more members join those that are there; everything else must be as it was."""
    before = Run(folder).config.train.repeats
    grows = 1 < before < config.train.repeats
    same = config.updated([f"train.repeats={before}"]) if grows else config
    start_run(same, folder, _data_digest(folder))
    if grows and writes:
        (folder / "training.json").unlink(missing_ok=True)
        write_text(folder / "config.yaml", yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False))


def _data_digest(folder: Path) -> str:
    return str(read_json(folder / "environment.json")["data_digest"])
