"""The jet frame where invariances do not look: ties, signs of zero, types of what comes in, pieces, leading axes."""

import numpy as np
import pytest

from mscat_tf.physics import jet_frame, to_jet_frame, to_jet_frames
from mscat_tf.physics.jet_frame import frames_of_events, hardest_first, principal_angle, wrapped
from mscat_tf.physics.prepared_frame import FrameSteps, to_prepared_frames


def by_steps(*arguments):
    """The same frames from the module that can leave steps out."""
    return to_prepared_frames(*arguments, FrameSteps())


def some_jets(counts, seed=1):
    """pt, eta, phi, energy `(total,)` float32 of jets with so many constituents each."""
    rng = np.random.default_rng(seed)
    total = int(np.sum(counts))
    pt = rng.exponential(20.0, total) + 0.5
    eta, phi = rng.normal(0.0, 0.4, (2, total))
    return [values.astype("f4") for values in (pt, eta, phi, pt * np.cosh(eta))]


@pytest.mark.parametrize("frames", [to_jet_frames, by_steps])
@pytest.mark.parametrize(("energies", "mirrored"), [((5.0, 5.0), False), ((5.0, 5.5), False), ((5.5, 5.0), True)])
def test_only_a_jet_with_more_energy_below_is_mirrored(frames, energies, mirrored):
    """Two constituents of the same pt at eta -1 and 1: the energies alone decide, and a tie changes nothing."""
    frame = frames([2.0, 2.0], [-1.0, 1.0], [0.3, 0.3], energies, [2], 2)
    np.testing.assert_array_equal(frame.constituents[0, :, 0], [1.0, -1.0] if mirrored else [-1.0, 1.0])


def test_theta_zero_has_no_sign():
    """Products that are all -0.0 make the covariance -0.0: without care theta would be -0.0."""
    weight, x, y = np.array([1.0, 1.0]), np.array([-1.0, 1.0]), np.array([0.0, -0.0])
    assert np.signbit(np.add.reduceat(weight * x * y, [0]))[0]
    assert not np.signbit(principal_angle(weight, x, y, np.array([0])))[0]


@pytest.mark.parametrize("frames", [to_jet_frames, by_steps])
def test_arithmetic_is_of_double_precision_whatever_comes_in(frames):
    counts = np.array([3, 0, 7, 5], np.uint8)
    single = some_jets(counts)
    one, other = frames(*single, counts, 6), frames(*(values.astype("f8") for values in single), counts.tolist(), 6)
    for found, wanted in zip(one, other, strict=True):
        np.testing.assert_array_equal(found, wanted)
    assert (one.constituents.dtype, one.theta.dtype, one.multiplicity.dtype) == ("f8", "f8", "i8")


def test_leading_axes_are_those_of_the_mask():
    counts = np.array([[3, 0, 7], [5, 2, 1]])
    flat, mask = some_jets(counts), np.arange(7) < counts[..., np.newaxis]
    padded = [np.full(mask.shape, 9.0, "f4") for _ in flat]
    for rectangle, values in zip(padded, flat, strict=True):
        rectangle[mask] = values
    frame, jagged = to_jet_frame(*padded, mask, 4), to_jet_frames(*flat, counts.ravel(), 4)
    assert [values.shape for values in frame] == [(2, 3, 4, 4), (2, 3, 4), (2, 3), (2, 3)]
    for found, wanted in zip(frame, jagged, strict=True):
        np.testing.assert_array_equal(found.reshape(wanted.shape), wanted)


def test_jets_are_worked_on_in_pieces_of_the_size_of_a_cache(monkeypatch):
    """420 constituents at about 100 a time: no piece is longer than that and one jet."""
    sizes, fill = [], jet_frame._fill
    monkeypatch.setattr(jet_frame, "CONSTITUENTS_AT_ONCE", 100)
    monkeypatch.setattr(jet_frame, "_fill", lambda frame, pt, *rest: (sizes.append(len(pt)), fill(frame, pt, *rest)))
    counts = np.full(60, 7)
    to_jet_frames(*some_jets(counts), counts, 5)
    assert sum(sizes) == 420
    assert max(sizes) <= 107
    assert min(sizes[:-1]) >= 93


def test_jets_in_order_are_not_sorted_again():
    """Equal momenta, and a harder constituent at the start of the next jet, are in order too."""
    pt, other = np.array([9.0, 4.0, 4.0, 1.0, 7.0, 2.0, 8.0]), np.arange(7.0)
    starts, jet = np.array([0, 4, 6]), np.repeat([0, 1, 2], [4, 2, 1])
    assert hardest_first(pt, other, other, other, starts, jet)[0] is pt
    turned = hardest_first(pt[[1, 0, 2, 3, 5, 4, 6]], other, other, other, starts, jet)
    np.testing.assert_array_equal(turned[0], pt)
    np.testing.assert_array_equal(turned[1], [1.0, 0.0, 2.0, 3.0, 5.0, 4.0, 6.0])


@pytest.mark.parametrize("frames", [to_jet_frames, by_steps])
def test_logarithms_of_soft_constituents(frames):
    """Below 1 GeV they are negative; a constituent without momentum has 0, as padding has, and no warning."""
    frame = frames([3.0, 0.5, 0.0], [0.1, 0.2, 0.3], [0.0, 0.1, 0.2], [3.0, 0.5, 0.0], [3], 4)
    np.testing.assert_allclose(frame.constituents[0, :, 3], [np.log(3.0), np.log(0.5), 0.0, 0.0])
    np.testing.assert_array_equal(frame.mask[0], [True, True, True, False])


@pytest.mark.parametrize("frames", [to_jet_frames, by_steps])
def test_a_jet_without_momentum_stays_where_it_is_and_its_neighbour_does_not_notice(frames):
    frame = frames([0.0, 0.0, 1.0], [0.3, 0.3, 0.7], [0.0, 0.0, 0.2], [0.0, 0.0, 1.0], [2, 1], 2)
    np.testing.assert_allclose(frame.constituents[0, :, 0], [0.3, 0.3])
    np.testing.assert_allclose(frame.constituents[1, 0], [0.0, 0.0, 1.0, 0.0], atol=1e-15)


def test_wrapped_angles_are_above_minus_pi_and_at_most_pi():
    found = wrapped(np.array([-np.pi, np.pi, 3.0, -3.0, 4.0, -4.0]))
    expected = [np.pi, np.pi, 3.0, -3.0, 4.0 - 2 * np.pi, 2 * np.pi - 4.0]
    np.testing.assert_allclose(found, expected, rtol=1e-15)


def test_frames_of_events_are_those_of_their_jets():
    """The energy is made of the mass here; events and jets are leading axes of what comes out."""
    counts = np.array([[3, 0], [5, 2], [1, 4]])
    pt, eta, phi, _ = some_jets(counts, seed=3)
    mass = np.random.default_rng(4).exponential(0.4, len(pt))
    frames = frames_of_events(pt, eta, phi, mass, counts.tolist(), 4)
    assert [values.shape for values in frames] == [(3, 2, 4, 4), (3, 2, 4), (3, 2), (3, 2)]
    ends = np.cumsum(counts)
    for number, (end, count) in enumerate(zip(ends, counts.ravel(), strict=True)):
        own = slice(end - count, end)
        energy = np.hypot(mass[own], pt[own].astype("f8") * np.cosh(eta[own].astype("f8")))
        alone = to_jet_frames(pt[own], eta[own], phi[own], energy, [count], 4)
        event, jet = divmod(number, 2)
        for found, wanted in zip(frames, alone, strict=True):
            np.testing.assert_allclose(found[event, jet], wanted[0], rtol=1e-9, atol=1e-12)
