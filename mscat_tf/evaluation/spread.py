"""How much figures differ between trainings that differ in their seed alone."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Spread:
    """Figures of several trainings.

    Attributes:
        mean: of the finite values. error: of the mean, `standard_deviation / sqrt(n)`.
        standard_deviation: over the trainings, with n - 1; NaN below two of them.
        standard_deviation_error: of `standard_deviation`, if the figures scatter as a Gaussian.
        least, greatest: of the finite values.
        values: of every training, in the order of the seeds.
    """

    mean: float
    error: float
    standard_deviation: float
    standard_deviation_error: float
    least: float
    greatest: float
    values: tuple[float, ...]

    def __str__(self) -> str:
        return f"{self.mean:.4f} ± {self.standard_deviation:.4f}"


def spread(values: Sequence[float]) -> Spread:
    """Mean and spread; values that are not finite (a rejection without background) are left out of both.

    Source: the variance of the sample variance of a Gaussian is 2 sigma^4 / (n - 1) (PDG, Review of Particle Physics,
    chapter "Statistics", estimators for mean and variance), so that of its root is sigma^2 / (2 (n - 1)).
    """
    finite = np.array([value for value in values if np.isfinite(value)], dtype=np.float64)
    n, nan = len(finite), float("nan")
    deviation = float(np.std(finite, ddof=1)) if n > 1 else nan
    return Spread(
        mean=float(np.mean(finite)) if n else nan,
        error=deviation / np.sqrt(n) if n > 1 else nan,
        standard_deviation=deviation,
        standard_deviation_error=deviation / np.sqrt(2 * (n - 1)) if n > 1 else nan,
        least=float(finite.min()) if n else nan,
        greatest=float(finite.max()) if n else nan,
        values=tuple(float(value) for value in values),
    )
