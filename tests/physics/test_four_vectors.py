import numpy as np
import pytest
from hypothesis import given

from mscat_tf.physics import (
    add_four_vectors,
    delta_phi,
    delta_r,
    from_cartesian,
    invariant_mass,
    to_cartesian,
    wrap_phi,
)
from mscat_tf.physics.four_vectors import Cartesian, sums_by_owner
from tests.strategies import angles, four_vectors


@given(four_vectors())
def test_round_trip(vectors):
    there_and_back = from_cartesian(*to_cartesian(*vectors))
    scale = to_cartesian(*vectors).energy
    for before, after in zip(vectors[:3], there_and_back[:3], strict=True):
        np.testing.assert_allclose(after, before, rtol=1e-9, atol=1e-12)
    assert np.all(np.abs(there_and_back.mass**2 - vectors[3] ** 2) < 1e-12 * scale**2)


@given(four_vectors(), angles(10.0))
def test_mass_does_not_know_the_azimuth(vectors, angle):
    pt, eta, phi, mass = vectors
    scale = to_cartesian(*vectors).energy.sum(axis=-1)
    before, after = invariant_mass(*vectors), invariant_mass(pt, eta, phi + angle, mass)
    assert np.all(np.abs(after**2 - before**2) < 1e-12 * scale**2)


def test_massless_pairs_follow_the_closed_form():
    """m^2 = 2 pt1 pt2 (cosh d_eta - cos d_phi): a formula that the code does not use."""
    rng = np.random.default_rng(1)
    pt, eta, phi = (rng.uniform(*bounds, (100, 2)) for bounds in ((20, 500), (-2.5, 2.5), (-3, 3)))
    expected = np.sqrt(2 * pt.prod(-1) * (np.cosh(np.ptp(eta, -1)) - np.cos(np.ptp(phi, -1))))
    np.testing.assert_allclose(invariant_mass(pt, eta, phi, 0 * pt), expected, rtol=1e-9)


def test_sum_agrees_with_the_vector_library():
    vector = pytest.importorskip("vector")
    rng = np.random.default_rng(2)
    pt, eta, phi, mass = (rng.uniform(*b, (50, 3)) for b in ((20, 500), (-2.5, 2.5), (-3, 3), (0, 90)))
    one, two, three = (
        vector.array({"pt": pt[:, i], "eta": eta[:, i], "phi": phi[:, i], "mass": mass[:, i]}) for i in range(3)
    )
    expected, found = one + two + three, add_four_vectors(pt, eta, phi, mass)
    for name in ("pt", "eta", "phi", "mass"):
        np.testing.assert_allclose(getattr(found, name), getattr(expected, name), rtol=1e-9, atol=1e-12)


@given(angles(100.0))
def test_wrapped_azimuth_is_the_same_direction(phi):
    wrapped = wrap_phi(phi)
    assert -np.pi < wrapped <= np.pi
    np.testing.assert_allclose([np.cos(wrapped), np.sin(wrapped)], [np.cos(phi), np.sin(phi)], atol=1e-12)


def test_the_seam_belongs_to_plus_pi():
    below = np.nextafter(np.pi, 4.0)
    assert wrap_phi(-np.pi) == wrap_phi(np.pi) == np.pi
    assert abs(wrap_phi(below)) <= np.pi
    assert wrap_phi(below) > -np.pi


def test_distances_cross_the_seam():
    np.testing.assert_allclose(delta_phi(3.1, -3.1), 6.2 - 2 * np.pi)
    np.testing.assert_allclose(delta_r(1.0, 3.1, 0.5, -3.1), np.hypot(0.5, 2 * np.pi - 6.2))


def test_no_transverse_momentum_is_no_accident():
    still = from_cartesian(0.0, 0.0, 5.0, 5.0)
    assert still.pt == 0.0
    assert still.eta == 0.0
    assert still.mass == 0.0


def test_sums_by_owner():
    momenta = Cartesian(*(scale * np.array([1.0, 2.0, 4.0]) for scale in (1.0, 10.0, 100.0, 1000.0)))
    sums = sums_by_owner(momenta, np.array([2, 0, 2]), 4)
    np.testing.assert_array_equal(np.array(sums), np.outer([1.0, 10.0, 100.0, 1000.0], [2.0, 0.0, 5.0, 0.0]))
    assert sums_by_owner(Cartesian(*np.empty((4, 0))), np.empty(0, int), 2).px.tolist() == [0.0, 0.0]
