import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from data_prep.btag import (
    BOTTOM,
    CHARM,
    Hadrons,
    event_probability,
    flavours,
    flavours_in_fat_jets,
    flavours_of_ghosts,
    rates_in_fat_jets,
    rates_of,
    tag_count_probabilities,
)
from data_prep.cluster import TrackJets, fat_jet_pairs, places_of_ghosts, track_jets
from data_prep.detector import Objects, detect
from data_prep.detector_card import load_card
from data_prep.tagging import tags
from mscat_tf.config.sample import BTagging
from tests import oracles
from tests.data_prep.conftest import quick_settings

rate = st.floats(0.0, 1.0)


@given(rate)
def test_a_single_track_jet_is_never_two_tags(own):
    """Exactly 0, or the raw count of the tag in the cut flow would count it."""
    assert tag_count_probabilities(np.array([[own, 0.0, 0.0]]))[0, 2] == 0.0


def test_two_b_jets_each_by_hand():
    """(0.8^2)^2, the most common weight of the signal."""
    assert event_probability(np.full((1, 2, 2), BTagging().b_efficiency), 2)[0] == pytest.approx(0.4096)


def distance(jets, j, hadrons, h):
    return math.hypot(jets.eta[j] - hadrons.eta[h], math.remainder(jets.phi[j] - hadrons.phi[h], 2 * math.pi))


@given(st.integers(0, 2**32 - 1))
def test_labels_are_what_a_loop_gives(seed):
    rng = np.random.default_rng(seed)
    event = np.sort(rng.integers(0, 4, 9))
    jets = TrackJets(event, rng.uniform(-1, 1, 9), rng.uniform(-np.pi, np.pi, 9), np.ones(9))
    bottom, charm = (
        Hadrons(rng.integers(0, 4, n), rng.uniform(-1, 1, n), rng.uniform(-np.pi, np.pi, n), np.ones(n)) for n in (5, 6)
    )
    expected = [0] * 9
    for hadrons, flavour in ((charm, CHARM), (bottom, BOTTOM)):
        for h in range(len(hadrons.event)):
            near = [(distance(jets, j, hadrons, h), j) for j in range(9) if jets.event[j] == hadrons.event[h]]
            if near and min(near)[0] < 0.8:
                expected[min(near)[1]] = flavour
    assert flavours(jets, 4, bottom, charm, 0.8).tolist() == expected


@given(st.integers(0, 2**32 - 1))
def test_every_track_jet_counts_once_in_the_nearest_fat_jet(seed):
    rng = np.random.default_rng(seed)
    jets = TrackJets(
        np.sort(rng.integers(0, 3, 12)), rng.uniform(-2, 2, 12), rng.uniform(-np.pi, np.pi, 12), np.ones(12)
    )
    flavour = rng.choice([0, CHARM, BOTTOM], 12)
    fat = Hadrons(np.arange(3), rng.uniform(-1, 1, (3, 2)), rng.uniform(-np.pi, np.pi, (3, 2)), np.ones((3, 2)))
    expected = np.zeros((3, 2, 3), int)
    for j in range(12):
        e = jets.event[j]
        near = [(distance(jets, j, Hadrons(None, fat.eta[e], fat.phi[e], None), k), k) for k in range(2)]
        if min(near)[0] < 1.0:
            expected[e, min(near)[1], {BOTTOM: 0, CHARM: 1, 0: 2}[flavour[j]]] += 1
    np.testing.assert_array_equal(flavours_in_fat_jets(jets, flavour, fat.eta, fat.phi, 1.0), expected)


def test_no_hadrons_and_no_jets():
    none = Hadrons(np.empty(0, np.int64), np.empty(0), np.empty(0), np.empty(0))
    jets = TrackJets(np.empty(0, np.int64), np.empty(0), np.empty(0), np.empty(0))
    assert flavours(jets, 3, none, none, 0.3).shape == (0,)
    some = Hadrons(np.array([1]), np.zeros(1), np.zeros(1), np.ones(1))
    assert flavours(jets, 3, some, some, 0.3).shape == (0,)


@given(st.lists(st.lists(rate, min_size=6, max_size=6), min_size=2, max_size=2))
def test_weights_of_all_combinations_of_tags_sum_to_one(rates):
    """Over both fat jets: nine combinations of none, one and two or more tags, against all 2^12 outcomes."""
    found = tag_count_probabilities(np.array([rates]))
    combinations = found[:, 0, :, np.newaxis] * found[:, 1, np.newaxis, :]
    assert combinations.sum() == pytest.approx(1.0, abs=1e-12)
    for needed in (1, 2):
        by_hand = oracles.tag_probability(rates, needed)
        assert combinations[0, needed:, needed:].sum() == pytest.approx(by_hand, abs=1e-12)
        assert event_probability(np.array([rates]), needed)[0] == pytest.approx(by_hand, abs=1e-12)


@given(st.integers(0, 2**32 - 1))
def test_track_jets_and_their_numbers_give_the_same_weight(seed):
    rng, settings = np.random.default_rng(seed), BTagging()
    jets = TrackJets(
        np.sort(rng.integers(0, 3, 14)), rng.uniform(-2, 2, 14), rng.uniform(-np.pi, np.pi, 14), np.ones(14)
    )
    flavour = rng.choice([0, CHARM, BOTTOM], 14)
    fat = rng.uniform(-1, 1, (3, 2)), rng.uniform(-np.pi, np.pi, (3, 2))
    rates = rates_in_fat_jets(jets, rates_of(jets, flavour, settings), *fat, 1.0)
    own = settings.b_efficiency, settings.c_mistag, settings.light_mistag
    wanted = [
        oracles.tag_probability([np.repeat(own, numbers) for numbers in event], 2)
        for event in flavours_in_fat_jets(jets, flavour, *fat, 1.0)
    ]
    np.testing.assert_allclose(event_probability(rates, 2), wanted, atol=1e-12)


def test_a_map_gives_its_rate_in_each_bin():
    table = {"pt_edges": (20, 50, 100), "abs_eta_edges": (0, 1, 2.5), "rates": ((0.1, 0.2), (0.3, 0.4))}
    jets = TrackJets(
        np.zeros(6, np.int64),
        np.array([0.5, -1.5, 0.0, 1.0, -9.0, 0.2]),
        np.zeros(6),
        np.array([30, 30, 50, 99, 500, 1.0]),
    )
    flavour = np.full(6, BOTTOM)
    assert rates_of(jets, flavour, BTagging(b_efficiency=table)).tolist() == [0.1, 0.2, 0.3, 0.4, 0.4, 0.1]
    assert rates_of(jets, np.zeros(6), BTagging(b_efficiency=table)).tolist() == [0.01] * 6
    with pytest.raises(ValidationError, match=r"must be 2 rows \(pT\) of 2 numbers"):
        BTagging(b_efficiency={**table, "rates": ((0.1, 0.2),)})
    with pytest.raises(ValidationError, match="do not rise"):
        BTagging(b_efficiency={**table, "pt_edges": (20, 100, 50)})


def test_ghosts_are_found_in_the_jet_that_they_point_at(signal_particles):
    """A ghost along a track jet's axis lands in that jet (but for a soft one beside a hard one)."""
    objects = detect(signal_particles, load_card("atlas_like"), np.random.default_rng(1))
    tracks = objects.take(objects.is_track)
    jets = track_jets(tracks, 100, 0.2, 10.0)
    count = len(jets.pt)
    order = np.random.default_rng(2).permutation(count)
    order = order[np.argsort(jets.event[order], kind="stable")]
    zero, none = np.zeros(count), np.zeros(count, np.int64)
    ghosts = Objects(jets.event[order], zero, jets.eta[order], jets.phi[order], zero, none, none)
    assert np.mean(places_of_ghosts(tracks, ghosts, 100, 0.2, 10.0) == order) > 0.99
    far = Objects(np.arange(3), np.zeros(3), np.full(3, 9.0), np.zeros(3), np.zeros(3), *[np.zeros(3, np.int64)] * 2)
    assert places_of_ghosts(tracks, far, 100, 0.2, 10.0).tolist() == [-1, -1, -1]
    assert flavours_of_ghosts(4, np.array([1, -1]), np.array([1, 2])).tolist() == [0, BOTTOM, CHARM, 0]


def test_ghosts_and_nearest_hadrons_label_nearly_the_same(signal_particles):
    objects = detect(signal_particles, load_card("atlas_like"), np.random.default_rng(1))
    pairs = fat_jet_pairs(objects, 100, 1.0, 200.0)
    found = [
        tags(signal_particles, objects, pairs, 100, quick_settings(b_tagging={"association": kind})).flavours[..., 0]
        for kind in ("nearest", "ghost")
    ]
    assert np.mean(found[0] == found[1]) > 0.9
    assert found[1].sum() > 50
