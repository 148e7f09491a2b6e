"""What a difference with an error from few trainings is worth, and what many comparisons do to it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

TWO_SIGMA, THREE_SIGMA = (float(2 * stats.norm.sf(z)) for z in (2.0, 3.0))
"""Two-sided probabilities of a Gaussian beyond two and three standard deviations."""


@dataclass(frozen=True)
class Part:
    """One independent contribution to an error.

    Attributes:
        error: standard error. degrees_of_freedom: with which it is known; infinite where it is known well.
    """

    error: float
    degrees_of_freedom: float = math.inf


@dataclass(frozen=True)
class Significance:
    """A difference against its error.

    Attributes:
        difference, error: of it. standard_errors: their ratio.
        degrees_of_freedom: of the error. p_value: of a difference at least so great if there is none, two-sided, by
            Student's t.
    """

    difference: float
    error: float
    standard_errors: float
    degrees_of_freedom: float
    p_value: float


def significance(difference: float, parts: Sequence[Part]) -> Significance:
    """Test of no difference, errors added in quadrature.

    A spread of two or five trainings is itself uncertain; the degrees of freedom of the sum are those of Welch
    (Biometrika 34 (1947) 28) and Satterthwaite: (sum v)^2 / sum (v^2 / nu) with v = error^2.
    """
    variances = [part.error**2 for part in parts]
    error = math.sqrt(sum(variances))
    if error == 0:
        return Significance(difference, 0.0, 0.0, math.inf, 1.0)
    uncertain = sum(v**2 / part.degrees_of_freedom for v, part in zip(variances, parts, strict=True))
    freedom = error**4 / uncertain if uncertain > 0 else math.inf
    pull = difference / error
    p_value = float(2 * (stats.t.sf(abs(pull), freedom) if math.isfinite(freedom) else stats.norm.sf(abs(pull))))
    return Significance(difference, error, pull, freedom, p_value)


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted p-values: whoever claims those below a has a chance of at most a of one wrong claim among all.

    Holm, Scand. J. Stat. 6 (1979) 65: of m sorted p-values the i-th (from 0) is multiplied by m - i, and none may be
    less than the one before; it holds for any dependence of the comparisons.

    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    p, order = np.asarray(p_values, np.float64), np.argsort(p_values, kind="stable")
    scaled = np.maximum.accumulate((len(p) - np.arange(len(p))) * p[order])
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(scaled, 1.0)
    return [float(value) for value in adjusted]


def beyond(difference: float, low: float, high: float, error: float) -> float:
    """Standard errors by which a difference lies outside a quoted interval; 0 inside, below it negative.

    Infinitely many where there is no error, as of two rows that gave the same scores.
    """
    outside = min(difference - low, 0.0) + max(difference - high, 0.0)
    if outside == 0:
        return 0.0
    return outside / error if error > 0 else math.copysign(math.inf, outside)
