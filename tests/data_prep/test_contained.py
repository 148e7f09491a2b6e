"""Decays in the record of Pythia 8, and jets that hold them."""

import numpy as np
import pytest

from data_prep import extras
from data_prep.contained import NUMBERS, Partons, ancestors, contained, decay_inside
from data_prep.generator import Generator
from data_prep.processes import pythia_lines
from data_prep.shard import ShardJob, make_shard
from mscat_tf.config import load_config
from mscat_tf.config.importing import ImportSettings
from mscat_tf.config.sample import Selection
from mscat_tf.errors import ConfigError
from mscat_tf.physics import Cylindrical


def test_products_are_traced_through_copies():
    """0 system, 1 and 2 incoming, 3 and 4 top quarks, 5 copy of 3, 6 W of 5, 7 its copy; 8 b, 9 and 10 quarks of the W,
    11 b of the other top quark, 12 a gluon of the hard process, whose incoming mother has a later mother of its own."""
    pdg_id = np.array([90, 21, 21, 6, -6, 6, 24, 24, 5, 2, -1, -5, 21, 21])
    status = np.array([-11, -21, -21, -22, -22, -62, -22, -52, -23, -23, -23, -23, -23, -41])
    mother = np.array([0, 13, 0, 1, 1, 3, 5, 6, 5, 7, 7, 4, 1, 0])
    products = np.flatnonzero(np.abs(status) == 23)
    assert products.tolist() == [8, 9, 10, 11, 12]
    assert ancestors(products, pdg_id, status, mother).tolist() == [5, 5, 5, 4, -1]


def test_every_jet_must_hold_a_whole_decay():
    """Two events with jets, 1 and 3, two jets each; decays of top quarks 0 to 3, of a Higgs boson 4, one quark each."""
    decay = np.array([0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 5])
    event = np.array([1, 1, 3, 3, 3, 1, 1, 3, 3, 3, 2])
    pdg_id = np.array([6, 6, 6, 6, 25, 6, 6, 6, 6, 25, 6])
    eta = np.array([0.0, 1.0, 0.0, 1.0, 1.0, 0.5, 1.0, 0.1, 1.9, 1.1, 0.0])
    phi = np.array([0.0, 3.1, 0.0, 3.1, 3.1, 0.0, -3.1, 0.0, 3.1, 3.1, 0.0])
    partons = Partons(event, decay, pdg_id, eta, phi)
    ones = np.ones((2, 2))
    jets = Cylindrical(ones, np.array([[0.0, 1.0]] * 2), np.array([[0.0, np.pi]] * 2), ones)
    events = np.array([1, 3])
    assert contained(partons, events, jets, 6, 0.8).tolist() == [True, False], "a quark 0.9 away"
    assert contained(partons, events, jets, 6, 1.0).tolist() == [True, True]
    assert contained(partons, events, jets, 6, 0.4).tolist() == [False, False]
    second = Cylindrical(*(values[:, 1:] for values in jets))
    assert contained(partons, events, second, 25, 0.8).tolist() == [False, True]
    assert contained(partons, np.array([], int), Cylindrical(*(values[:0] for values in jets)), 6, 0.8).shape == (0,)


@pytest.fixture(scope="module")
def settings():
    return load_config("jet_tagging").sample


def test_top_decays_are_those_that_pythia_tells_from_above(settings):
    """Down from each top quark by Pythia's own list of daughters, in the same events."""
    lines = pythia_lines(settings.processes["top"], settings.sqrt_s, 5)
    found = Generator(lines, "top").next_particles(3).partons
    pythia = extras.pythia8().Pythia("", False)
    assert all(pythia.readString(line, False) for line in lines)
    assert pythia.init()
    for number in range(3):
        assert pythia.next()
        record, expected = pythia.event, []
        for top in {record[i].iBotCopyId() for i in range(record.size()) if record[i].idAbs() == 6}:
            bottom, w = sorted(record[top].daughterList(), key=lambda i: record[i].idAbs())
            expected += [top, bottom, *record[record[w].iBotCopyId()].daughterList()]
        assert len(expected) == 8
        own = (found.event == number) & (found.pdg_id == NUMBERS["top"])
        assert np.sort(found.eta[own]) == pytest.approx(sorted(record[i].eta() for i in expected), rel=1e-9)
        assert np.bincount(found.decay[own])[np.unique(found.decay[own])].tolist() == [4, 4]


@pytest.mark.parametrize(
    ("name", "process"), [("jet_tagging", "top"), ("jet_tagging", "qcd"), ("jet_tagging_higgs", "higgs")]
)
def test_jets_in_the_window_of_the_public_set(name, process):
    header, arrays = make_shard(load_config(name).sample, ShardJob(process, 0, 4))
    m, eta, _, pt, *_ = np.moveaxis(arrays["kinematics"], -1, 0)
    assert arrays["kinematics"].shape == (4, 1, 6)
    assert np.all((pt > 550) & (pt < 650) & (np.abs(eta) < 2))
    assert np.all(arrays["weights"] == 1.0)
    flow = {row["cut"]: row["raw"] for row in header.cut_flow[process]}
    inside = f"{'h' if name.endswith('higgs') else 'top'} in jet"
    assert list(flow) == ["generated", "a fat jet", "leading pT", "|eta|", "mass window", inside]
    if process == "qcd":
        assert flow[inside] == flow["mass window"], "no matching of background"
    else:
        assert np.all(m > 60), "a whole decay is heavy"
        assert flow[inside] < flow["mass window"]


def test_cuts_that_came_later_change_no_digest():
    assert not {"leading_pt_max", "jets_contain"} & set(Selection().model_dump(mode="json"))
    assert Selection(jets_contain="h").model_dump()["jets_contain"] == "h"


def test_an_empty_window_is_refused():
    words = "leading_pt_min = 550 GeV is not below leading_pt_max = 550 GeV"
    with pytest.raises(ValueError, match=words):
        Selection(leading_pt_min=550, leading_pt_max=550)


def test_files_of_others_do_not_tell_decays(settings):
    with pytest.raises(ConfigError, match=r"selection\.jets_contain = top needs the record of Pythia 8, which HepMC"):
        decay_inside(None, np.array([0]), Cylindrical(*np.ones((4, 1, 1))), settings)
    with pytest.raises(ValueError, match=r"selection\.jets_contain = top needs the record of Pythia 8"):
        ImportSettings(name="x", format="delphes", selection={"jets_contain": "top"})
