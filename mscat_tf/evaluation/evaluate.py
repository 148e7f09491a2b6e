"""Metrics of a run's test split: overall and against each background, each with its error and effective events."""

from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mscat_tf.config import EvaluationSettings
from mscat_tf.data.events import EventTable, balanced, effective_events
from mscat_tf.evaluation.bootstrap import Replicas, bootstrap, resample
from mscat_tf.evaluation.delong import auc_difference, auc_error
from mscat_tf.evaluation.intervals import ONE_SIGMA
from mscat_tf.evaluation.metrics import RankedScores, rejection
from mscat_tf.evaluation.quality import accuracy_of, calibration_of
from mscat_tf.evaluation.scores import Scores
from mscat_tf.run_metrics import ALL

Floats = NDArray[np.float64]

CURVE = np.linspace(0.01, 0.99, 99)
"""Signal efficiencies at which the curve is written, with its band."""


def evaluate_scores(
    scores: Scores,
    settings: EvaluationSettings,
    seed: int,
    shuffled_labels: bool,
    validation: Scores | None = None,
) -> dict[str, Any]:
    """`metrics.json`: for all backgrounds together and each alone: AUC, rejections, curve, number of events.

    Accuracy and calibration are those of the score as a probability, under the events' own weights. With shuffled
    labels a process says nothing about the label, so only the overall figures are given.

    Args:
        scores: test events. settings, seed: of the errors. shuffled_labels: of the training.
        validation: other events, on which the temperature is fitted.
    """
    metrics: dict[str, Any] = {"events": len(scores)}
    metrics["accuracy"] = accuracy_of(scores)
    metrics["calibration"] = calibration_of(scores, validation)
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
    label, logit, group = scores.label[chosen], scores.logit[chosen], scores.group_id[chosen]
    weight = balanced(scores.weight[chosen], label)
    points = np.asarray(settings.signal_efficiencies, dtype=np.float64)
    ranked, grid = RankedScores(logit, label), np.append(points, CURVE)

    def figures(w: Floats) -> Floats:
        curve = ranked.roc(w)
        return np.append(curve.auc, curve.background_efficiencies_at(grid))

    replicas = resample(figures, weight, group, scores.process[chosen], settings.bootstrap_replicas, seed)
    comparable = independent_and_alike(weight, label, group)
    return {
        "auc": {**asdict(replicas.estimate(0)), "delong_error": auc_error(logit, label) if comparable else None},
        "events": {"signal": int(np.sum(label == 1)), "background": int(np.sum(label == 0))},
        "effective_events": {
            "signal": effective_events(weight[label == 1]),
            "background": effective_events(weight[label == 0]),
        },
        "rejection": {
            f"{efficiency:g}": _rejection(logit, label, weight, efficiency, replicas.resampled[:, 1 + index], settings)
            for index, efficiency in enumerate(settings.signal_efficiencies)
        },
        "roc": {
            **_curve(replicas, slice(1 + len(points), None)),
            "effective_background": ranked.roc(weight).effective_background_at(CURVE).tolist(),
        },
    }


def _rejection(
    logit: NDArray[np.floating],
    label: NDArray[np.int32],
    weight: Floats,
    efficiency: float,
    resampled: Floats,
    settings: EvaluationSettings,
) -> dict[str, Any]:
    at = rejection(logit, label, weight, efficiency)
    finite = 1 / resampled[resampled > 0]
    return {
        **asdict(at),
        "error": float(np.std(finite, ddof=1)) if len(finite) > 1 else float("nan"),
        "quote_lower_limit": at.effective_background < settings.min_effective_background,
    }


def _curve(replicas: Replicas, columns: slice) -> dict[str, Any]:
    """Background efficiency with the 68 % band of the resamplings, which moves the cuts too."""
    low, high = replicas.band(columns, ONE_SIGMA)
    return {
        "signal_efficiency": CURVE.round(2).tolist(),
        "background_efficiency": replicas.value[columns].tolist(),
        "low": low.tolist(),
        "high": high.tolist(),
    }


def independent_and_alike(weight: Floats, label: NDArray[np.int32], group_id: NDArray[np.uint64]) -> bool:
    """Whether DeLong's formula holds: one weight within each class, at least two events, no two of one parton event."""
    alike = all(np.ptp(weight[label == value]) <= 1e-6 * np.max(weight[label == value]) for value in (0, 1))
    enough = min(np.sum(label == 0), np.sum(label == 1)) > 1
    return bool(alike and enough and len(np.unique(group_id)) == len(group_id))


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


def compare_auc(first: Scores, second: Scores, replicas: int, seed: int) -> dict[str, Any]:
    """Difference of AUC (first - second) with its error from paired resampling of the same events.

    Beside it stand the error and the two-sided probability after DeLong; None where events are weighted or related.

    Raises:
        ValueError: the runs were tested on different events.
    """
    if not np.array_equal(first.event_id, second.event_id) or not np.array_equal(first.label, second.label):
        raise ValueError("the runs were tested on different events")
    label = first.label
    one, other = RankedScores(first.logit, label), RankedScores(second.logit, label)

    def difference(weight: Floats) -> float:
        return one.roc(weight).auc - other.roc(weight).auc

    estimate = bootstrap(difference, first.weight, first.group_id, first.process, replicas, seed)
    pull = estimate.value / estimate.error if estimate.error > 0 else 0.0
    comparable = independent_and_alike(first.weight, label, first.group_id)
    delong = auc_difference(first.logit, second.logit, label) if comparable else None
    return {
        "difference": estimate.value,
        "error": estimate.error,
        "standard_errors": pull,
        "delong_error": delong.error if delong else None,
        "delong_p_value": delong.p_value if delong else None,
    }
