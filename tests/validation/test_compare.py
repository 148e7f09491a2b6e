"""p-values mean what they say: uniform for two draws from one distribution, small for different ones."""

from pathlib import Path
from types import SimpleNamespace
from unittest.mock import MagicMock

import numpy as np
import pytest
from scipy import stats

from mscat_tf.validation.blocks import EventBlock
from mscat_tf.validation.compare import Comparison, chi_squared, effective, merging
from mscat_tf.validation.histograms import Histogram
from mscat_tf.validation.numbers import add_reference
from mscat_tf.validation.quantities import Quantity

EDGES = tuple(np.linspace(-2.5, 2.5, 26))
QUANTITY = Quantity("x", "x", "x", "", EDGES, lambda block: block["x"])


def histogram(values, weight):
    """One process; values `(events, entries)`."""
    ones, zeros = np.ones(len(values)), np.zeros(len(values), int)
    arrays = {"x": values, "label": zeros, "process": zeros, "weights": np.stack([weight, ones], axis=-1)}
    found = Histogram.empty(QUANTITY, 1)
    found.fill(EventBlock(Path("none"), 0, 0, None, arrays), ones.astype(bool))
    return found


def drawn(rng, events, entries=1, spread=0.0, shift=0.0):
    """Entries of an event scatter about a value of the event; weights are log-normal."""
    values = rng.normal(shift, 1.0, (events, 1)) + (rng.normal(0.0, 0.5, (events, entries)) if entries > 1 else 0.0)
    return histogram(values, rng.lognormal(0.0, spread, events))


def test_unweighted_it_is_the_test_of_homogeneity():
    rng = np.random.default_rng(3)
    first, second = drawn(rng, 4000), drawn(rng, 7000)
    counts = np.stack([first.entries[0], second.entries[0]])
    assert counts.min() >= 10  # nothing is merged
    expected = stats.chi2_contingency(counts)
    chi2, ndf, p = chi_squared(first, 0, second, 0)
    assert ndf == expected.dof
    np.testing.assert_allclose([chi2, p], [expected.statistic, expected.pvalue], rtol=1e-6)


@pytest.mark.parametrize(
    ("events", "entries", "spread"), [(1000, 1, 0.0), (1000, 1, 1.0), (1000, 1, 1.5), (300, 20, 1.0)]
)
def test_p_values_of_equal_distributions_are_uniform(events, entries, spread):
    """Unweighted, weighted (heavily), and with twenty correlated entries an event; one sample twice as large."""
    rng = np.random.default_rng(1)
    found = [
        chi_squared(drawn(rng, events, entries, spread), 0, drawn(rng, 2 * events, entries, spread), 0)
        for _ in range(100)
    ]
    p = np.array([result[2] for result in found if result is not None])
    assert len(p) > 95
    assert stats.kstest(p, "uniform").pvalue > 0.01
    assert 0.005 < np.mean(p < 0.05) < 0.13


@pytest.mark.parametrize(("entries", "spread"), [(1, 0.0), (1, 1.0), (20, 0.5)])
def test_p_values_of_shifted_distributions_are_small(entries, spread):
    rng = np.random.default_rng(2)
    p = [
        chi_squared(drawn(rng, 2000, entries, spread), 0, drawn(rng, 2000, entries, spread, shift=0.4), 0)[2]
        for _ in range(10)
    ]
    assert np.median(p) < 1e-4


def test_scale_of_the_weights_does_not_matter():
    rng = np.random.default_rng(4)
    values, weight = rng.normal(size=(500, 1)), rng.lognormal(0.0, 0.5, 500)
    other = drawn(rng, 500)
    first = chi_squared(histogram(values, weight), 0, other, 0)
    second = chi_squared(histogram(values, 1e-3 * weight), 0, other, 0)
    np.testing.assert_allclose(first, second, rtol=1e-9)


def test_a_sample_equals_itself_and_an_empty_one_says_nothing():
    found = drawn(np.random.default_rng(0), 500)
    chi2, _, p = chi_squared(found, 0, found, 0)
    assert (round(chi2, 12), p) == (0.0, 1.0)
    assert chi_squared(found, 0, Histogram.empty(QUANTITY, 1), 0) is None
    assert chi_squared(drawn(np.random.default_rng(0), 3), 0, found, 0) is None


@pytest.mark.parametrize(("p", "chance"), [(0.5, "0.75"), (1.0, "1"), (1e-30, "2e-30")])
def test_the_least_of_two_p_values_has_its_chance(p, chance):
    header = SimpleNamespace(digest="abc")
    reference = MagicMock(path=Path("other"), header=header, __len__=lambda _: 7)
    report = {}
    add_reference(report, reference, [Comparison("x", "4b", 1.0, 1, p), Comparison("y", "4b", 1.0, 1, 1.0)], 0)
    assert report["reference"]["remarks"][1].endswith(f"were they independent: {chance}.")


def test_bins_are_merged_until_each_has_five_effective_events():
    sums = np.array([2.0, 2.0, 2.0, 50.0, 1.0, 6.0, 3.0])
    merge = merging(sums, np.diag(sums))
    assert merge.astype(int).tolist() == [[1, 1, 1, 0, 0, 0, 0], [0, 0, 0, 1, 0, 0, 0], [0, 0, 0, 0, 1, 1, 1]]
    assert effective(merge[0] * sums, np.diag(merge[0] * sums)) == pytest.approx(6.0)


def test_correlated_entries_do_not_count_as_events():
    """Every event twice in the same bin: the variance is that of the events, four times theirs and not twice."""
    values = np.random.default_rng(5).normal(size=(400, 1))
    once, twice = (histogram(np.repeat(values, n, axis=1), np.ones(400)) for n in (1, 2))
    np.testing.assert_array_equal(twice.sums, 2 * once.sums)
    np.testing.assert_array_equal(twice.covariance, 4 * once.covariance)
    assert chi_squared(twice, 0, twice, 0)[1] == chi_squared(once, 0, once, 0)[1]
