"""Error of an AUC and of a difference of two, without resampling: a check of the bootstrap on unweighted events.

DeLong, DeLong, Clarke-Pearson, Biometrics 44 (1988) 837; by mid-ranks in O(n log n): Sun, Xu, IEEE Signal Processing
Letters 21 (2014) 1389. It holds for independent events of equal weight, ties counted by halves.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Difference:
    """AUC of the first less that of the second score on the same events.

    Attributes:
        value, error: of the difference. correlation: of the two estimates.
        p_value: of a difference at least so great if there is none, two-sided.
    """

    value: float
    error: float
    correlation: float
    p_value: float


def placements(score: NDArray[np.floating], label: NDArray[np.integer]) -> tuple[Floats, Floats]:
    """For each signal event the share of background below it, for each background event that of signal above it.

    Ties count one half; the mean of either is the AUC.

    Args:
        score: `(n,)`. label: `(n,)`, 1 or 0.

    Raises:
        ValueError: a class has fewer than two events.
    """
    signal, background = score[label == 1], score[label == 0]
    for value, events in ((1, signal), (0, background)):
        if len(events) < 2:
            raise ValueError(f"class {value} has {len(events)} event(s), but a variance needs two")
    ranks = stats.rankdata(np.concatenate([signal, background]))
    below = (ranks[: len(signal)] - stats.rankdata(signal)) / len(background)
    above = 1.0 - (ranks[len(signal) :] - stats.rankdata(background)) / len(signal)
    return below, above


def covariance(scores: list[NDArray[np.floating]], label: NDArray[np.integer]) -> tuple[Floats, Floats]:
    """AUC `(k,)` of k scores of the same events, and their covariance `(k, k)`: equations 4 to 6 of DeLong et al."""
    parts = [placements(score, label) for score in scores]
    below, above = (np.stack(columns) for columns in zip(*parts, strict=True))
    total = np.cov(below) / below.shape[1] + np.cov(above) / above.shape[1]
    return below.mean(axis=1), np.atleast_2d(total)


def auc_error(score: NDArray[np.floating], label: NDArray[np.integer]) -> float:
    """Standard error of one AUC."""
    return float(np.sqrt(covariance([score], label)[1][0, 0]))


def auc_difference(first: NDArray[np.floating], second: NDArray[np.floating], label: NDArray[np.integer]) -> Difference:
    """Difference of two AUCs on the same events, with the error that their common events leave."""
    auc, total = covariance([first, second], label)
    value = float(auc[0] - auc[1])
    variance = float(total[0, 0] + total[1, 1] - 2 * total[0, 1])
    alone = float(np.sqrt(total[0, 0] * total[1, 1]))
    # Below the rounding of the sums the variance says nothing: of the same order of events it is zero.
    error = float(np.sqrt(variance)) if variance > 1e-12 * (total[0, 0] + total[1, 1]) else 0.0
    probability = float(2 * stats.norm.sf(abs(value) / error)) if error > 0 else 1.0
    return Difference(value, error, float(total[0, 1]) / alone if alone > 0 else 1.0, probability)
