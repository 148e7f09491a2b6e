import warnings

import numpy as np

from data_prep.cluster import FatJetPairs
from data_prep.select import TAG, TAG_NAMES, cut_flow, cut_names, cuts_passed, largest_loss, x_hh
from mscat_tf.config.sample import Selection
from mscat_tf.physics import Cylindrical

CUTS = cut_names(Selection(), 2)

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
    flow = cut_flow(CUTS, passed, weights, np.array([0.0, 0.5]), np.array([0.0, 2.5]))
    assert [row["cut"] for row in flow] == [*CUTS, TAG]
    assert [row["raw"] for row in flow] == [4, 3, 2, 2, 2, 2, 1]
    assert [row["weighted"] for row in flow] == [11.0, 10.0, 8.0, 8.0, 8.0, 8.0, 2.5]


def test_largest_loss_names_the_cut():
    assert largest_loss(CUTS, np.array([2, 2, 2, 2, 2, 3])) == "leading pT"
    assert largest_loss(CUTS, np.array([1, 1, 1])) == "two fat jets"
    assert largest_loss(CUTS, np.array([6, 6, 5, 5, 5])) == "mass window"


def test_further_cuts_are_rows_only_where_they_are_on():
    selection = Selection(abs_delta_eta_max=1.3, x_hh_max=1.6)
    names = cut_names(selection, 2)
    assert names == (*CUTS, "|delta eta|", "X_hh")
    passed = cuts_passed(pairs(), 9, selection)
    assert names[passed[1]] == "|delta eta|", "the first event has 0.1 and -1.9"
    near = Selection(abs_delta_eta_max=2.5, x_hh_max=1.6)
    assert cuts_passed(pairs(), 9, near)[1] == len(cut_names(near, 2)), "120 and 100 GeV: X_hh = 1.54"
    near = Selection(abs_delta_eta_max=2.5, x_hh_max=1.5)
    assert names[cuts_passed(pairs(), 9, near)[1]] == "X_hh"


def test_x_hh_of_simple_masses():
    found = x_hh(np.array([[124.0, 115.0], [155.0, 115.0], [124.0, 100.0], [155.0, 100.0]]), (124.0, 115.0), 0.1)
    np.testing.assert_allclose(found, [0.0, 2.0, 1.5, 2.5])
    with warnings.catch_warnings(action="error"):
        assert x_hh(np.array([[0.0, 115.0]]), (124.0, 115.0), 0.1).tolist() == [np.inf], "a single photon has no mass"


def test_single_jets_have_no_subleading_cut():
    names = cut_names(Selection(x_hh_max=1.6), 1)
    assert names == ("generated", "a fat jet", "leading pT", "|eta|", "mass window")
    both = pairs()
    one = both._replace(jets=Cylindrical(*(values[:, :1] for values in both.jets)), counts=both.counts[:, :1])
    passed = cuts_passed(one, 9, Selection(x_hh_max=1.6))
    assert passed[1:8].tolist() == [5, 2, 5, 3, 5, 4, 2]


def test_every_further_jet_must_pass_the_subleading_cut():
    names = cut_names(Selection(x_hh_max=1.6), 3)
    assert names == ("generated", "three fat jets", "leading pT", "subleading pT", "|eta|", "mass window")
    pt = np.array([[500.0, 300.0, 260.0], [500.0, 300.0, 240.0]])
    jets = Cylindrical(pt, np.zeros((2, 3)), np.zeros((2, 3)), np.full((2, 3), 100.0))
    three = FatJetPairs(np.array([0, 2]), jets, np.empty(0, np.int64), np.zeros((2, 3), np.int64))
    assert cuts_passed(three, 3, Selection(x_hh_max=1.6)).tolist() == [6, 1, 3]


def test_leptons_are_the_first_cut():
    names = cut_names(Selection(), 1, leptons=2)
    assert names[:3] == ("generated", "two leptons", "a fat jet")
    one = pairs()
    one = one._replace(jets=Cylindrical(*(values[:, :1] for values in one.jets)), counts=one.counts[:, :1])
    enough = np.ones(9, bool)
    enough[[0]] = False
    passed = cuts_passed(one, 9, Selection(), enough)
    assert passed.tolist() == [1, *(1 + cuts_passed(one, 9, Selection()))[1:]]
    assert names[passed[8]] == "a fat jet", "the last event has leptons but no jet"


def test_no_lower_mass_cut_lets_massless_jets_pass():
    jets = Cylindrical(*(np.array([[value]]) for value in (500.0, 0.0, 0.0, 0.0)))
    single = FatJetPairs(np.array([0]), jets, np.empty(0, np.int64), np.zeros((1, 1), np.int64))
    assert cuts_passed(single, 1, Selection(mass_min=0.0)).tolist() == [5]
    assert cuts_passed(single, 1, Selection(mass_min=1e-9)).tolist() == [4]


def test_without_tags_the_cut_flow_has_no_row_of_them():
    arguments = (CUTS, np.array([6]), np.ones(1), np.ones(1), np.ones(1))
    assert [row["cut"] for row in cut_flow(*arguments, TAG_NAMES[0])] == list(CUTS)
    assert cut_flow(*arguments, TAG_NAMES[1])[-1]["cut"] == "b tag"
