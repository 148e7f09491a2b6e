"""Colour lines: each has two ends, flows have the right probabilities, pairs are never connected to themselves."""

import numpy as np
import pytest

from data_prep.colour_flow import colour_flows
from mscat_tf.errors import InputError


def momenta(events, rng):
    """Two incoming partons and two back-to-back collimated pairs (b, b, anti-b, anti-b), massless."""
    direction = rng.normal(size=(events, 3))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    spread = 0.1 * rng.normal(size=(events, 4, 3))
    three = 300.0 * (np.stack([direction, -direction, direction, -direction], axis=1) + spread)
    quarks = np.concatenate([three, np.linalg.norm(three, axis=-1, keepdims=True)], axis=-1)
    beams = np.zeros((events, 2, 4))
    beams[:, :, 3] = quarks[..., 3].sum(axis=1, keepdims=True) / 2
    beams[:, 0, 2], beams[:, 1, 2] = beams[:, 0, 3], -beams[:, 1, 3]
    return np.concatenate([beams, quarks], axis=1)


def events_of(incoming, events=400, seed=1):
    rng = np.random.default_rng(seed)
    pdg_id = np.tile([*incoming, 5, 5, -5, -5], (events, 1))
    return pdg_id, momenta(events, rng), rng


@pytest.mark.parametrize(("incoming", "lines"), [((21, 21), 4), ((2, -2), 3), ((-1, 1), 3)])
def test_every_line_has_two_ends_of_the_right_kind(incoming, lines):
    pdg_id, momentum, rng = events_of(incoming)
    colour, anticolour = colour_flows(pdg_id, momentum, rng)
    entering = np.array([True, True, False, False, False, False])
    for identity, own, conjugate in zip(pdg_id, colour, anticolour, strict=True):
        begins = sorted([*own[~entering & (own > 0)], *conjugate[entering & (conjugate > 0)]])
        ends = sorted([*conjugate[~entering & (conjugate > 0)], *own[entering & (own > 0)]])
        assert begins == ends
        assert len(set(begins)) == len(begins) == lines
        assert np.all((own > 0) == ((identity == 21) | (identity > 0)))
        assert np.all((conjugate > 0) == ((identity == 21) | (identity < 0)))


def test_a_quark_is_never_connected_to_its_partner():
    """Pairs of 5 GeV within 0.1 of each other: the pairing is certain, and no line joins the two of a pair."""
    pdg_id, momentum, rng = events_of((21, 21))
    colour, anticolour = colour_flows(pdg_id, momentum, rng)
    total = momentum[:, 2:4, np.newaxis] + momentum[:, np.newaxis, 4:6]
    mass = total[..., 3] ** 2 - np.sum(total[..., :3] ** 2, axis=-1)
    collimated = mass[:, 0, 0] * mass[:, 1, 1] < 1e-4 * mass[:, 0, 1] * mass[:, 1, 0]
    assert collimated.sum() > 100
    same = colour[:, 2:4] == anticolour[:, 4:6]
    assert not same[collimated].any()


def test_pairings_follow_their_weights():
    """One event thrown many times: shares of the two pairings against 1 / (m^2 m^2), written out here."""
    pdg_id, momentum, _ = events_of((21, 21), events=1)
    momentum[0, 2:] = np.random.default_rng(3).normal(size=(4, 4))
    momentum[0, 2:, 3] = np.linalg.norm(momentum[0, 2:, :3], axis=-1)
    b, c, d, e = momentum[0, 2:]

    def squared(total):
        return total[3] ** 2 - total[:3] @ total[:3]

    straight, crossed = 1 / (squared(b + d) * squared(c + e)), 1 / (squared(b + e) * squared(c + d))
    events = 20_000
    rng = np.random.default_rng(4)
    colour, anticolour = colour_flows(np.repeat(pdg_id, events, 0), np.repeat(momentum, events, 0), rng)
    share = straight / (straight + crossed)
    assert abs(_thrown_pairing(colour, anticolour).mean() - share) < 5 * np.sqrt(share * (1 - share) / events)


def _thrown_pairing(colour, anticolour):
    """True where following the colour from quark 2 through gluons ends on antiquark 5: pairing (2, 4), (3, 5)."""
    result = np.zeros(len(colour), bool)
    for event, (own, conjugate) in enumerate(zip(colour, anticolour, strict=True)):
        line = own[2]
        while True:
            ends = np.flatnonzero(conjugate[2:] == line) + 2
            if len(ends):
                result[event] = ends[0] == 5
                break
            gluon = int(np.flatnonzero(own[:2] == line)[0])  # enters an incoming gluon by its colour
            line = conjugate[gluon]
    return result


def test_orders_of_gluons_follow_the_antenna_weights():
    """Shares of the six cyclic orders of one event against 1 / (product of neighbours), written out here."""
    pdg_id, momentum, _ = events_of((21, 21), events=1, seed=5)
    events, rng = 30_000, np.random.default_rng(6)
    colour, anticolour = colour_flows(np.repeat(pdg_id, events, 0), np.repeat(momentum, events, 0), rng)
    assert _thrown_pairing(colour, anticolour).mean() > 0.99
    pairs = {2: momentum[0, 2] + momentum[0, 4], 3: momentum[0, 3] + momentum[0, 5]}
    nodes = {0: momentum[0, 0], 1: momentum[0, 1], **pairs}

    def dot(i, j):
        return abs(nodes[i][3] * nodes[j][3] - nodes[i][:3] @ nodes[j][:3])

    both_on_one_line = {(0, 1, 2, 3), (0, 1, 3, 2), (0, 2, 3, 1), (0, 3, 2, 1)}  # the pairs are neighbours
    weight = {
        order: 1 / (dot(order[0], order[1]) * dot(order[1], order[2]) * dot(order[2], order[3]) * dot(order[3], 0))
        for order in [*both_on_one_line, (0, 2, 1, 3), (0, 3, 1, 2)]
    }
    expected = sum(weight[order] for order in both_on_one_line) / sum(weight.values())
    direct = (colour[:, 2] == anticolour[:, 5]) | (colour[:, 3] == anticolour[:, 4])
    assert abs(direct.mean() - expected) < 0.01 + 5 * np.sqrt(expected * (1 - expected) / events)


def test_other_processes_are_refused():
    pdg_id, momentum, rng = events_of((21, 2), events=2)
    with pytest.raises(InputError, match="incoming partons must be two gluons"):
        colour_flows(pdg_id, momentum, rng)
    pdg_id, momentum, rng = events_of((21, 21), events=2)
    pdg_id[0, 2] = 4
    with pytest.raises(InputError, match="two b and two anti-b"):
        colour_flows(pdg_id, momentum, rng)
