"""Two-point spectrum against the double sum, its integral, its invariances and its safety."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.benchmarks import high_level_loops
from mscat_tf.physics import correlation_spectrum
from mscat_tf.physics.constituent_spectrum import constituent_spectra
from mscat_tf.physics.correlation_spectrum import correlation_spectra
from mscat_tf.physics.four_vectors import wrap_phi
from tests.physics.points_of_jets import jets, one_jet, rotated

WIDTH, BINS = 0.1, 12
COUNTS = [3, 9, 1, 0, 6, 2]


def spectrum(pt, points):
    """`(bins,)` of all constituents of one jet."""
    arrays = one_jet(points, pt)
    everything = arrays[0] > 0.0
    return correlation_spectra(*arrays, [(everything, everything)], WIDTH, BINS)[0, 0]


@pytest.fixture
def some_jets():
    """pt, rapidity, phi about phi = pi `(6, 11)` and masks of two subsets; one jet is empty."""
    rng = np.random.default_rng(1)
    shape = (len(COUNTS), 11)
    mask = np.arange(11) < np.array(COUNTS)[:, np.newaxis]
    pt = np.where(mask, rng.exponential(10.0, shape) + 0.5, 0.0)
    rapidity = np.where(mask, rng.normal(1.0, 0.4, shape), np.nan)
    phi = np.where(mask, np.remainder(rng.normal(0.0, 0.4, shape), 2 * np.pi) - np.pi, np.nan)
    return (pt, rapidity, phi), rng.random(shape) < 0.7, rng.random(shape) < 0.5


@pytest.mark.parametrize("together", [1, 100, 100_000])
def test_is_the_double_sum_and_its_integral_is_the_product(some_jets, together, monkeypatch):
    monkeypatch.setattr(correlation_spectrum, "PAIRS_AT_ONCE", together)
    arrays, a, b = some_jets
    subsets = [(a, a), (a, b), (b, a), (b, ~b)]
    found = correlation_spectra(*arrays, subsets, WIDTH, BINS)
    assert found.shape == (len(COUNTS), 4, BINS)
    for jet, count in enumerate(COUNTS):
        particles = list(zip(*(values[jet, :count] for values in arrays), strict=True))
        chosen = [tuple(set(np.flatnonzero(mask[jet, :count])) for mask in masks) for masks in subsets]
        expected = high_level_loops.correlation_spectrum(particles, chosen, WIDTH, BINS)
        np.testing.assert_allclose(found[jet], expected, rtol=1e-12, atol=1e-12)
    for number, masks in enumerate(subsets):
        first, second = (np.where(mask, arrays[0], 0.0).sum(axis=-1) for mask in masks)
        np.testing.assert_allclose(found[:, number].sum(axis=-1), first * second, rtol=1e-13)
    np.testing.assert_allclose(found[:, 1], found[:, 2], rtol=1e-13, err_msg="S_ab is S_ba")


def test_two_constituents():
    """Both orders of the pair at R = 0.5, each with itself in the first bin; beyond the edge in the last."""
    found = spectrum([3.0, 2.0], [(0.0, 0.0), (0.36, 0.4)])  # R = 0.538
    assert (found[0], found[5], found.sum()) == pytest.approx((13.0, 12.0, 25.0))
    assert spectrum([3.0, 2.0], [(0.0, 0.0), (5.0, 0.0)])[-1] == pytest.approx(12.0)


@given(jets(), st.floats(-3.1, 3.1), st.randoms())
def test_neither_rotation_nor_order_nor_the_zero_of_azimuth_matters(jet, angle, random):
    pt, points = jet
    expected = spectrum(pt, points)
    turned = np.stack(rotated(*points.T, angle), axis=-1)
    np.testing.assert_allclose(spectrum(pt, turned), expected, rtol=1e-9, atol=1e-9)
    order = random.sample(range(len(pt)), len(pt))
    np.testing.assert_allclose(spectrum(pt[order], points[order]), expected, rtol=1e-12, atol=1e-12)
    about = np.stack([points[:, 0], wrap_phi(points[:, 1] + angle)], axis=-1)
    np.testing.assert_allclose(spectrum(pt, about), expected, rtol=1e-9, atol=1e-9)


@given(jets(), st.floats(0.01, 0.99), st.integers(0, 11))
def test_a_collinear_splitting_changes_the_multiplicity_only(jet, share, which):
    pt, points = jet
    which %= len(pt)
    split = np.append(pt, (1.0 - share) * pt[which])
    split[which] *= share
    there = np.vstack([points, points[which]])
    np.testing.assert_allclose(spectrum(split, there), spectrum(pt, points), rtol=1e-11, atol=1e-11)
    assert multiplicity(split) == multiplicity(pt) + 1


@given(jets(), st.floats(1e-9, 1e-3), st.floats(-0.6, 0.6), st.floats(-0.6, 0.6))
def test_a_soft_emission_changes_by_its_momentum_and_the_multiplicity_by_one(jet, soft, eta, phi):
    pt, points = jet
    more = np.append(pt, soft)
    change = spectrum(more, np.vstack([points, (eta, phi)])) - spectrum(pt, points)
    assert change.min() > -1e-9
    assert np.abs(change).sum() <= 2.0 * soft * pt.sum() + soft**2 + 1e-8 * soft + 1e-9
    assert multiplicity(more) == multiplicity(pt) + 1


def multiplicity(pt):
    """Number of constituents, from the spectrum of them."""
    return constituent_spectra(pt[np.newaxis], [pt[np.newaxis] > 0.0], [1.0, 10.0]).counts.sum()
