import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_prep.btag import BOTTOM, CHARM, Hadrons, flavours, flavours_in_fat_jets, tag_probability
from data_prep.cluster import TrackJets
from mscat_tf.config.sample import BTagging
from tests import oracles

rate = st.floats(0.0, 1.0)
numbers = st.lists(st.lists(st.integers(0, 2), min_size=3, max_size=3), min_size=2, max_size=2)


@given(numbers, rate, rate, rate, st.sampled_from([1, 2]))
def test_probability_is_the_sum_over_all_outcomes(counts, b, c, light, needed):
    settings = BTagging(b_efficiency=b, c_mistag=c, light_mistag=light, tags_per_jet=needed)
    rates = [[r for r, n in zip((b, c, light), jet, strict=True) for _ in range(n)] for jet in counts]
    found = tag_probability(np.array([counts]), settings)
    assert found.shape == (1,)
    assert found[0] == pytest.approx(oracles.tag_probability(rates, needed), abs=1e-12)


def test_two_b_jets_each_by_hand():
    """(0.8^2)^2, the most common weight of the signal."""
    assert tag_probability(np.array([[[2, 0, 0], [2, 0, 0]]]), BTagging())[0] == pytest.approx(0.4096)


def distance(jets, j, hadrons, h):
    return math.hypot(jets.eta[j] - hadrons.eta[h], math.remainder(jets.phi[j] - hadrons.phi[h], 2 * math.pi))


@given(st.integers(0, 2**32 - 1))
def test_labels_are_what_a_loop_gives(seed):
    rng = np.random.default_rng(seed)
    event = np.sort(rng.integers(0, 4, 9))
    jets = TrackJets(event, rng.uniform(-1, 1, 9), rng.uniform(-np.pi, np.pi, 9))
    bottom, charm = (
        Hadrons(rng.integers(0, 4, n), rng.uniform(-1, 1, n), rng.uniform(-np.pi, np.pi, n)) for n in (5, 6)
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
    jets = TrackJets(np.sort(rng.integers(0, 3, 12)), rng.uniform(-2, 2, 12), rng.uniform(-np.pi, np.pi, 12))
    flavour = rng.choice([0, CHARM, BOTTOM], 12)
    fat = Hadrons(np.arange(3), rng.uniform(-1, 1, (3, 2)), rng.uniform(-np.pi, np.pi, (3, 2)))
    expected = np.zeros((3, 2, 3), int)
    for j in range(12):
        e = jets.event[j]
        near = [(distance(jets, j, Hadrons(None, fat.eta[e], fat.phi[e]), k), k) for k in range(2)]
        if min(near)[0] < 1.0:
            expected[e, min(near)[1], {BOTTOM: 0, CHARM: 1, 0: 2}[flavour[j]]] += 1
    np.testing.assert_array_equal(flavours_in_fat_jets(jets, flavour, fat.eta, fat.phi, 1.0), expected)


def test_no_hadrons_and_no_jets():
    none = Hadrons(np.empty(0, np.int64), np.empty(0), np.empty(0))
    jets = TrackJets(np.empty(0, np.int64), np.empty(0), np.empty(0))
    assert flavours(jets, 3, none, none, 0.3).shape == (0,)
    some = Hadrons(np.array([1]), np.zeros(1), np.zeros(1))
    assert flavours(jets, 3, some, some, 0.3).shape == (0,)
