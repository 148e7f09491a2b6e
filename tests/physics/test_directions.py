import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mscat_tf.physics.directions import direction, distance
from mscat_tf.physics.four_vectors import Cartesian, to_cartesian
from tests.strategies import four_vectors


@given(four_vectors())
def test_rapidity_is_that_of_the_definition(columns):
    momentum = to_cartesian(*columns)
    found = direction(momentum)
    np.testing.assert_allclose(found.pt, columns[0])
    np.testing.assert_allclose(found.phi, columns[2], atol=1e-12)
    expected = 0.5 * np.log((momentum.energy + momentum.pz) / (momentum.energy - momentum.pz))
    np.testing.assert_allclose(found.rapidity, expected, rtol=1e-6, atol=1e-9)


@given(st.floats(-12, 12), st.floats(0.1, 1000.0))
def test_rapidity_of_massless_particles_is_their_pseudorapidity(eta, pt):
    """Also so close to the beam that E - pz has no digits left."""
    np.testing.assert_allclose(direction(to_cartesian(pt, eta, 1.0, 0.0)).rapidity, eta, rtol=1e-5, atol=1e-9)


def test_particles_without_transverse_mass_have_a_finite_rapidity():
    along = direction(Cartesian(*(np.array(values) for values in ([0.0, 0.0], [0.0, 0.0], [5.0, 0.0], [5.0, 0.0]))))
    assert along.rapidity.tolist() == [0.0, 0.0]


def test_distance_passes_the_end_of_the_azimuth():
    np.testing.assert_allclose(distance(1.0, 3.1, 0.7, 0.4 + 3.1 - 2 * np.pi), 0.5)
