"""Asimov significance and asymptotic CLs limit of a counting experiment, in closed form.

Cowan, Cranmer, Gross, Vitells, Eur. Phys. J. C 71 (2011) 1554, arXiv:1007.1727 (CCGV); with an uncertain background:
Cowan, "Discovery sensitivity for a counting experiment with background uncertainty" (2012). An uncertain background is
one that an auxiliary Poisson count measures (on/off), m ~ Poisson(tau b) with tau = b / error^2.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq
from scipy.special import lambertw
from scipy.stats import norm

Floats = NDArray[np.float64]
BANDS = (-2, -1, 0, 1, 2)
"""Standard deviations of the background-only data at which an expected limit is quoted; 0 is the median."""


def asimov_significance(signal: ArrayLike, background: ArrayLike, background_error: ArrayLike = 0.0) -> Floats:
    """Median significance with which a signal would be discovered, in standard deviations; element by element.

    CCGV equation 97; with `background_error` (absolute, one standard deviation) the formula of Cowan (2012).

    Args:
        signal: expected events, >= 0. background: expected events, > 0. background_error: of the background.

    >>> f"{asimov_significance(10.0, 100.0):.4f} {asimov_significance(10.0, 100.0, 10.0):.4f}"
    '0.9840 0.6902'
    """
    s, b, error = np.broadcast_arrays(*(np.asarray(a, np.float64) for a in (signal, background, background_error)))
    known = 2.0 * b * _entropy(s / b)
    variance = np.where(error > 0, error, 1.0) ** 2
    total = b + variance
    # (s+b) ln[(s+b)(b+v) / (b^2+(s+b)v)] = -(s+b) ln[1 - s b / ((s+b)(b+v))]: no digits are lost for small s
    on = -(s + b) * np.log1p(-s * b / ((s + b) * total))
    uncertain = 2.0 * (on - b**2 / variance * np.log1p(variance * s / (b * total)))
    return np.sqrt(np.maximum(np.where(error > 0, uncertain, known), 0.0))


def combined_significance(signal: Floats, background: Floats, background_error: ArrayLike = 0.0) -> float:
    """Of independent bins `(bins,)`: their test statistics add."""
    return float(np.linalg.norm(asimov_significance(signal, background, background_error)))


def exclusion_root(bands: ArrayLike, confidence_level: float = 0.95) -> Floats:
    """Square root of q_mu on the background-only Asimov data at which the expected CLs is 1 - confidence level.

    CLs at N standard deviations is (1 - Phi(r - N)) / Phi(N), CCGV section 4.3; solved for r.
    """
    bands = np.asarray(bands, np.float64)
    return np.asarray(bands + norm.isf((1.0 - confidence_level) * norm.cdf(bands)), np.float64)


def expected_limit(background: float, background_error: float = 0.0, confidence_level: float = 0.95) -> Floats:
    """Upper limit on the number of signal events, CLs with q-tilde_mu, `(5,)` at `BANDS`, from background alone.

    For a known background 2 (x - b ln(1 + x / b)) = r^2 is solved by the branch W_-1 of Lambert's function; else the
    profile likelihood ratio of the on/off experiment, which is closed, is solved by bisection.

    Args:
        background: expected events, > 0. background_error: its standard deviation. confidence_level: of the limit.

    >>> expected_limit(100.0).round(2).tolist()
    [10.89, 14.79, 20.9, 29.81, 41.14]
    """
    roots = exclusion_root(BANDS, confidence_level)
    limits = np.array([background * _inverse(root**2 / (2.0 * background)) for root in roots])
    if background_error > 0.0:
        for band, root in enumerate(roots):
            limits[band] = _on_off_limit(background, background_error, float(root**2), limits[band])
    return limits


def _on_off_limit(background: float, error: float, wanted: float, known: float) -> float:
    """Signal at which `_on_off_statistic` has the wanted value; not below that of a known background."""

    def excess(signal: float) -> float:
        return _on_off_statistic(signal, background, error) - wanted

    high = 2.0 * known
    while excess(high) < 0.0:
        high *= 2.0
    return float(brentq(excess, 0.5 * known, high, rtol=1e-10))


def _on_off_statistic(signal: float, background: float, error: float) -> float:
    """q_mu of data n = b, m = tau b for a signal of this size: -2 ln of the profile likelihood ratio, best fit at 0.

    The background that fits best is b + d with (1 + tau) d^2 + (1 + tau) (b + s) d + s b = 0.
    """
    tau = background / error**2
    both = background + signal
    root = np.sqrt(both**2 - 4.0 * signal * background / (1.0 + tau))
    shift = -2.0 * signal * background / ((1.0 + tau) * (both + root))
    on, off = _excess((signal + shift) / background), _excess(shift / background)
    return float(2.0 * background * (on + tau * off))


def _excess(x: float) -> float:
    """x - ln(1 + x), by its series where digits would be lost."""
    return float(x**2 / 2.0 - x**3 / 3.0 + x**4 / 4.0 - x**5 / 5.0 if abs(x) < 1e-3 else x - np.log1p(x))


def _entropy(x: Floats) -> Floats:
    """(1 + x) ln(1 + x) - x for x >= 0; by its series where digits would be lost."""
    series = x**2 / 2.0 - x**3 / 6.0 + x**4 / 12.0 - x**5 / 20.0
    return np.where(x < 1e-3, series, (1.0 + x) * np.log1p(x) - x)


def _inverse(c: float) -> float:
    """The y > 0 with y - ln(1 + y) = c."""
    y = float(-lambertw(-np.exp(-1.0 - c), k=-1).real - 1.0)
    if not (np.isfinite(y) and y > 1e-2):  # near the branch point the function loses half of its digits
        y = float(np.sqrt(2.0 * c) + 2.0 * c / 3.0)
        for _ in range(3):
            y -= (_excess(y) - c) * (1.0 + y) / y
    return y
