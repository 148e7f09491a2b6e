import numpy as np
import pytest
from hypothesis import given

from mscat_tf.physics import Cylindrical, add_four_vectors, kinematic_tokens
from mscat_tf.physics.tokens import missing_momentum, token_names
from mscat_tf.schema import KINEMATIC_COLUMNS
from tests.strategies import angles, four_vectors


def test_two_back_to_back_jets_by_hand():
    """Massless, 30 GeV each, opposite: the sum is at rest with mass 60."""
    tokens = kinematic_tokens([[30.0, 30.0]], [[0.0, 0.0]], [[0.0, np.pi]], [[0.0, 0.0]], [[0.3, -0.2]])
    named = {name: tokens[0, :, i] for i, name in enumerate(KINEMATIC_COLUMNS)}
    np.testing.assert_allclose(named["m"], [0.0, 0.0, 60.0], atol=1e-9)
    np.testing.assert_allclose(named["pt"], [30.0, 30.0, 0.0], atol=1e-9)
    np.testing.assert_allclose(named["energy"], [30.0, 30.0, 60.0])
    np.testing.assert_array_equal(named["theta"], [0.3, -0.2, 0.0])


@given(four_vectors(objects=2), angles())
def test_columns_agree_with_the_sum(vectors, angle):
    pt, eta, phi, mass = vectors
    tokens = kinematic_tokens(*vectors, np.full_like(pt, angle))
    assert tokens.shape == (4, 3, 6)
    total = add_four_vectors(*vectors)
    np.testing.assert_allclose(tokens[:, 2, [3, 1, 2, 0]], np.stack(total, axis=-1), rtol=1e-12)
    np.testing.assert_allclose(tokens[:, :2, 4].sum(axis=1), tokens[:, 2, 4], rtol=1e-9)
    for column, values in ((0, mass), (1, eta), (2, phi), (3, pt)):
        np.testing.assert_array_equal(tokens[:, :2, column], values)


def test_a_single_jet_has_a_single_token():
    column = np.ones((5, 1))
    assert kinematic_tokens(column, column, column, column, column).shape == (5, 1, 6)


def test_far_apart_jets_keep_their_mass():
    """E^2 - p^2 in float32 would lose this mass."""
    tokens = kinematic_tokens([[2000.0, 2000.0]], [[2.0, 2.0]], [[0.0, 1e-4]], [[1.0, 1.0]], [[0.0, 0.0]])
    assert tokens[0, 2, 0] == pytest.approx(np.sqrt(4.0 + (2000.0 * 1e-4) ** 2), rel=1e-6)


@given(four_vectors(objects=5))
def test_leptons_stand_behind_the_jets_and_belong_to_the_sum(vectors):
    """Three jets and two leptons; the missing momentum, given here, isn't part of the sum."""
    jets, leptons = (Cylindrical(*(v[:, part] for v in vectors)) for part in (slice(0, 3), slice(3, 5)))
    missing = missing_momentum(jets.pt, jets.phi)
    tokens = kinematic_tokens(*jets, np.full((4, 3), 0.2), leptons, missing)
    names = token_names(3, 2, missing_momentum=True)
    assert names == ("jet 1", "jet 2", "jet 3", "lepton 1", "lepton 2", "missing momentum", "sum")
    assert tokens.shape == (4, len(names), 6)
    np.testing.assert_array_equal(tokens[:, :5, [3, 1, 2, 0]], np.stack(vectors, axis=-1))
    np.testing.assert_allclose(tokens[:, 6, [3, 1, 2, 0]], np.stack(add_four_vectors(*vectors), axis=-1), rtol=1e-12)
    assert np.all(tokens[:, :3, 5] == 0.2)
    assert np.all(tokens[:, 3:, 5] == 0.0)
    assert np.all(tokens[:, 5, [0, 1]] == 0.0)
    np.testing.assert_allclose(tokens[:, 5, 4], tokens[:, 5, 3], rtol=1e-12)


def test_missing_momentum_by_hand():
    """30 GeV along x and 40 GeV along y: 50 GeV the other way; padding counts nothing."""
    found = missing_momentum([[30.0, 40.0, 0.0]], [[0.0, np.pi / 2, 1.0]])
    np.testing.assert_allclose(found, [[[50.0]], [[0.0]], [[np.arctan2(-40.0, -30.0)]], [[0.0]]], atol=1e-12)


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ((1,), ("jet 1",)),
        ((2,), ("jet 1", "jet 2", "sum")),
        ((1, 0, True), ("jet 1", "missing momentum")),
        ((1, 1), ("jet 1", "lepton 1", "sum")),
    ],
)
def test_one_object_alone_has_no_sum(asked, names):
    assert token_names(*asked) == names


def test_arithmetic_is_of_double_precision_whatever_comes_in():
    """Samples hold float32: a mass of 1 GeV at 2 TeV would be lost in it."""
    rng = np.random.default_rng(2)
    pt, eta, phi, mass, theta = (rng.uniform(0.5, 2.0, (6, 2)).astype("f4") for _ in range(5))
    single, double = (
        [kinematic_tokens(pt * 1000, eta, phi, mass, theta), missing_momentum(pt, phi)],
        [
            kinematic_tokens(*(values.astype("f8") for values in (pt * 1000, eta, phi, mass, theta))),
            missing_momentum(pt.astype("f8"), phi.astype("f8")),
        ],
    )
    for one, other in zip(single, double, strict=True):
        np.testing.assert_array_equal(one, other)
    assert single[0].dtype == single[1].pt.dtype == np.float64
    assert kinematic_tokens([[500]], [[1]], [[2]], [[100]], [[1]]).dtype == np.float64
    np.testing.assert_array_equal(missing_momentum([[3]], [[0]]).pt, [[3.0]])
