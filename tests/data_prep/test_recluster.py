"""Trees of reclustered jets against FastJet's plain interface and against the definition of the algorithm."""

import numpy as np
import pytest

from data_prep.recluster import subjets
from mscat_tf.physics.directions import direction
from mscat_tf.physics.four_vectors import Cartesian
from tests.data_prep.some_jets import cluster_one, declustered, momenta_of, some_jets, trees_of

COUNTS = [1, 7, 2, 3, 40, 1, 12]


def leaves(trees, piece):
    """Constituents that a piece is made of."""
    branches = trees.branches[piece]
    return {piece} if branches[0] < 0 else leaves(trees, branches[0]) | leaves(trees, branches[1])


def nearest_first(momenta):
    """Sets of constituents in the order of their joining: the nearest two in rapidity and azimuth, again and again."""
    pieces, made = [(p, {i}) for i, p in enumerate(momenta)], []
    while len(pieces) > 1:
        px, py, pz, energy = np.transpose([p for p, _ in pieces])
        y, phi = np.arctanh(pz / energy), np.arctan2(py, px)
        turn = phi[:, np.newaxis] - phi
        apart = (y[:, np.newaxis] - y) ** 2 + np.minimum(np.abs(turn), 2 * np.pi - np.abs(turn)) ** 2
        np.fill_diagonal(apart, np.inf)
        i, j = sorted(np.unravel_index(apart.argmin(), apart.shape))
        (b, others), (a, members) = pieces.pop(j), pieces.pop(i)
        pieces.append((a + b, members | others))
        made.append(members | others)
    return made


@pytest.fixture(scope="module")
def columns():
    return some_jets(COUNTS)


def test_nearest_pieces_are_joined_first(columns):
    trees = trees_of(columns, COUNTS)
    for jet, momenta in enumerate(momenta_of(columns, COUNTS)):
        first, last = trees.offsets[jet : jet + 2]
        found = [{i - first for i in leaves(trees, piece)} for piece in range(first + COUNTS[jet], last)]
        assert found == nearest_first(momenta)


@pytest.mark.parametrize("algorithm", ["cambridge", "kt"])
def test_trees_are_those_of_the_plain_interface(columns, algorithm):
    """Branches and momenta, from the jet down to every constituent."""
    trees = trees_of(columns, COUNTS, algorithm)
    for jet, momenta in enumerate(momenta_of(columns, COUNTS)):
        sequence = cluster_one(momenta, algorithm)
        waiting, seen = [(trees.offsets[jet + 1] - 1, sequence.inclusive_jets()[0])], 0
        while waiting:
            piece, known = waiting.pop()
            seen += 1
            expected = (known.px(), known.py(), known.pz(), known.E())
            np.testing.assert_allclose([p[piece] for p in trees.momentum], expected, rtol=1e-9, atol=1e-9)
            branches = declustered(known)
            assert (branches is None) == (trees.branches[piece, 0] < 0)
            waiting += zip(trees.branches[piece], branches, strict=True) if branches else []
        assert seen == 2 * COUNTS[jet] - 1


def test_four_momentum_is_conserved_and_the_harder_branch_is_first(columns):
    trees = trees_of(columns, COUNTS)
    sums = np.flatnonzero(trees.branches[:, 0] >= 0)
    assert len(sums) == sum(COUNTS) - len(COUNTS)
    for component in trees.momentum:
        np.testing.assert_allclose(component[sums], component[trees.branches[sums]].sum(axis=1), rtol=1e-9, atol=1e-9)
    pt = np.hypot(trees.momentum.px, trees.momentum.py)[trees.branches[sums]]
    assert np.all(pt[:, 0] >= pt[:, 1])


def test_winner_takes_all(columns):
    trees = trees_of(columns, COUNTS, "kt")
    sums = np.flatnonzero(trees.branches[:, 0] >= 0)
    whole = direction(Cartesian(*(p[sums] for p in trees.momentum)))
    hard, soft = (direction(Cartesian(*(p[trees.branches[sums, i]] for p in trees.momentum))) for i in (0, 1))
    np.testing.assert_allclose(whole.pt, hard.pt + soft.pt)
    np.testing.assert_allclose(whole.rapidity, hard.rapidity, rtol=1e-9)
    np.testing.assert_allclose(np.cos(whole.phi - hard.phi), 1.0)


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_subjets_are_the_exclusive_jets(columns, number):
    found = subjets(trees_of(columns, COUNTS, "kt"), number)
    for jet, momenta in enumerate(momenta_of(columns, COUNTS)):
        sequence = cluster_one(momenta, "kt")
        expected = sorted((p.perp(), p.rap(), p.phi_std()) for p in sequence.exclusive_jets_up_to(number))
        several = min(number, COUNTS[jet])
        np.testing.assert_allclose(
            sorted(zip(*(values[jet, :several] for values in found), strict=True)), expected, rtol=1e-9
        )
