"""Lund declusterings against FastJet's own, a walk with a priority queue, and jets worked out by hand."""

import heapq
import itertools
import math
import re

import awkward as ak
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_prep import extras
from data_prep.cluster import as_momenta, fat_jet_pairs
from data_prep.lund import lund_arrays
from tests.data_prep.some_jets import cluster_one, declustered, momenta_of, some_jets, trees_of
from tests.data_prep.test_cluster import as_objects, example_event

COUNTS = [1, 7, 2, 3, 40, 1, 12]


def lund(columns, counts, keep):
    return tuple(lund_arrays(trees_of(columns, counts), keep).values())


def coordinates(harder, softer):
    d_phi = math.remainder(softer.phi() - harder.phi(), 2 * math.pi)
    d_y = softer.rap() - harder.rap()
    delta, share = math.hypot(d_y, d_phi), softer.perp() / (softer.perp() + harder.perp())
    mass = (harder + softer).m()
    return -math.log(delta), math.log(softer.perp() * delta), math.log(share), math.log(mass), math.atan2(d_y, d_phi)


def best_first(momenta, keep):
    """Coordinates and parents by a priority queue over FastJet's declusterings."""
    sequence, rows, parents, number = cluster_one(momenta), [], [], itertools.count()
    waiting = []

    def offer(piece, parent):
        if (branches := declustered(piece)) is not None:
            values = coordinates(*branches)
            heapq.heappush(waiting, (-values[1], next(number), values, parent, branches))

    offer(sequence.inclusive_jets()[0], -1)
    while waiting and len(rows) < keep:
        _, _, values, parent, branches = heapq.heappop(waiting)
        for branch in branches:
            offer(branch, len(rows))
        rows.append(values)
        parents.append(parent)
    return rows, parents


@pytest.fixture(scope="module")
def columns():
    return some_jets(COUNTS, masses=(0.14, 0.5))


@pytest.mark.parametrize("keep", [1, 5, 60])
def test_the_hardest_declusterings_that_hang_together(columns, keep):
    values, mask, parent = lund(columns, COUNTS, keep)
    assert (values.dtype, mask.dtype, parent.dtype) == (np.float32, np.bool_, np.int32)
    assert values.shape == (len(COUNTS), keep, 5)
    assert mask.sum(axis=1).tolist() == [min(count - 1, keep) for count in COUNTS]
    for jet, momenta in enumerate(momenta_of(columns, COUNTS)):
        rows, parents = best_first(momenta, keep)
        np.testing.assert_allclose(values[jet, mask[jet]], np.reshape(rows, (-1, 5)), rtol=1e-5, atol=1e-5)
        assert parent[jet, mask[jet]].tolist() == parents
    assert not values[~mask].any()
    assert np.all(parent[~mask] == -1)


def test_parents_stand_before_children_and_have_at_most_two(columns):
    _, mask, parent = lund(columns, COUNTS, 20)
    for jet in range(len(COUNTS)):
        found = parent[jet, mask[jet]]
        assert np.all(found < np.arange(len(found)))
        assert np.all(found[1:] >= 0)
        assert np.all(np.bincount(found[1:], minlength=1) <= 2)


def test_fewer_declusterings_are_the_first_of_more(columns):
    for few, many in zip(lund(columns, COUNTS, 6), lund(columns, COUNTS, 60), strict=True):
        np.testing.assert_array_equal(few, many[:, :6])


def test_the_primary_plane_is_a_chain_of_the_tree(columns):
    """FastJet-contrib's declusterings along the harder branch: each is the child of the one before."""
    fastjet, counts = extras.fastjet(), np.array(COUNTS)
    objects = as_objects(np.repeat(np.arange(len(COUNTS)), COUNTS), *columns)
    definition = fastjet.JetDefinition(fastjet.cambridge_algorithm, 1000.0)
    primary = fastjet.ClusterSequence(as_momenta(objects, counts), definition).exclusive_jets_lund_declusterings(
        njets=1
    )
    values, mask, parent = lund(columns, COUNTS, 60)
    for jet in np.flatnonzero(counts > 1):
        before = -1
        chain = primary[jet, 0]
        for delta, kt in zip(ak.to_list(chain.Delta), ak.to_list(chain.kt), strict=True):
            off = np.hypot(values[jet, :, 0] + math.log(delta), values[jet, :, 1] - math.log(kt))
            place = np.where(mask[jet], off, np.inf).argmin()
            assert off[place] < 1e-5
            assert parent[jet, place] == before
            before = place


@pytest.mark.external
def test_primary_plane_of_fjcontrib_to_printed_digits(reference_data):
    text = (reference_data / "fjcontrib" / "LundPlane" / "example.ref").read_text()
    printed = [re.findall(r"\((\S+), (\S+)\)", line) for line in text.splitlines() if line.startswith("(")]
    objects = example_event(reference_data)
    pairs = fat_jet_pairs(objects, 1, 1.0, 10.0)
    members = objects.take(pairs.constituents)
    values, mask, parent = lund((members.pt, members.eta, members.phi, members.mass), pairs.counts.ravel(), 50)
    for jet in (0, 1):
        before = -1
        for point in np.array(printed[jet], float):
            off = np.where(mask[jet], np.abs(values[jet, :, :2] - point).max(axis=1), np.inf)
            assert off.min() < 1e-5
            assert parent[jet, off.argmin()] == before
            before = off.argmin()


def test_three_particles_by_hand():
    """100 and 25 GeV at a distance of 0.05, 10 GeV further away; the azimuth passes pi between the last two."""
    columns = np.array([[100.0, 0.4, 3.1, 0.0], [25.0, 0.43, 3.14, 0.0], [10.0, 0.9, -3.1, 0.0]]).T
    (rows,), (mask,), (parent,) = lund(columns, [3], 4)
    assert mask.tolist() == [True, True, False, False]
    assert parent.tolist() == [-1, 0, -1, -1]
    mass = math.sqrt(2 * 100 * 25 * (math.cosh(0.03) - math.cos(0.04)))
    close = [-math.log(0.05), math.log(25 * 0.05), math.log(0.2), math.log(mass), math.atan2(0.03, 0.04)]
    np.testing.assert_allclose(rows[1], close, rtol=1e-6)
    whole = mass**2 + sum(
        2 * 10 * pt * (math.cosh(0.9 - y) - math.cos(2 * math.pi - 3.1 - phi))
        for pt, y, phi in ((100, 0.4, 3.1), (25, 0.43, 3.14))
    )
    assert rows[0, 3] == pytest.approx(math.log(whole) / 2)
    assert rows[0, 2] == pytest.approx(
        math.log(10 / 135), rel=1e-3
    )  # the sum of the two has a little less than 125 GeV
    assert 0 < rows[0, 4] < math.pi / 2


@given(st.integers(0, 2**32 - 1), st.floats(-7, 7), st.floats(-1, 1), st.booleans())
def test_turning_boosting_and_mirroring_a_jet(seed, turn, boost, mirror):
    """Of massless constituents: rotation about the beam and boosts along it change nothing, a mirror changes psi."""
    counts, sign = [9], -1.0 if mirror else 1.0
    pt, eta, phi, mass = some_jets(counts, seed, masses=(0.0,))
    before = lund((pt, eta, phi, mass), counts, 8)
    after = lund((pt, sign * (eta + boost), phi + turn, mass), counts, 8)
    np.testing.assert_array_equal(after[2], before[2])
    np.testing.assert_allclose(after[0][..., :4], before[0][..., :4], rtol=1e-4, atol=1e-4)
    apart = after[0][..., 4] - sign * before[0][..., 4]
    np.testing.assert_allclose(np.cos(apart), 1.0, atol=1e-4)


def test_jets_of_one_constituent_have_no_declustering():
    values, mask, parent = lund(some_jets([1, 1]), [1, 1], 3)
    assert values.shape == (2, 3, 5)
    assert not mask.any()
    assert not values.any()
    assert np.all(parent == -1)


def test_particles_in_one_direction_give_finite_values():
    """Twins at one place, and a third one apart from them."""
    columns = np.array([[50.0, 1.0, 2.0, 0.0], [50.0, 1.0, 2.0, 0.0], [5.0, 1.2, 2.1, 0.0]]).T
    values, mask, _ = lund(columns, [3], 3)
    assert mask.sum() == 2
    assert np.all(np.isfinite(values))
    assert values[0, 1].tolist() == pytest.approx([math.log(1e5), math.log(50e-5), math.log(0.5), math.log(1e-3), 0.0])
