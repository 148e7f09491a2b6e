"""DeLong's errors against the definition over all pairs, the bootstrap, and toys with a known AUC."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from mscat_tf.evaluation.bootstrap import bootstrap
from mscat_tf.evaluation.delong import auc_difference, auc_error, covariance, placements
from mscat_tf.evaluation.metrics import RankedScores, weighted_auc


def binormal(rng, distance, signal, background):
    """Scores with AUC = Phi(distance / sqrt 2)."""
    return np.append(rng.normal(distance, 1, signal), rng.normal(0, 1, background)), np.repeat(
        [1, 0], [signal, background]
    )


def by_all_pairs(scores, label):
    """Equations 2 to 6 of the paper as they stand, O(n^2)."""
    kernels = []
    for score in scores:
        signal, background = score[label == 1][:, None], score[label == 0][None, :]
        kernels.append((signal > background) + 0.5 * (signal == background))
    auc = [kernel.mean() for kernel in kernels]
    m, n = kernels[0].shape
    total = np.zeros((len(scores), len(scores)))
    for r, first in enumerate(kernels):
        for s, second in enumerate(kernels):
            s10 = sum((first.mean(1) - auc[r]) * (second.mean(1) - auc[s])) / (m - 1)
            s01 = sum((first.mean(0) - auc[r]) * (second.mean(0) - auc[s])) / (n - 1)
            total[r, s] = s10 / m + s01 / n
    return auc, total


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4), st.booleans()), min_size=4, max_size=25))
def test_mid_ranks_are_the_definition_over_all_pairs(events):
    """Few distinct scores: many ties."""
    first, second, label = (np.array(column, float) for column in zip(*events, strict=True))
    label[:4] = 0, 0, 1, 1
    auc, total = covariance([first, second], label)
    slow_auc, slow = by_all_pairs([first, second], label)
    np.testing.assert_allclose(auc, slow_auc, atol=1e-12)
    np.testing.assert_allclose(total, slow, atol=1e-12)
    assert auc[0] == pytest.approx(weighted_auc(first, label.astype(int), np.ones(len(label))), abs=1e-12)


def test_it_agrees_with_the_bootstrap():
    """One AUC, and the difference of two correlated scores; 400 replicas give the error to 3.5 %."""
    rng, n = np.random.default_rng(8), 1500
    first, label = binormal(rng, 1.5, n, n)
    second = first + rng.normal(0, 0.7, 2 * n)
    groups, ones = np.arange(2 * n, dtype=np.uint64), np.ones(2 * n)
    one, other = RankedScores(first, label), RankedScores(second, label)
    single = bootstrap(lambda w: one.roc(w).auc, ones, groups, label, 400, seed=1)
    assert auc_error(first, label) == pytest.approx(single.error, rel=0.1)
    paired = bootstrap(lambda w: one.roc(w).auc - other.roc(w).auc, ones, groups, label, 400, seed=2)
    found = auc_difference(first, second, label)
    assert found.value == pytest.approx(paired.value, abs=1e-12)
    assert found.error == pytest.approx(paired.error, rel=0.1)
    assert found.correlation > 0.7
    alone = np.hypot(auc_error(first, label), auc_error(second, label))
    assert found.error < 0.6 * alone  # what pairing gains


def test_error_and_coverage_on_toys_of_known_auc():
    """2000 toys: 68 % intervals cover in 65 to 71 % (500 of them scatter by 2 %), and the errors are their spread."""
    rng, truth, values, errors = np.random.default_rng(5), norm.cdf(2.0 / np.sqrt(2)), [], []
    for _ in range(2000):
        auc, total = covariance([(toy := binormal(rng, 2.0, 150, 250))[0]], toy[1])
        values.append(auc[0])
        errors.append(np.sqrt(total[0, 0]))
    assert 0.65 < np.mean(np.abs(np.array(values) - truth) < errors) < 0.71
    assert np.mean(errors) == pytest.approx(np.std(values), rel=0.08)
    assert np.mean(values) == pytest.approx(truth, abs=4 * np.std(values) / np.sqrt(2000))


def test_probability_of_no_difference_is_uniform_where_there_is_none():
    """Two scores of one quality, 400 toys: 5 % lie below 0.05, half below 0.5."""
    rng, found = np.random.default_rng(4), []
    for _ in range(400):
        truth, label = binormal(rng, 1.0, 100, 100)
        first, second = (truth + rng.normal(0, 1, 200) for _ in range(2))
        found.append(auc_difference(first, second, label).p_value)
    assert np.mean(np.array(found) < 0.05) == pytest.approx(0.05, abs=0.035)
    assert np.mean(np.array(found) < 0.5) == pytest.approx(0.5, abs=0.08)


def test_the_same_order_of_events_differs_by_exactly_nothing():
    score, label = binormal(np.random.default_rng(1), 1.0, 300, 200)
    found = auc_difference(score, np.exp(score), label)
    assert (found.value, found.error, found.p_value) == (0.0, 0.0, 1.0)


def test_perfect_separation_has_no_error_and_one_event_is_refused():
    label = np.array([1, 1, 0, 0])
    assert auc_error(np.array([3.0, 2.0, 1.0, 0.0]), label) == 0.0
    with pytest.raises(ValueError, match="class 0 has 1 event"):
        placements(np.arange(3.0), np.array([1, 1, 0]))
