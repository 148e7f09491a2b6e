"""Accuracy and calibration of a score that is meant as a probability, as they stand in `metrics.json`."""

from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mscat_tf.data.events import effective_events
from mscat_tf.evaluation.calibration import (
    Reliability,
    fit_temperature,
    log_loss,
    logit_of,
    probability_of,
    reliability,
)
from mscat_tf.evaluation.metrics import accuracy
from mscat_tf.evaluation.scores import Scores


def accuracy_of(scores: Scores) -> dict[str, float] | None:
    """Accuracy at a threshold of 0.5 with its binomial error; None if the score is no probability."""
    if not is_probability(scores.score):
        return None
    value = accuracy(scores.score, scores.label, scores.weight)
    return {"value": value, "error": float(np.sqrt(value * (1 - value) / effective_events(scores.weight)))}


def calibration_of(scores: Scores, validation: Scores | None) -> dict[str, Any] | None:
    """Reliability diagram, calibration error, log loss; with `validation` also after temperature scaling.

    None if the score is no probability. The temperature is None, and `reason` says why, where none can be fitted.
    """
    if not is_probability(scores.score):
        return None
    logit, label, weight = logit_of(scores.score), scores.label, scores.weight
    result: dict[str, Any] = {
        **_diagram(reliability(scores.score, label, weight)),
        "log_loss": log_loss(logit, label, weight),
    }
    if validation is None:
        return {**result, "temperature": None, "reason": "no validation events"}
    try:
        fit = fit_temperature(logit_of(validation.score), validation.label, validation.weight)
    except ValueError as error:
        return {**result, "temperature": None, "reason": str(error)}
    scaled = logit / fit.value
    after = _diagram(reliability(probability_of(scaled), label, weight))
    return {**result, "temperature": asdict(fit), "scaled": {**after, "log_loss": log_loss(scaled, label, weight)}}


def is_probability(score: NDArray[np.floating]) -> bool:
    """Whether every value lies in [0, 1]."""
    return bool(np.all((score >= 0) & (score <= 1)))


def _diagram(found: Reliability) -> dict[str, Any]:
    """Numbers of the filled bins, and the error over all."""
    filled = np.flatnonzero(found.share > 0)
    columns = ("predicted", "observed", "low", "high", "share", "events")
    return {
        "expected_calibration_error": found.error,
        "expected_if_calibrated": found.error_if_calibrated,
        "bins": {
            "from": found.edges[filled].tolist(),
            "to": found.edges[filled + 1].tolist(),
            **{name: getattr(found, name)[filled].tolist() for name in columns},
        },
    }
