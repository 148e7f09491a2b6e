import numpy as np
import pytest
from hypothesis import given, settings

from mscat_tf.physics import from_cartesian
from mscat_tf.physics.event_shapes import (
    event_shapes,
    sphericity_and_aplanarity,
    transverse_sphericity,
    transverse_thrust,
)
from mscat_tf.schema import EVENT_SHAPE_COLUMNS
from tests.strategies import angles, four_vectors

pythia8mc = pytest.importorskip("pythia8mc")


def random_momenta(events=20, objects=12, seed=1):
    """`(3, events, objects)`."""
    return np.random.default_rng(seed).normal(0.0, [[[30.0]], [[20.0]], [[50.0]]], (3, events, objects))


def as_pythia(px, py, pz):
    event = pythia8mc.Event()
    for momentum in zip(px, py, pz, strict=True):
        energy = float(np.linalg.norm(momentum))
        event.append(22, 1, 0, 0, *map(float, momentum), energy, 0.0)
    return event


def of_pythia(analysis, momenta):
    """The analysis after each event of `(3, events, objects)`."""
    for event in zip(*momenta, strict=True):
        assert analysis.analyze(as_pythia(*event))
        yield analysis


def test_two_objects_back_to_back_are_a_pencil():
    found = dict(
        zip(EVENT_SHAPE_COLUMNS, event_shapes([[50.0, 50.0]], [[0.7, -0.7]], [[0.4, 0.4 - np.pi]])[0], strict=True)
    )
    assert found["transverse_thrust"] == pytest.approx(1.0)
    assert found["scalar_sum_pt"] == pytest.approx(100.0)
    for name in ("transverse_sphericity", "sphericity", "aplanarity", "missing_pt"):
        assert found[name] == pytest.approx(0.0, abs=1e-12), name


@pytest.mark.parametrize("objects", [4, 16, 400])
def test_an_even_ring_is_as_round_as_can_be(objects):
    """Half of n objects add up to pt / sin(pi / n), so the thrust is 2 / (n sin(pi / n)), which tends to 2 / pi."""
    phi = 0.3 + 2.0 * np.pi * np.arange(objects) / objects
    thrust, transverse, sphericity, aplanarity, scalar, missing = event_shapes(
        np.full((1, objects), 2.0), np.zeros((1, objects)), phi[np.newaxis]
    )[0]
    assert thrust == pytest.approx(2.0 / (objects * np.sin(np.pi / objects)))
    assert transverse == pytest.approx(1.0)
    assert sphericity == pytest.approx(0.75), "a flat disc"
    assert aplanarity == pytest.approx(0.0, abs=1e-12)
    assert (scalar, missing) == (pytest.approx(2.0 * objects), pytest.approx(0.0, abs=1e-9))


def test_six_objects_along_the_axes_are_a_ball():
    axes = np.concatenate([np.eye(3), -np.eye(3)]).T
    assert np.allclose(sphericity_and_aplanarity(*axes), (1.0, 0.5))


def test_sphericity_and_aplanarity_are_those_of_pythia():
    momenta = random_momenta()
    found = np.stack(sphericity_and_aplanarity(*momenta), axis=-1)
    expected = [(a.sphericity(), a.aplanarity()) for a in of_pythia(pythia8mc.Sphericity(2.0, 1), momenta)]
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_transverse_sphericity_is_pythias_linear_one_of_a_flattened_event():
    px, py, pz = random_momenta()
    flat = pythia8mc.Sphericity(1.0, 1)
    expected = [
        2.0 * a.eigenValue(2) / (a.eigenValue(1) + a.eigenValue(2)) for a in of_pythia(flat, (px, py, 0.0 * pz))
    ]
    np.testing.assert_allclose(transverse_sphericity(px, py), expected, rtol=1e-6)


def test_transverse_thrust_is_pythias_thrust_of_a_flattened_event():
    """Flattened by a factor 1e-6 and not to 0: Pythia tries planes through pairs of objects, which must be distinct."""
    px, py, pz = random_momenta()
    expected = [a.thrust() for a in of_pythia(pythia8mc.Thrust(1), (px, py, 1e-6 * pz))]
    np.testing.assert_allclose(transverse_thrust(px, py), expected, rtol=1e-6)


@pytest.mark.parametrize("objects", [1, 2, 3, 40])
def test_no_axis_of_a_fine_scan_beats_the_thrust(objects):
    px, py, _ = random_momenta(30, objects)
    angle = np.linspace(0.0, np.pi, 3601)[:, np.newaxis, np.newaxis]
    along = np.abs(np.cos(angle) * px + np.sin(angle) * py).sum(axis=-1) / np.hypot(px, py).sum(axis=-1)
    found = transverse_thrust(px, py)
    assert np.all(found >= along.max(axis=0) - 1e-12)
    np.testing.assert_allclose(found, along.max(axis=0), rtol=2e-6)


@settings(max_examples=50)
@given(four_vectors(objects=5), angles())
def test_turning_the_event_about_the_beam_changes_nothing(vectors, angle):
    pt, eta, phi, _ = vectors
    np.testing.assert_allclose(event_shapes(pt, eta, phi + angle), event_shapes(pt, eta, phi), rtol=1e-6, atol=1e-6)


def test_transverse_shapes_do_not_change_in_a_boost_along_the_beam():
    """Massless objects: a boost shifts eta; sphericity, made of all three components, does change."""
    px, py, pz = random_momenta()
    pt, eta, phi, _ = from_cartesian(px, py, pz, np.sqrt(px**2 + py**2 + pz**2))
    here, there = event_shapes(pt, eta, phi), event_shapes(pt, eta + 1.5, phi)
    moved = [EVENT_SHAPE_COLUMNS.index(name) for name in ("sphericity", "aplanarity")]
    np.testing.assert_allclose(np.delete(there, moved, axis=1), np.delete(here, moved, axis=1), rtol=1e-12)
    assert np.all(np.abs(there - here)[:, moved[0]] > 0.01)


def test_splitting_objects_into_parallel_ones_changes_no_transverse_shape():
    px, py, pz = random_momenta(5, 4)
    split = [np.concatenate([0.3 * component, 0.7 * component], axis=-1) for component in (px, py, pz)]
    np.testing.assert_allclose(transverse_thrust(*split[:2]), transverse_thrust(px, py), rtol=1e-12)
    np.testing.assert_allclose(transverse_sphericity(*split[:2]), transverse_sphericity(px, py), rtol=1e-12)


def test_padding_has_no_influence_and_an_empty_event_no_shape():
    pt, eta, phi = np.array([[30.0, 20.0, 10.0]]), np.array([[0.1, -1.0, 2.0]]), np.array([[0.5, 2.5, -1.0]])
    padded = event_shapes(*(np.concatenate([values, np.zeros((1, 5))], axis=1) for values in (pt, eta, phi)))
    np.testing.assert_allclose(padded, event_shapes(pt, eta, phi), rtol=1e-12)
    assert np.all(event_shapes(np.zeros((2, 3)), np.zeros((2, 3)), np.zeros((2, 3))) == 0.0)
    assert event_shapes(np.zeros((2, 0)), np.zeros((2, 0)), np.zeros((2, 0))).tolist() == [[0.0] * 6] * 2
