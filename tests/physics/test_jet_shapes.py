"""Shapes of jets against sums written out, and jets whose shapes are known."""

import itertools
import math

import numpy as np
import pytest

from mscat_tf.physics import jet_shapes
from mscat_tf.physics.jet_shapes import angularity, energy_correlations, pt_dispersion, ratio, subjettiness

COUNTS = [3, 9, 1, 6, 2]


@pytest.fixture
def jets():
    """pt, rapidity, phi `(5, 9)` about phi = pi; what stands in the padding of the latter two must not matter."""
    rng = np.random.default_rng(1)
    mask = np.arange(9) < np.array(COUNTS)[:, np.newaxis]
    pt = np.where(mask, rng.exponential(10.0, mask.shape) + 0.5, 0.0)
    phi = np.remainder(rng.normal(0.0, 0.4, mask.shape), 2 * np.pi) - np.pi
    return pt, rng.normal(1.0, 0.4, mask.shape), phi


def apart(a, b):
    return math.hypot(a[1] - b[1], math.remainder(a[2] - b[2], 2 * math.pi))


def particles(jets, jet):
    """(z, y, phi) of each constituent."""
    pt, y, phi = (values[jet, : COUNTS[jet]] for values in jets)
    return list(zip(pt / pt.sum(), y, phi, strict=True))


def test_ring():
    """n equal constituents on a circle of radius 0.3."""
    pt, distances = np.full((1, 16), 7.0), np.full((1, 16), 0.3)
    assert angularity(pt, distances, 1.0) == pytest.approx(0.3)
    assert angularity(pt, distances, 0.5) == pytest.approx(math.sqrt(0.3))
    assert pt_dispersion(pt) == pytest.approx(0.25)


def test_padding_drops_out():
    pt, distances = np.array([[3.0, 1.0, 0.0]]), np.array([[0.2, 0.4, 99.0]])
    assert angularity(pt, distances, 1.0) == pytest.approx(0.25)
    assert pt_dispersion(pt) == pytest.approx(math.sqrt(10) / 4)


@pytest.mark.parametrize("together", [1, 40, 100_000])
def test_energy_correlations_are_sums_over_pairs_and_triplets(jets, together, monkeypatch):
    monkeypatch.setattr(jet_shapes, "PAIRS_AT_ONCE", together)
    e2, e3 = energy_correlations(*jets)
    for jet in range(len(COUNTS)):
        jet_particles = particles(jets, jet)
        pairs = sum(a[0] * b[0] * apart(a, b) for a, b in itertools.combinations(jet_particles, 2))
        triplets = sum(
            a[0] * b[0] * c[0] * apart(a, b) * apart(b, c) * apart(c, a)
            for a, b, c in itertools.combinations(jet_particles, 3)
        )
        assert (e2[jet], e3[jet]) == pytest.approx((pairs, triplets), rel=1e-12)


def test_subjettiness_is_the_way_to_the_nearest_axis(jets):
    rng = np.random.default_rng(2)
    axes = rng.normal(1.0, 0.4, (5, 3)), np.pi + rng.normal(0.0, 0.4, (5, 3))
    found = subjettiness(*jets, axes)
    for jet in range(len(COUNTS)):
        chosen = [(0.0, y, phi) for y, phi in zip(axes[0][jet], axes[1][jet], strict=True)]
        expected = sum(p[0] * min(apart(p, axis) for axis in chosen) for p in particles(jets, jet))
        assert found[jet] == pytest.approx(expected)


def test_a_ratio_with_a_vanishing_denominator_is_zero():
    assert ratio(np.array([1.0, 1.0, 1e-16]), np.array([4.0, 0.0, 1e-15])).tolist() == [0.25, 0.0, 0.0]
    assert ratio(np.array([2e-8]), np.array([1e-7])) == pytest.approx(0.2), "small is not nothing"
