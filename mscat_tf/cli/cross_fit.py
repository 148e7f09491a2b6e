"""`mscat cross-fit`: the logit of every event by networks that were not trained on it.

Scores of training events by the network that was trained on them are too good, and whatever learns from them trusts
them too much. So the training split is dealt into folds, a network is trained without each, and scores the events of
that fold (stacking: Wolpert, Neural Networks 5 (1992) 241); all other events get the mean logit of these networks.
"""

import contextlib
import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from mscat_tf.cli import stages
from mscat_tf.cli.console import Reporter, out
from mscat_tf.config import Config
from mscat_tf.config.study import KNOWN
from mscat_tf.data import Sample
from mscat_tf.data.choice import TRAIN, folds
from mscat_tf.data.sample import Arrays
from mscat_tf.evaluation.metrics import weighted_auc
from mscat_tf.hdf5_writing import hdf5_file
from mscat_tf.inference.predict import predict
from mscat_tf.provenance import library_versions
from mscat_tf.run_folder import Run, sample_path

FOLDS = 5
_COLUMNS = ("event_id", "group_id", "label", "split", "weight_fb", "logit")


def cross_fit(run: Run, number: int = FOLDS) -> Path:
    """Train a network without each fold as `run` was trained, and write the scores of all events of its sample.

    Folds are runs of their own beside that of `run`, so an interrupted command goes on where it stopped.

    Args:
        run: finished; the first of its seeds is taken. number: of folds.

    Returns:
        `RUN/cross-fitted.h5` with `event_id`, `logit`, `split`, `fold` (0 outside the training split) of every event.
    """
    path, name = run.path / KNOWN, run.path.name
    trainings = [f"{name}-without-{fold}-of-{number}" for fold in range(1, number + 1)]
    made = _attribute(path, "trainings")
    if made is not None and list(made) == trainings:
        out.print(f"{path}: there already; nothing to do", soft_wrap=True)
        return path
    columns = [_scored(_without(run.config, own, fold, number)) for fold, own in enumerate(trainings, start=1)]
    fold, logit = _joined(columns, number)
    kept = {name: columns[0][name] for name in ("event_id", "split")} | {"fold": fold, "logit": logit}
    with hdf5_file(path) as file:
        file.attrs["trainings"] = trainings
        file.attrs["about"] = json.dumps({**run.origin, "versions": library_versions()})
        for key, values in kept.items():
            file.create_dataset(key, data=values, track_times=False)
    out.print(f"{path}: {_figures(columns[0], fold, logit)}", soft_wrap=True)
    return path


def _attribute(path: Path, name: str) -> Any:
    """Of a file of scores; None where it is missing or damaged, and so to be made again."""
    with contextlib.suppress(OSError), h5py.File(path, "r") as file:
        return file.attrs.get(name)
    return None


def _without(config: Config, name: str, fold: int, number: int) -> Config:
    left_out = [f"data.left_out.fold={fold}", f"data.left_out.of={number}"]
    return config.updated([f"name={name}", "train.repeats=1", *left_out])


def _scored(config: Config) -> Arrays:
    """Columns of the scores of all events by the network of one fold."""
    run = stages.train(config)
    path = run.path / "all-scores.h5"
    if _attribute(path, "weights") != run.origin["weights"]:
        with Sample(sample_path(config)) as sample, Reporter("predicting", len(sample), "events") as reporter:
            predict(run.scorer(), sample, path, run.origin, config.data, reporter.update)
    with h5py.File(path, "r") as file:
        return {name: file[name][()] for name in _COLUMNS}


def _joined(columns: list[Arrays], number: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Fold and logit `(n,)` of every event."""
    first = columns[0]
    logits = np.stack([own["logit"] for own in columns])
    fold = np.where(first["split"] == TRAIN, folds(first["group_id"], number), 0)
    own = logits[np.maximum(fold, 1) - 1, np.arange(len(fold))]
    return fold, np.where(fold > 0, own, logits.mean(axis=0)).astype(np.float32)


def _figures(columns: Arrays, fold: NDArray[np.int64], logit: NDArray[np.float32]) -> str:
    found = []
    for name, chosen in (("training events by the others' networks", fold > 0), ("all other events", fold == 0)):
        area = weighted_auc(logit[chosen], columns["label"][chosen], columns["weight_fb"][chosen])
        found.append(f"AUC {area:.4f} of {np.count_nonzero(chosen)} {name}")
    return ", ".join(found)
