import numpy as np

from data_prep.cluster import FatJetPairs
from data_prep.select import CUTS, TAG, cut_flow, cuts_passed, largest_loss
from mscat_tf.config.sample import Selection
from mscat_tf.physics import Cylindrical

# (pt1, pt2, eta1, eta2, m1, m2), and the first cut that fails
EVENTS = [
    ((500, 300, 0.1, -1.9, 120, 100), None),
    ((440, 300, 0.1, 0.1, 120, 100), "leading pT"),
    ((500, 240, 0.1, 0.1, 120, 100), "subleading pT"),
    ((500, 300, -2.1, 0.1, 120, 100), "|eta|"),
    ((500, 300, 0.1, 0.1, 120, 49), "mass window"),
    ((500, 300, 0.1, 0.1, 251, 100), "mass window"),
    ((440, 240, 3.0, 0.1, 10, 10), "leading pT"),
]


def pairs():
    table = np.array([values for values, _ in EVENTS], float)
    jets = Cylindrical(table[:, :2], table[:, 2:4], np.zeros((7, 2)), table[:, 4:])
    return FatJetPairs(np.arange(7) + 1, jets, np.empty(0, np.int64), np.zeros((7, 2), np.int64))


def test_each_event_stops_at_its_cut():
    passed = cuts_passed(pairs(), 9, Selection())
    assert passed[[0, 8]].tolist() == [1, 1], "events without two fat jets"
    for (_, failed), survived in zip(EVENTS, passed[1:8], strict=True):
        assert (CUTS[survived] if survived < len(CUTS) else None) == failed


def test_cut_flow_counts_and_weighs():
    passed, weights = np.array([1, 2, 6, 6]), np.array([1.0, 2.0, 3.0, 5.0])
    flow = cut_flow(passed, weights, np.array([0.0, 0.5]), np.array([0.0, 2.5]))
    assert [row["cut"] for row in flow] == [*CUTS, TAG]
    assert [row["raw"] for row in flow] == [4, 3, 2, 2, 2, 2, 1]
    assert [row["weighted"] for row in flow] == [11.0, 10.0, 8.0, 8.0, 8.0, 8.0, 2.5]


def test_largest_loss_names_the_cut():
    assert largest_loss(np.array([2, 2, 2, 2, 2, 3])) == "leading pT"
    assert largest_loss(np.array([1, 1, 1])) == "two fat jets"
    assert largest_loss(np.array([6, 6, 5, 5, 5])) == "mass window"
