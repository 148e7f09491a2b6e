"""Closed forms against the likelihood itself, maximised by a general minimiser, and their Gaussian limits."""

import numpy as np
import pytest
from scipy.optimize import brentq, minimize_scalar
from scipy.stats import norm, poisson

from mscat_tf.reach.closed_forms import (
    BANDS,
    asimov_significance,
    combined_significance,
    exclusion_root,
    expected_limit,
)

YIELDS = [(3.0, 0.7, 0.3), (10.0, 25.0, 4.0), (40.0, 1000.0, 100.0), (500.0, 3.0e5, 3000.0)]


def log_poisson(n, mean):
    """Up to a constant in n, which need not be whole in Asimov data."""
    return n * np.log(mean) - mean


def profiled(n, m, tau, signal):
    """Greatest ln L of an on/off experiment for a signal, over the background."""

    def minus(log_background):
        background = np.exp(log_background)
        return -log_poisson(n, signal + background) - log_poisson(m, tau * background)

    start = np.log(m / tau)
    return -minimize_scalar(minus, bounds=(start - 5, start + 5), method="bounded", options={"xatol": 1e-12}).fun


@pytest.mark.parametrize(("signal", "background", "error"), YIELDS)
def test_significance_is_the_likelihood_ratio(signal, background, error):
    tau = background / error**2
    n, m = signal + background, tau * background
    known = 2 * (log_poisson(n, n) - log_poisson(n, background))
    assert asimov_significance(signal, background) ** 2 == pytest.approx(known, rel=1e-6)
    best = log_poisson(n, n) + log_poisson(m, m)
    ratio = 2 * (best - profiled(n, m, tau, 0.0))
    assert asimov_significance(signal, background, error) ** 2 == pytest.approx(ratio, rel=1e-5)


def test_small_signals_have_the_textbook_significance():
    background = np.array([1.0, 1e2, 1e6])
    signal = 1e-6 * background
    np.testing.assert_allclose(asimov_significance(signal, background), signal / np.sqrt(background), rtol=1e-5)
    error = 0.1 * background
    textbook = signal / np.sqrt(background + error**2)
    np.testing.assert_allclose(asimov_significance(signal, background, error), textbook, rtol=1e-4)
    assert asimov_significance(0.0, 5.0, 1.0) == 0.0


def test_bins_add_in_quadrature():
    one = asimov_significance(8.0, 30.0)
    assert combined_significance(np.full(4, 8.0), np.full(4, 30.0)) == pytest.approx(2 * one)


def test_an_error_that_vanishes_changes_nothing():
    assert asimov_significance(10.0, 100.0, 1e-5) == pytest.approx(asimov_significance(10.0, 100.0), rel=1e-6)
    np.testing.assert_allclose(expected_limit(100.0, 1e-4), expected_limit(100.0), rtol=1e-6)


@pytest.mark.parametrize("background", [0.5, 7.0, 300.0, 1e6, 1e10])
def test_limit_has_a_cls_of_five_percent(background):
    """The definition: CLs = p_mu / (1 - p_b) for data N standard deviations from the background."""
    for band, limit in zip(BANDS, expected_limit(background), strict=True):
        ratio = limit / background
        # the difference of two close numbers, by its series where that is needed
        entropy = ratio - np.log1p(ratio) if ratio > 1e-3 else ratio**2 / 2 - ratio**3 / 3 + ratio**4 / 4
        root = np.sqrt(2 * background * entropy)
        assert norm.sf(root - band) / norm.cdf(band) == pytest.approx(0.05, rel=1e-4)


@pytest.mark.parametrize(("_", "background", "error"), YIELDS)
def test_limit_with_an_uncertain_background(_, background, error):
    tau = background / error**2
    m = tau * background
    best = log_poisson(background, background) + log_poisson(m, m)
    for root, limit in zip(exclusion_root(BANDS), expected_limit(background, error), strict=True):
        ratio = 2 * (best - profiled(background, m, tau, limit))
        assert np.sqrt(ratio) == pytest.approx(root, rel=1e-4)


def test_median_limit_is_near_that_of_exact_cls():
    """Asymptotic against exact CLs for 100 observed on 100 expected; they differ by less than three percent."""
    exact = brentq(lambda s: poisson.cdf(100, 100 + s) / poisson.cdf(100, 100) - 0.05, 1, 100)
    assert expected_limit(100.0)[BANDS.index(0)] == pytest.approx(exact, rel=0.03)
