"""Does a score of 0.8 mean signal in eight of ten events? Reliability, and the one number that often mends it.

Guo, Pleiss, Sun, Weinberger, arXiv:1706.04599: expected calibration error over bins of equal width, temperature
scaling fitted on validation events. A score is a probability for the mixture of classes that its weights stand for.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

from mscat_tf.evaluation.intervals import trials_of_weights, wilson

Floats = NDArray[np.float64]

BINS = 15
"""Of equal width in [0, 1], as in arXiv:1706.04599."""

RESOLUTION = 2.0**-24
"""Probabilities nearer to 0 or 1 than a float32 can tell from 1 are taken to lie there, so that logits are finite."""

LARGEST_CHANGE = 1e3
"""Temperatures beyond this factor are no calibration: the likelihood has no maximum in between."""


@dataclass(frozen=True)
class Reliability:
    """Observed share of signal against the predicted one.

    Attributes:
        edges: `(bins + 1,)`. predicted, observed: `(bins,)`, weighted mean score and share of signal; NaN in
            empty bins.
        low, high: `(bins,)`, Wilson interval of `observed` at 68 %, from effective events.
        share: `(bins,)`, of the summed weights. events: `(bins,)`, number without weights.
        error: expected calibration error, sum of share x |observed - predicted|.
        error_if_calibrated: what it would be on average for a perfectly calibrated score with these events.
    """

    edges: Floats
    predicted: Floats
    observed: Floats
    low: Floats
    high: Floats
    share: Floats
    events: NDArray[np.int64]
    error: float
    error_if_calibrated: float


@dataclass(frozen=True)
class Temperature:
    """Logits divided by `value` have the greatest likelihood.

    Attributes:
        value, error: the error holds for weighted events too ("sandwich": H^-1 V H^-1).
        log_loss_before, log_loss_after: weighted mean on the events of the fit.
    """

    value: float
    error: float
    log_loss_before: float
    log_loss_after: float


def probability_of(logit: NDArray[np.floating]) -> Floats:
    """The sigmoid, without overflow."""
    return np.exp(-np.logaddexp(0.0, -np.asarray(logit, np.float64)))


def logit_of(probability: NDArray[np.floating]) -> Floats:
    """Its inverse, finite for 0 and 1 too."""
    clipped = np.clip(np.asarray(probability, np.float64), RESOLUTION, 1 - RESOLUTION)
    return np.log(clipped) - np.log1p(-clipped)


def log_loss(logit: NDArray[np.floating], label: NDArray[np.integer], weight: Floats) -> float:
    """Weighted mean of -log(probability of the true class)."""
    return float(weight @ np.logaddexp(0.0, np.where(label == 1, -logit, logit)) / weight.sum())


def reliability(
    probability: NDArray[np.floating], label: NDArray[np.integer], weight: Floats, bins: int = BINS
) -> Reliability:
    """Reliability diagram in bins of equal width.

    Args:
        probability: `(n,)` in [0, 1]. label: `(n,)`. weight: `(n,)`, not negative.
    """
    probability = np.asarray(probability, np.float64)
    edges, total = np.linspace(0.0, 1.0, bins + 1), weight.sum()
    place = np.clip((probability * bins).astype(np.int64), 0, bins - 1)
    content = np.bincount(place, weight, bins)
    filled = np.maximum(content, np.finfo(float).tiny)
    predicted = np.where(content > 0, np.bincount(place, weight * probability, bins) / filled, np.nan)
    observed = np.where(content > 0, np.bincount(place, weight * (label == 1), bins) / filled, np.nan)
    inside = [place == index for index in range(bins)]
    trials = [trials_of_weights(weight[i], label[i] == 1) if content[k] > 0 else 0.0 for k, i in enumerate(inside)]
    low, high = wilson(observed, trials)
    chance = np.sqrt(np.bincount(place, weight**2 * probability * (1 - probability), bins)) / total
    return Reliability(
        edges, predicted, observed, low, high, content / total, np.bincount(place[weight > 0], minlength=bins),
        error=float(np.nansum(content / total * np.abs(observed - predicted))),
        error_if_calibrated=float(np.sqrt(2 / np.pi) * chance.sum()),  # mean of |x| of a Gaussian of this width
    )  # fmt: skip


def fit_temperature(logit: NDArray[np.floating], label: NDArray[np.integer], weight: Floats) -> Temperature:
    """Temperature of greatest weighted likelihood, to be fitted on other events than it is judged on.

    The log loss is convex in b = 1 / temperature, so a zero of its slope is the only minimum.

    Raises:
        ValueError: there is none: the classes are separated, or the logit knows nothing or the opposite.
    """
    logit = np.asarray(logit, np.float64)

    def slope(b: float) -> float:
        return float((weight * logit) @ (probability_of(b * logit) - label) / weight.sum())

    least, most = 1 / LARGEST_CHANGE, LARGEST_CHANGE
    if not slope(least) < 0 < slope(most):
        raise ValueError("no temperature between 0.001 and 1000 has a maximum of the likelihood")
    inverse = float(np.exp(optimize.brentq(lambda log: slope(np.exp(log)), np.log(least), np.log(most), xtol=1e-12)))
    p = probability_of(inverse * logit)
    curvature = float(weight @ (logit**2 * p * (1 - p)))
    scatter = float(np.sqrt(np.sum((weight * logit * (p - label)) ** 2))) / curvature
    return Temperature(
        value=1 / inverse,
        error=scatter / inverse**2,
        log_loss_before=log_loss(logit, label, weight),
        log_loss_after=log_loss(inverse * logit, label, weight),
    )
