"""`mscat train` of gradient-boosted trees: the same events, weights, splits and run folder as a network."""

import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from threadpoolctl import threadpool_limits

from mscat_tf.config import Config
from mscat_tf.cores import usable_cores
from mscat_tf.data import EventTable, Sample, event_table
from mscat_tf.data.flat import flat_columns, read_flat
from mscat_tf.evaluation.metrics import weighted_auc
from mscat_tf.files import write_json
from mscat_tf.lock import locked
from mscat_tf.models.boosted_trees import BoostedTrees
from mscat_tf.run_folder import Run, has_run, sample_path
from mscat_tf.run_start import start_run
from mscat_tf.training.loop import write_history

Matrix = NDArray[np.float32]
THREADS_PAY = 200_000
"""Training events from which several threads are worth it: below, OpenMP waits ten times longer than it works whenever
another process has one of the cores."""


def train_trees(config: Config, folder: Path) -> Run:
    """Grow all trees of `model.boosted_trees`, keep those up to the best validation AUC; nothing if it is done.

    Every training event is read once and seen as it is: `train.symmetries` and the rest of `train` have no say.
    The validation split alone decides how many trees are kept. A killed training starts anew: it takes seconds.

    Raises:
        MscatError: the sample, the configuration or the folder cannot be used; the sentence says why.
    """
    with Sample(sample_path(config)) as sample:
        columns = flat_columns(sample, config.data, config.model.boosted_trees.inputs)
        if has_run(folder) and start_run(config, folder, sample.digest).finished:
            return Run(folder)
        started = time.perf_counter()
        table = event_table(sample, config.data, config.seed, config.train)
        table.census.need_both_classes()
        parts = {split: read_flat(sample, table.rows(split), columns) for split in ("train", "validation")}
        run = start_run(config, folder, sample.digest)
    with locked(folder, "this run"):
        if run.finished:  # by another process, while this one was reading
            return run
        with threadpool_limits(1 if len(parts["train"]) < THREADS_PAY else None, user_api="openmp"):
            fit_started = time.perf_counter()
            grown = fit(config, parts["train"], table)
            history = _history(grown, parts, table, time.perf_counter() - fit_started)
        best = int(np.argmax([row["val_auc"] for row in history])) + 1
        trees = plain_trees(grown, columns, best)
        trees.save(run.model_file)
        write_history(folder / "history.csv", history)
        write_json(folder / "training.json", _summary(config, trees, history, table, time.perf_counter() - started))
    return run


def fit(config: Config, matrix: Matrix, table: EventTable) -> HistGradientBoostingClassifier:
    """All iterations on the training split `matrix` `(events, columns)`, weighted as the loss of a network is.

    Source: Friedman, Ann. Statist. 29 (2001) 1189; histograms and leaf-wise growth as in LightGBM (Ke et al., NIPS
    2017).
    """
    settings, rows = config.model.boosted_trees, table.rows("train")
    grown = HistGradientBoostingClassifier(
        max_iter=settings.iterations,
        learning_rate=settings.learning_rate,
        max_leaf_nodes=settings.max_leaves,
        min_samples_leaf=settings.min_events_per_leaf,
        l2_regularization=settings.l2,
        early_stopping=False,  # it would split at random, parting events of one parton-level event
        random_state=config.seed,
    )
    return grown.fit(matrix, table.label[rows], sample_weight=table.weight[rows])


def plain_trees(grown: HistGradientBoostingClassifier, columns: tuple[str, ...], kept: int) -> BoostedTrees:
    """The first `kept` trees as arrays."""
    nodes = [tree.nodes for (tree,) in grown._predictors[:kept]]
    roots = np.cumsum([0, *(len(tree) for tree in nodes)])[:-1]
    whole = np.concatenate(nodes)
    first = np.repeat(roots, [len(tree) for tree in nodes])
    leaf, itself = whole["is_leaf"].astype(bool), np.arange(len(whole))
    return BoostedTrees(
        columns=columns,
        baseline=float(np.ravel(grown._baseline_prediction)[0]),
        roots=roots,
        feature=np.where(leaf, 0, whole["feature_idx"]).astype(np.int64),
        left=np.where(leaf, itself, whole["left"] + first),
        right=np.where(leaf, itself, whole["right"] + first),
        threshold=whole["num_threshold"].astype(np.float64),
        value=whole["value"].astype(np.float64),
    )


def _history(
    grown: HistGradientBoostingClassifier, parts: dict[str, Matrix], table: EventTable, seconds: float
) -> list[dict[str, float]]:
    """A row after every tree, with the columns that a network's `history.csv` has."""
    iterations = grown.n_iter_
    speed = {"events_per_second": len(parts["train"]) * iterations / seconds, "seconds": seconds / iterations}
    stages = zip(*(grown.staged_decision_function(parts[split]) for split in ("train", "validation")), strict=True)
    tables = {split: table.take(table.rows(split)) for split in parts}
    history = []
    for number, (train, validation) in enumerate(stages, start=1):
        loss, _ = _figures(train, tables["train"])
        val_loss, val_auc = _figures(validation, tables["validation"])
        history.append({"epoch": number, "loss": loss, "val_loss": val_loss, "val_auc": val_auc, **speed})
    return history


def _figures(decision: NDArray[np.float64], table: EventTable) -> tuple[float, float]:
    logit = decision.ravel()
    losses = np.logaddexp(0.0, np.where(table.label == 1, -logit, logit))
    return float(table.weight @ losses / table.weight.sum()), weighted_auc(logit, table.label, table.weight)


def _summary(
    config: Config, trees: BoostedTrees, history: list[dict[str, float]], table: EventTable, seconds: float
) -> dict[str, Any]:
    best = history[len(trees.roots) - 1]
    return {
        "network": config.model.name,
        "parameters": trees.leaves,
        "columns": list(trees.columns),
        "epochs_trained": len(history),
        "best_epoch": len(trees.roots),
        "best_validation_auc": best["val_auc"],
        "best_validation_loss": best["val_loss"],
        "seconds": seconds,
        "seconds_per_epoch": best["seconds"],
        "events_per_second": best["events_per_second"],
        "replicas": 1,
        "cpu_count": len(usable_cores()),
        "splits": table.census.split_counts(),
    }
