"""Grooming against FastJet-contrib's printed numbers and against direct reclustering, one jet at a time."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_prep.cluster import fat_jet_pairs
from data_prep.detector import detect
from data_prep.detector_card import load_card
from data_prep.groom import groom
from data_prep.shard import ShardJob, make_shard
from mscat_tf.config.sample import FatJets
from mscat_tf.physics import add_four_vectors, to_cartesian
from tests.data_prep.conftest import quick_settings
from tests.data_prep.test_cluster import as_objects, as_printed, assert_to_printed_digits, example_event, printed_jets

SOFT_DROPS = [{"z_cut": 0.1, "beta": 0.0}, {"z_cut": 0.2, "beta": 1.0}]


@pytest.fixture(scope="module")
def clustered(signal_particles):
    objects = detect(signal_particles, load_card("atlas_like"), np.random.default_rng(1))
    return objects, fat_jet_pairs(objects, 100, 1.0, 200.0)


def split(pairs):
    """Indices of the constituents of each jet, and its event."""
    members = np.split(pairs.constituents, np.cumsum(pairs.counts.ravel())[:-1])
    return [set(indices.tolist()) for indices in members]


def momenta(objects, indices):
    chosen = objects.take(np.array(sorted(indices)))
    return {i: np.array(p) for i, *p in zip(sorted(indices), *to_cartesian(*chosen_columns(chosen)), strict=True)}


def chosen_columns(objects):
    return objects.pt, objects.eta, objects.phi, objects.mass


def rapidity(p):
    return math.atanh(p[2] / p[3])


def distance(a, b):
    d_phi = math.remainder(math.atan2(a[1], a[0]) - math.atan2(b[1], b[0]), 2 * math.pi)
    return math.hypot(rapidity(a) - rapidity(b), d_phi)


def closest_pair(pieces, weight):
    pairs = ((i, j) for i in range(len(pieces)) for j in range(i))
    return min(pairs, key=lambda pair: weight(pieces[pair[0]][0], pieces[pair[1]][0]))


def soft_drop(particles, z_cut, beta):
    """Join the nearest pieces until one is left, then walk back along the harder branch (arXiv:1402.2657, eq. 1)."""
    pieces = [(p, {i}, None) for i, p in particles.items()]
    while len(pieces) > 1:
        i, j = closest_pair(pieces, distance)
        first, second = pieces.pop(i), pieces.pop(j)
        pieces.append((first[0] + second[0], first[1] | second[1], (first, second)))
    jet = pieces[0]
    while jet[2] is not None:
        hard, soft = sorted(jet[2], key=lambda piece: -math.hypot(*piece[0][:2]))
        pts = [math.hypot(*piece[0][:2]) for piece in (hard, soft)]
        if pts[1] / sum(pts) > z_cut * distance(hard[0], soft[0]) ** beta:
            break
        jet = hard
    return jet[1]


def trim(particles, subjet_radius, pt_fraction_min):
    """kT subjets by the definition; those below a fraction of the jet's transverse momentum go (arXiv:0912.1342)."""
    jet_pt = math.hypot(*sum(particles.values())[:2])
    pieces, kept = [(p, {i}) for i, p in particles.items()], set()

    def pt2(p):
        return p[0] ** 2 + p[1] ** 2

    def measure(a, b):
        return min(pt2(a), pt2(b)) * (distance(a, b) / subjet_radius) ** 2

    while pieces:
        lowest = min(range(len(pieces)), key=lambda i: pt2(pieces[i][0]))
        pair = closest_pair(pieces, measure) if len(pieces) > 1 else None
        if pair is not None and measure(pieces[pair[0]][0], pieces[pair[1]][0]) < pt2(pieces[lowest][0]):
            first, second = pieces.pop(pair[0]), pieces.pop(pair[1])
            pieces.append((first[0] + second[0], first[1] | second[1]))
        else:
            momentum, members = pieces.pop(lowest)
            if math.sqrt(pt2(momentum)) > pt_fraction_min * jet_pt:
                kept |= members
    return kept


def small(objects, pairs, count=3):
    """Some events with the least constituents: the direct versions are slow."""
    order = np.argsort(pairs.counts.max(axis=1))[:count]
    chosen = objects.take(np.isin(objects.event, pairs.event[order]))
    return chosen, fat_jet_pairs(chosen, int(objects.event.max()) + 1, 1.0, 200.0)


@pytest.mark.external
def test_soft_drop_of_fjcontrib_to_printed_digits(reference_data):
    """Three jets of the soft-drop example: z_cut = 0.1, beta = 2, R0 = 1."""
    path = reference_data / "fjcontrib" / "RecursiveTools" / "example_softdrop.ref"
    printed = printed_jets(path, "SoftDropped")
    settings = FatJets(groom="soft_drop", grooming={"z_cut": 0.1, "beta": 2.0}, pt_min=10.0)
    objects = example_event(reference_data)
    pairs = fat_jet_pairs(objects, 1, 1.0, 10.0)
    assert_to_printed_digits(as_printed(groom(pairs, objects, settings).jets)[0], printed[:2])
    rest = objects.take(~np.isin(np.arange(354), pairs.constituents[:35]))
    pairs = fat_jet_pairs(rest, 1, 1.0, 10.0)
    assert_to_printed_digits(as_printed(groom(pairs, rest, settings).jets)[0], printed[1:])


@pytest.mark.parametrize("parameters", SOFT_DROPS)
def test_soft_drop_is_a_walk_back_through_the_clustering(clustered, parameters):
    objects, pairs = small(*clustered)
    expected = [soft_drop(momenta(objects, jet), **parameters) for jet in split(pairs)]
    found = split(groom(pairs, objects, FatJets(groom="soft_drop", grooming=parameters)))
    assert sorted(map(sorted, found)) == sorted(map(sorted, expected))
    assert found != split(pairs), "nothing was groomed away"


def test_trimming_is_a_reclustering(clustered):
    objects, pairs = small(*clustered, count=12)
    expected = [trim(momenta(objects, jet), 0.2, 0.05) for jet in split(pairs)]
    found = split(groom(pairs, objects, FatJets(groom="trim")))
    assert sorted(map(sorted, found)) == sorted(map(sorted, expected))
    assert found != split(pairs), "nothing was groomed away"


@pytest.mark.parametrize("method", ["trim", "soft_drop"])
def test_groomed_jets_are_parts_of_the_jets_and_lighter(clustered, method):
    objects, pairs = clustered
    after = groom(pairs, objects, FatJets(groom=method))
    np.testing.assert_array_equal(after.event, pairs.event)
    assert np.all(after.jets.pt[:, 0] >= after.jets.pt[:, 1])
    before, swapped = split(pairs), 0
    for number, jet in enumerate(split(after)):
        parent = number if jet <= before[number] else number ^ 1
        swapped += parent != number
        assert jet
        assert jet <= before[parent]
        assert after.jets.mass.ravel()[number] <= pairs.jets.mass.ravel()[parent] * (1 + 1e-9)
        total = sum(momenta(objects, jet).values())
        assert math.hypot(*total[:2]) == pytest.approx(after.jets.pt.ravel()[number])
    assert swapped > 0, "no event tests the new order"
    assert np.all(
        np.diff(objects.pt[after.constituents])[
            np.diff(np.repeat(np.arange(after.counts.size), after.counts.ravel())) == 0
        ]
        <= 0
    )


@given(
    st.floats(0.3, 0.7),
    st.floats(0.3, 0.5),
    st.floats(-3.1, 3.1),
    st.sampled_from(["trim", "soft_drop"]),
)
def test_two_prongs_survive_and_a_soft_one_does_not(share, opening, phi, method):
    """Two hard prongs in each jet, and something soft further from both than they are apart: it alone goes."""
    pt = np.array([share, 1 - share, 0.01]) * 500.0
    eta, angle = np.array([0.0, opening, 0.4]), phi + np.array([0.0, 0.0, 0.6])
    objects = as_objects(
        np.zeros(6, np.int64),
        np.concatenate([pt, pt * 0.9]),
        np.concatenate([eta, -eta]),
        np.concatenate([angle, angle + np.pi]),
        np.zeros(6),
    )
    pairs = fat_jet_pairs(objects, 1, 1.0, 100.0)
    assert sorted(map(sorted, split(pairs))) == [[0, 1, 2], [3, 4, 5]]
    after = groom(pairs, objects, FatJets(groom=method))
    assert sorted(map(sorted, split(after))) == [[0, 1], [3, 4]]


def test_grooming_is_off_by_default_and_needs_no_jets(clustered):
    objects, pairs = clustered
    assert groom(pairs, objects, FatJets()) is pairs
    none = fat_jet_pairs(objects, 100, 1.0, 1e5)
    assert len(groom(none, objects, FatJets(groom="trim")).event) == 0


def test_a_groomed_sample_holds_groomed_jets():
    """Masses and multiplicities in the file are those of its raw constituents, and unlike those without grooming."""
    job = ShardJob("signal", 0, 8)
    groomed, plain = (make_shard(quick_settings(fat_jets={"groom": method}), job)[1] for method in ("trim", "none"))
    pt, eta, phi, mass = groomed["raw/constituents"].T[:4]
    for jet, (start, stop) in enumerate(itertools.pairwise(groomed["raw/offsets"])):
        total = add_four_vectors(*(column[start:stop] for column in (pt, eta, phi, mass)))
        assert total.mass == pytest.approx(groomed["kinematics"][jet // 2, jet % 2, 0], rel=1e-4)
    assert groomed["multiplicity"].mean() < 0.9 * plain["multiplicity"].mean()
