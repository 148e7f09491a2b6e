"""Metrics of a run's test split: overall and against each background, each with its error and effective events."""

from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mscat_tf.config import EvaluationSettings
from mscat_tf.data.events import EventTable, balanced, effective_events
from mscat_tf.evaluation.bootstrap import bootstrap
from mscat_tf.evaluation.metrics import rejection, weighted_auc
from mscat_tf.evaluation.scores import Scores

ALL = "all backgrounds"


def evaluate_scores(scores: Scores, settings: EvaluationSettings, seed: int, shuffled_labels: bool) -> dict[str, Any]:
    """`metrics.json`: for all backgrounds together and each alone: AUC, rejections, number of events.

    With shuffled labels a process says nothing about the label, so only the overall figures are given.
    """
    metrics: dict[str, Any] = {"events": len(scores)}
    for name, chosen in selections(scores, shuffled_labels).items():
        metrics[name] = _against(scores, chosen, settings, seed)
    return metrics


def selections(scores: Scores, shuffled_labels: bool) -> dict[str, NDArray[np.bool_]]:
    """Which events stand for all backgrounds together, and for each alone: signal and that background, `(n,)`."""
    found = {ALL: np.ones(len(scores), dtype=bool)}
    if not shuffled_labels:
        for index, name in enumerate(scores.processes):
            if scores.process_labels[index] == 0:
                found[name] = (scores.label == 1) | (scores.process == index)
    return found


def _against(scores: Scores, chosen: NDArray[np.bool_], settings: EvaluationSettings, seed: int) -> dict[str, Any]:
    label, logit = scores.label[chosen], scores.logit[chosen]
    weight = balanced(scores.weight[chosen], label)
    resample = (weight, scores.group_id[chosen], scores.process[chosen], settings.bootstrap_replicas, seed)
    result: dict[str, Any] = {
        "auc": asdict(bootstrap(lambda w: weighted_auc(logit, label, w), *resample)),
        "events": {"signal": int(np.sum(label == 1)), "background": int(np.sum(label == 0))},
        "effective_events": {
            "signal": effective_events(weight[label == 1]),
            "background": effective_events(weight[label == 0]),
        },
        "rejection": {},
    }
    for efficiency in settings.signal_efficiencies:
        at = rejection(logit, label, weight, efficiency)
        error = bootstrap(lambda w, e=efficiency: rejection(logit, label, w, e).value, *resample).error  # type: ignore[misc]
        limit_only = at.effective_background < settings.min_effective_background
        result["rejection"][f"{efficiency:g}"] = {**asdict(at), "error": error, "quote_lower_limit": limit_only}
    return result


def yields(table: EventTable, luminosity_fb: float) -> dict[str, Any]:
    """Expected selected and tagged events of each process at the luminosity [1/fb], from all splits, before a cut.

    The error is the statistical one of the simulated sample.
    """
    rows = {}
    for index, name in enumerate(table.processes):
        weight = table.weight_fb[table.process == index] * luminosity_fb
        rows[name] = {
            "expected": float(weight.sum()),
            "error": float(np.sqrt(np.sum(weight**2))),
            "effective_events": effective_events(weight),
        }
    return rows


def compare_auc(first: Scores, second: Scores, replicas: int, seed: int) -> dict[str, float]:
    """Difference of AUC (first - second) with its error from paired resampling of the same events.

    Raises:
        ValueError: the runs were tested on different events.
    """
    if not np.array_equal(first.event_id, second.event_id):
        raise ValueError("the runs were tested on different events")
    label = first.label

    def difference(weight: NDArray[np.float64]) -> float:
        return weighted_auc(first.logit, label, weight) - weighted_auc(second.logit, label, weight)

    estimate = bootstrap(difference, first.weight, first.group_id, first.process, replicas, seed)
    pull = estimate.value / estimate.error if estimate.error > 0 else 0.0
    return {"difference": estimate.value, "error": estimate.error, "standard_errors": pull}
