"""Binomial intervals against scipy, their coverage summed exactly, and weights against toys."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy.stats import binom, binomtest, norm

from mscat_tf.evaluation.bootstrap import resample
from mscat_tf.evaluation.intervals import ONE_SIGMA, clopper_pearson, trials_of_weights, wilson
from mscat_tf.evaluation.metrics import RankedScores, rejection


@given(st.integers(1, 500), st.floats(0, 1), st.sampled_from([ONE_SIGMA, 0.9, 0.95]))
@example(1, 0.0, 0.9)
@example(1, 1.0, 0.9)
@example(7, 1 / 7, 0.95)
@example(7, 6 / 7, 0.95)
@example(7, 0.0, ONE_SIGMA)
@example(7, 1.0, ONE_SIGMA)
def test_both_are_scipys(trials, share, confidence):
    passed = round(share * trials)
    test = binomtest(passed, trials)
    for method, found in (
        ("wilson", wilson(passed / trials, trials, confidence)),
        ("exact", clopper_pearson(passed, trials, confidence)),
    ):
        expected = test.proportion_ci(confidence, method)
        assert [float(end) for end in found] == pytest.approx([expected.low, expected.high], abs=1e-9)


def test_coverage_of_both_summed_over_all_outcomes():
    """No toys: probability of every count. Wilson's is nominal on average, the exact one never below."""
    trials = 300
    passed = np.arange(trials + 1)
    shares = np.linspace(0.02, 0.5, 200)
    probability = binom.pmf(passed, trials, shares[:, None])
    mean = {}
    for name, (low, high) in (
        ("wilson", wilson(passed / trials, trials)),
        ("exact", clopper_pearson(passed, trials)),
    ):
        covered = (low <= shares[:, None]) & (shares[:, None] <= high)
        mean[name] = (probability * covered).sum(axis=1)
    assert mean["wilson"].mean() == pytest.approx(ONE_SIGMA, abs=0.01)
    assert mean["exact"].min() >= ONE_SIGMA
    assert mean["exact"].mean() > 0.71


@pytest.mark.parametrize("confidence", [0.0, 1e-9, ONE_SIGMA, 0.999])
def test_rounding_leads_neither_past_the_share_nor_out_of_zero_to_one(confidence):
    rng = np.random.default_rng(4)
    trials = rng.integers(1, 1000, 2000)
    share = np.concatenate([np.zeros(500), np.ones(500), rng.random(1000)])
    low, high = wilson(share, trials, confidence)
    assert np.all((low >= 0) & (low <= share) & (share <= high) & (high <= 1))


def test_intervals_are_computed_in_double_precision():
    share, trials = np.float32(0.3), np.float32(7)
    for single, double in (
        (wilson(share, trials), wilson(float(share), float(trials))),
        (clopper_pearson(np.float32(2), trials), clopper_pearson(2, 7)),
    ):
        np.testing.assert_array_equal(single, double)


def test_no_trial_says_nothing():
    assert [float(end) for end in wilson(0.3, 0)] == [0.0, 1.0]


@pytest.mark.parametrize("width", [0.0, 0.4, 0.8])
def test_weights_count_as_many_events_as_their_share_scatters(width):
    """4000 toys of 200 events with log-normal weights, those that pass twice as heavy: variance known to 2.2 %."""
    rng = np.random.default_rng(3)
    passed = rng.random((4000, 200)) < 0.3
    weight = np.exp(rng.normal(0, width, passed.shape)) * np.where(passed, 2.0 if width else 1.0, 1.0)
    share = (weight * passed).sum(1) / weight.sum(1)
    trials = np.array([trials_of_weights(w, p) for w, p in zip(weight[:500], passed[:500], strict=True)])
    expected = np.mean(share[:500] * (1 - share[:500]) / trials)
    assert expected == pytest.approx(share.var(), rel=0.1)
    if width == 0.0:
        np.testing.assert_allclose(trials, 200)


def test_none_or_all_passing_counts_effective_events():
    weight = np.array([1.0, 1.0, 2.0])
    assert trials_of_weights(weight, np.zeros(3, bool)) == pytest.approx(16 / 6)
    assert trials_of_weights(weight, np.ones(3, bool)) == pytest.approx(16 / 6)


def test_rejection_carries_the_interval_of_its_efficiency():
    """20 of 100 background events pass at half of the signal."""
    score = np.concatenate([np.linspace(0, 4, 101)[1:], np.linspace(-1, 2, 80), np.linspace(3, 4, 20)])
    label = np.repeat([1, 0], 100)
    found = rejection(score, label, np.ones(200), 0.5)
    assert found.value == pytest.approx(5)
    interval = binomtest(20, 100).proportion_ci(ONE_SIGMA, "wilson")
    assert found.binomial_interval == pytest.approx((1 / interval.high, 1 / interval.low))
    nothing = rejection(np.append(score[:100], score[100:] - 10), label, np.ones(200), 0.5)
    assert nothing.binomial_interval[1] == float("inf")
    assert nothing.binomial_interval[0] == pytest.approx(1 / binomtest(0, 100).proportion_ci(ONE_SIGMA, "wilson").high)


def test_bootstrap_covers_auc_and_rejection_in_68_percent_of_toys():
    """500 binormal toys: the truth lies within the error in 63 to 73 %; with the cut fixed in 55 % for the rejection.

    At a signal efficiency of 50 % and a distance of 1 the cut, which the signal events place, moves as much background
    as the background itself scatters: a binomial error alone is too short, so the bootstrap is what is quoted.
    """
    rng, events, groups = np.random.default_rng(6), 300, np.arange(300, dtype=np.uint64)
    label, truth = np.repeat([1, 0], events // 2), np.array([norm.cdf(1 / np.sqrt(2)), norm.cdf(-1.0)])
    covered, fixed = [], []
    for toy in range(500):
        ranked = RankedScores(rng.normal(label, 1.0), label)

        def figures(weight, ranked=ranked):
            curve = ranked.roc(weight)
            return np.array([curve.auc, curve.background_efficiency_at(0.5)])

        found = resample(figures, np.ones(events), groups, label, 30, toy)
        errors = [found.estimate(index).error for index in (0, 1)]
        covered.append(np.abs(found.value - truth) < errors)
        low, high = wilson(found.value[1], events // 2)
        fixed.append(low < truth[1] < high)
    auc, background = np.mean(covered, axis=0)
    assert 0.63 < auc < 0.73
    assert 0.63 < background < 0.73
    assert np.mean(fixed) < 0.6
