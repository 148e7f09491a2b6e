import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mscat_tf.physics import jet_frame, to_jet_frame, to_jet_frames, wrap_phi
from tests import oracles
from tests.physics import jet_frame_arrays
from tests.strategies import angles, padded_jets

KEEP = 5
CLOSE = {"rtol": 1e-7, "atol": 1e-7}


def decided(pt, eta, phi, energy, mask):
    """True where rounding decides neither the axis nor the mirror: elsewhere an invariance holds only nearly."""
    frame = to_jet_frame(pt, eta, phi, energy, mask, pt.shape[-1])
    x, y, weight = (frame.constituents[..., i] for i in range(3))
    difference = np.sum(weight * (x**2 - y**2), axis=-1)
    elongated = difference > 1e-3 * np.sum(weight * (x**2 + y**2), axis=-1)
    return elongated & (np.abs(x) > 1e-6).all(where=frame.mask, axis=-1)


def same_up_to_phi_mirror(first, second):
    mirrored = second * [1.0, -1.0, 1.0, 1.0]
    return [
        np.allclose(a, b, **CLOSE) or np.allclose(a, m, **CLOSE)
        for a, b, m in zip(first, second, mirrored, strict=True)
    ]


@given(padded_jets())
def test_agrees_with_the_oracle(jets):
    pt, eta, phi, energy, mask = jets
    frame = to_jet_frame(*jets, KEEP)
    for i in np.flatnonzero(decided(*jets)):
        real = mask[i]
        expected, theta = oracles.jet_frame(pt[i, real], eta[i, real], phi[i, real], energy[i, real], KEEP)
        np.testing.assert_allclose(frame.constituents[i], expected, **CLOSE)
        assert abs(np.sin(frame.theta[i] - theta)) < 1e-7
        assert frame.multiplicity[i] == real.sum()


@given(padded_jets(), angles(7.0), st.floats(-2.0, 2.0))
def test_translation_changes_nothing(jets, d_phi, d_eta):
    """Over the seam of the azimuth as well. The energy stays: the mirror weighs energies as they are given."""
    pt, eta, phi, energy, mask = jets
    sure = decided(*jets)
    before = to_jet_frame(*jets, KEEP)
    after = to_jet_frame(pt, eta + d_eta, wrap_phi(phi + d_phi), energy, mask, KEEP)
    np.testing.assert_allclose(after.constituents[sure], before.constituents[sure], **CLOSE)
    assert np.all(np.abs(np.sin(after.theta - before.theta)[sure]) < 1e-7)


@given(padded_jets(), angles(np.pi))
def test_rotation_changes_theta_and_mirrors_phi_at_most(jets, angle):
    pt, _eta, _phi, energy, mask = jets
    sure = decided(*jets)
    start = to_jet_frame(*jets, pt.shape[-1])
    x, y, kept_pt = (start.constituents[..., i] for i in range(3))
    order = np.argsort(np.where(mask, -pt, np.inf), axis=-1)
    energy = np.take_along_axis(energy, order, axis=-1)
    turned = (np.cos(angle) * x - np.sin(angle) * y, np.sin(angle) * x + np.cos(angle) * y)
    before = to_jet_frame(kept_pt, x, y, energy, start.mask, KEEP)
    after = to_jet_frame(kept_pt, *turned, energy, start.mask, KEEP)
    assert np.all(np.array(same_up_to_phi_mirror(before.constituents, after.constituents))[sure])
    assert np.all(np.abs(np.sin(after.theta - before.theta - angle)[sure]) < 1e-6)


@given(padded_jets(), st.randoms(use_true_random=False))
def test_order_of_constituents_and_place_of_padding_do_not_matter(jets, random):
    sure = decided(*jets)
    order = list(range(jets[0].shape[-1]))
    random.shuffle(order)
    before, after = to_jet_frame(*jets, KEEP), to_jet_frame(*(values[:, order] for values in jets), KEEP)
    np.testing.assert_allclose(after.constituents[sure], before.constituents[sure], **CLOSE)


@given(padded_jets(), st.floats(-1e3, 1e3))
def test_padding_cannot_be_seen(jets, junk):
    *values, mask = jets
    before = to_jet_frame(*values, mask, KEEP)
    after = to_jet_frame(*(np.where(mask, v, junk) for v in values), mask, KEEP)
    for first, second in zip(before, after, strict=True):
        np.testing.assert_array_equal(first, second)
    assert np.all(before.constituents[~before.mask] == 0.0)


@given(padded_jets(jets=3, width=9, fewest=1), st.integers(1, 12))
def test_jagged_arithmetic_equals_padded(jets, keep):
    fast, arrays = to_jet_frame(*jets, keep), jet_frame_arrays.jet_frame(*jets, keep)
    sure = decided(*jets)
    for one, other in zip(fast, arrays, strict=True):
        np.testing.assert_allclose(one[sure], other[sure], rtol=1e-12, atol=1e-12)
    np.testing.assert_array_equal(fast.mask, arrays.mask)
    np.testing.assert_array_equal(fast.multiplicity, arrays.multiplicity)


def test_equal_momenta_keep_their_order():
    pt, eta = np.array([1.0, 3.0, 3.0, 3.0, 2.0]), np.array([0.1, 0.2, -0.3, 0.4, -0.5])
    jet = (pt, eta, np.zeros(5), pt, np.ones(5, bool))
    fast, arrays = (frame(*jet, KEEP).constituents for frame in (to_jet_frame, jet_frame_arrays.jet_frame))
    np.testing.assert_allclose(fast, arrays, rtol=0.0, atol=1e-15)


@given(padded_jets())
def test_jagged_and_padded_jets_are_the_same(jets):
    *values, mask = jets
    jagged = to_jet_frames(*(v[mask] for v in values), mask.sum(axis=1), KEEP)
    for one, other in zip(jagged, to_jet_frame(*jets, KEEP), strict=True):
        np.testing.assert_array_equal(one, other)


@given(padded_jets(jets=6, width=6, fewest=0), st.integers(1, 40))
def test_pieces_do_not_show(jets, constituents):
    whole = to_jet_frame(*jets, KEEP)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jet_frame, "CONSTITUENTS_AT_ONCE", constituents)
        pieces = to_jet_frame(*jets, KEEP)
    for one, other in zip(whole, pieces, strict=True):
        np.testing.assert_array_equal(one, other)


def test_no_jets_at_all():
    frame = to_jet_frames([], [], [], [], [], KEEP)
    assert (frame.constituents.shape, frame.mask.shape, frame.theta.shape) == ((0, KEEP, 4), (0, KEEP), (0,))


@given(padded_jets())
def test_principal_axis_lies_along_eta_and_energy_above_it(jets):
    pt, _, _, energy, mask = jets
    frame = to_jet_frame(*jets, pt.shape[-1])
    x, y, weight = (frame.constituents[..., i] for i in range(3))
    size = np.sum(weight * (x**2 + y**2), axis=-1)
    for moment in (np.sum(weight * x, -1), np.sum(weight * y, -1), np.sum(weight * x * y, -1)):
        assert np.all(np.abs(moment) < 1e-9 * (1.0 + size))
    assert np.all(np.sum(weight * x**2, -1) >= np.sum(weight * y**2, -1) - 1e-9 * size)
    energy = np.take_along_axis(energy, np.argsort(np.where(mask, -pt, np.inf), axis=-1), axis=-1)
    assert np.all(np.sum(energy * np.sign(x), axis=-1) >= -1e-9 * energy.sum(axis=-1))


@pytest.mark.parametrize(
    ("eta", "phi", "expected"),
    [
        ([-1.0, 1.0], [0.0, 0.0], 0.0),
        ([-1.0, 1.0], [-0.0, -0.0], 0.0),
        ([0.0, 0.0], [-1.0, 1.0], np.pi / 2),
        ([1e-300, -1e-300], [-1.0, 1.0], np.pi / 2),
        ([-1.0, 1.0], [-1.0, 1.0], np.pi / 4),
        ([-1.0, 1.0], [1.0, -1.0], -np.pi / 4),
        ([0.0, 0.0], [0.0, 0.0], 0.0),
    ],
)
def test_theta_of_known_pairs(eta, phi, expected):
    pt, real = np.array([2.0, 3.0]), np.array([True, True])
    theta = to_jet_frame(pt, eta, phi, pt, real, KEEP).theta
    assert theta == pytest.approx(expected, abs=1e-12)
    assert jet_frame_arrays.jet_frame(pt, eta, phi, pt, real, KEEP).theta == pytest.approx(expected, abs=1e-12)


def test_theta_never_is_minus_half_pi():
    tiny = np.array([-0.0, -5e-324, -1e-320, 0.0, 5e-324])[:, np.newaxis]
    eta, phi = np.concatenate([tiny, -tiny], axis=1), np.broadcast_to([1.0, -1.0], (5, 2))
    ones = np.ones((5, 2))
    np.testing.assert_array_equal(to_jet_frame(ones, eta, phi, ones, ones, KEEP).theta, np.pi / 2)


def test_empty_and_single_constituent_jets_are_finite():
    pt, mask = np.array([[5.0, 0.0], [0.0, 0.0]]), np.array([[True, False], [False, False]])
    frame = to_jet_frame(pt, pt, pt, pt, mask, 3)
    np.testing.assert_array_equal(frame.constituents[0, 0], [0.0, 0.0, 5.0, np.log(5.0)])
    np.testing.assert_array_equal(frame.multiplicity, [1, 0])
    assert np.all(frame.constituents[1] == 0.0)
    assert not frame.mask[1].any()
