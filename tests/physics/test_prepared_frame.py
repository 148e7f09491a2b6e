import numpy as np
import pytest
from hypothesis import given

from mscat_tf.physics import to_jet_frames, wrap_phi
from mscat_tf.physics.jet_frame import principal_angle
from mscat_tf.physics.prepared_frame import FrameSteps, to_prepared_frames
from mscat_tf.physics.released_preparation import foreign_azimuths, half_wrong_angle, opposite_signs
from tests.strategies import padded_jets

NOTHING = FrameSteps("none", "none", "none", "unsorted")


def toy_jets(jets, constituents, seed=1):
    """pt, eta, phi, energy `(total,)` of elongated jets at random angles about phi = pi, and their counts."""
    rng = np.random.default_rng(seed)
    along, across = rng.normal(0.0, [[[0.3]], [[0.1]]], (2, jets, constituents))
    angle = rng.uniform(-np.pi, np.pi, (jets, 1))
    eta = 0.5 + np.cos(angle) * along - np.sin(angle) * across
    phi = wrap_phi(np.pi + np.sin(angle) * along + np.cos(angle) * across)
    pt = rng.exponential(20.0, (jets, constituents)) + 0.5
    return [values.ravel() for values in (pt, eta, phi, pt * np.cosh(eta))], np.full(jets, constituents)


def starts_of(counts):
    return np.cumsum(counts) - counts


@given(padded_jets(fewest=0))
def test_default_steps_are_the_jet_frame(jets):
    *values, mask = jets
    flat, counts = [v[mask] for v in values], mask.sum(axis=1)
    for one, other in zip(
        to_prepared_frames(*flat, counts, 5, FrameSteps()), to_jet_frames(*flat, counts, 5), strict=True
    ):
        np.testing.assert_array_equal(one, other)


def test_without_any_step_constituents_are_those_of_the_laboratory_in_their_order():
    flat, counts = toy_jets(30, 12)
    frame = to_prepared_frames(*flat, counts, 8, NOTHING)
    for column, values in ((0, flat[1]), (1, flat[2]), (2, flat[0])):
        np.testing.assert_allclose(frame.constituents[..., column], values.reshape(30, 12)[:, :8], atol=1e-12)
    np.testing.assert_allclose(frame.theta, to_jet_frames(*flat, counts, 8).theta, atol=1e-12)


def test_without_shift_jets_are_turned_about_their_own_centroid():
    """Moved back to it, they are those of the jet frame."""
    flat, counts = toy_jets(30, 12)
    left, moved = (to_prepared_frames(*flat, counts, 12, FrameSteps(shift=shift)) for shift in ("none", "centroid"))
    pt, eta, phi, _ = (values.reshape(30, 12) for values in flat)
    mean_eta = np.average(eta, axis=1, weights=pt)[:, np.newaxis]
    mean_phi = np.pi + np.average(wrap_phi(phi - np.pi), axis=1, weights=pt)[:, np.newaxis]
    np.testing.assert_allclose(left.constituents[..., 0] - mean_eta, moved.constituents[..., 0], atol=1e-12)
    np.testing.assert_allclose(wrap_phi(left.constituents[..., 1] - mean_phi), moved.constituents[..., 1], atol=1e-12)


def test_steps_left_out_leave_axis_and_sides_as_they_come():
    flat, counts = toy_jets(200, 12)
    pt, eta, phi, energy = (values.reshape(200, 12) for values in flat)
    y = wrap_phi(phi - np.pi)
    x, y = (values - np.average(values, axis=1, weights=pt)[:, np.newaxis] for values in (eta, y))
    frame = to_prepared_frames(*flat, counts, 12, FrameSteps(rotate="none", flip="none", order="unsorted"))
    np.testing.assert_allclose(frame.constituents[..., 0], x, atol=1e-12)
    np.testing.assert_allclose(frame.constituents[..., 1], y, atol=1e-12)
    turned = to_prepared_frames(*flat, counts, 12, FrameSteps(flip="none", order="unsorted")).constituents[..., 0]
    heavier_above = np.sum(energy * np.sign(turned), axis=1) > 0
    assert 60 < heavier_above.sum() < 140


def test_half_wrong_angle_is_right_in_half_of_the_jets():
    """Where eta varies less than phi the axis comes to lie along phi, elsewhere at twice its angle and a quarter."""
    flat, counts = toy_jets(20_000, 6)
    pt, eta, phi, _ = flat
    starts, jet = starts_of(counts), np.repeat(np.arange(20_000), 6)
    x, y = eta, wrap_phi(phi - np.pi)
    x, y = (v - (np.add.reduceat(pt * v, starts) / np.add.reduceat(pt, starts))[jet] for v in (x, y))
    before, angle = principal_angle(pt, x, y, starts), half_wrong_angle(pt, x, y, starts)
    turned_x, turned_y = (
        np.cos(angle)[jet] * x - np.sin(angle)[jet] * y,
        np.sin(angle)[jet] * x + np.cos(angle)[jet] * y,
    )
    after = principal_angle(pt, turned_x, turned_y, starts)
    vertical = np.abs(np.cos(after)) < 1e-6
    wider_in_eta = np.add.reduceat(pt * (x**2 - y**2), starts) > 0
    np.testing.assert_array_equal(vertical, ~wider_in_eta)
    assert 0.48 < vertical.mean() < 0.52
    expected = 2.0 * before[wider_in_eta] + 0.5 * np.pi
    assert np.max(np.abs(np.sin(after[wider_in_eta] - expected))) < 1e-6
    frame = to_prepared_frames(*flat, counts, 6, FrameSteps(rotate="half_wrong", flip="none"))
    np.testing.assert_allclose(frame.theta, angle, atol=1e-9)
    moments = np.sum(frame.constituents[..., 2] * frame.constituents[..., 0] * frame.constituents[..., 1], axis=1)
    assert np.max(np.abs(moments[vertical])) < 1e-9 * pt.max()


def test_opposite_flip_puts_transverse_momentum_at_negative_eta_and_positive_phi():
    flat, counts = toy_jets(500, 9)
    frame = to_prepared_frames(*flat, counts, 9, FrameSteps(flip="opposite"))
    x, y, pt = (frame.constituents[..., column] for column in range(3))
    assert np.all(np.sum(pt * np.sign(x), axis=1) < 0.0)
    assert np.all(np.sum(pt * np.sign(y), axis=1) > 0.0)
    as_it_is = to_prepared_frames(*flat, counts, 9, FrameSteps())
    np.testing.assert_allclose(np.abs(frame.constituents), np.abs(as_it_is.constituents), atol=1e-12)


def test_opposite_signs_of_known_jets():
    weight, x, y = np.array([3.0, 1.0, 2.0, 2.0]), np.array([0.5, -0.5, -1.0, -0.1]), np.array([-0.1, 0.2, 0.0, 0.4])
    signs = opposite_signs(weight, x, y, np.array([0, 2]))
    np.testing.assert_array_equal(signs, [[-1.0, 1.0], [-1.0, 1.0]])


def test_unsorted_constituents_keep_those_that_come_first():
    flat, counts = toy_jets(50, 20)
    frame = to_prepared_frames(*flat, counts, 7, FrameSteps(order="unsorted"))
    np.testing.assert_array_equal(frame.constituents[..., 2], flat[0].reshape(50, 20)[:, :7])
    hardest = to_prepared_frames(*flat, counts, 7, FrameSteps()).constituents[..., 2]
    assert np.all(frame.constituents[..., 2].sum(axis=1) < hardest.sum(axis=1))


def test_foreign_azimuths_end_with_those_of_padding():
    foreign = np.array([0.1, 0.2, 0.3, 1.0, 2.0, 2.5])
    found = foreign_azimuths(np.array([2, 0, 4]), foreign, np.array([3, 1, 2]))
    np.testing.assert_array_equal(found, [0.1, 0.2, 2.0, 2.5, 0.0, 0.0])


@pytest.mark.parametrize("rotate", ["principal", "half_wrong", "none"])
def test_empty_and_single_constituent_jets_are_finite(rotate):
    steps = FrameSteps("none", rotate, "opposite", "unsorted")
    frame = to_prepared_frames([5.0], [0.3], [0.4], [6.0], [0, 1], 3, steps)
    np.testing.assert_allclose(frame.constituents[1, 0], [0.3, 0.4, 5.0, np.log(5.0)], atol=1e-15)
    assert np.all(frame.constituents[0] == 0.0)
    assert to_prepared_frames([], [], [], [], [], 3, steps).constituents.shape == (0, 3, 4)
