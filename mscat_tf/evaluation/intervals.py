"""Confidence intervals of an efficiency, from counts or from weights.

Wilson's score interval is what errors are quoted with: its coverage oscillates about the nominal 68 %, and it is sound
down to no event at all. The exact one of Clopper and Pearson never covers less than nominal, so at 68 % it covers up
to 80 % and more for few events: errors that are too long (Brown, Cai, DasGupta, Stat. Sci. 16 (2001) 101). It is right
for limits, where too little coverage would be a false promise.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

Floats = NDArray[np.float64]

ONE_SIGMA = float(stats.chi2.cdf(1.0, 1))
"""Probability of a Gaussian within one standard deviation, 0.6827."""


def wilson(share: ArrayLike, trials: ArrayLike, confidence: float = ONE_SIGMA) -> tuple[Floats, Floats]:
    """Lower and upper end of Wilson's interval (E. B. Wilson, J. Am. Stat. Assoc. 22 (1927) 209).

    Args:
        share: that passes, in [0, 1], any shape. trials: number of events, effective numbers allowed; 0 gives (0, 1).
        confidence: two-sided.
    """
    share, trials = np.broadcast_arrays(np.asarray(share, np.float64), np.asarray(trials, np.float64))
    z2 = stats.chi2.ppf(confidence, 1)
    centre, denominator = trials * share + z2 / 2, trials + z2
    width = np.sqrt(z2 * (trials * share * (1 - share) + z2 / 4))
    return np.clip((centre - width) / denominator, 0.0, share), np.clip((centre + width) / denominator, share, 1.0)


def clopper_pearson(passed: ArrayLike, trials: ArrayLike, confidence: float = ONE_SIGMA) -> tuple[Floats, Floats]:
    """Lower and upper end of the exact interval (Clopper, Pearson, Biometrika 26 (1934) 404), by the beta distribution.

    Args:
        passed, trials: numbers of events. confidence: two-sided; for a limit at 95 % give 0.9 and take one end.
    """
    passed, trials = np.broadcast_arrays(np.asarray(passed, np.float64), np.asarray(trials, np.float64))
    tail = (1 - confidence) / 2
    lower = stats.beta.ppf(tail, passed, trials - passed + 1)  # NaN for none, as the other is for every one
    upper = stats.beta.isf(tail, passed + 1, trials - passed)
    return np.where(passed <= 0, 0.0, lower), np.where(passed >= trials, 1.0, upper)


def trials_of_weights(weight: Floats, passed: NDArray[np.bool_]) -> float:
    """Number of unweighted events whose share would scatter as the weighted share of `passed` does.

    From the variance of a ratio of weighted sums, ((1-p)^2 sum_passed w^2 + p^2 sum_failed w^2) / (sum w)^2, set equal
    to p (1-p) / N; without weights it is the number of events. Where all or none passed: (sum w)^2 / sum w^2.
    """
    total, square_pass, square_fail = weight.sum(), np.sum(weight[passed] ** 2), np.sum(weight[~passed] ** 2)
    share = weight[passed].sum() / total
    variance = (1 - share) ** 2 * square_pass + share**2 * square_fail
    if variance == 0:
        return float(total**2 / (square_pass + square_fail))
    return float(share * (1 - share) * total**2 / variance)
