"""Our chain against Delphes 3 (ATLAS card) on the same process: 300 events at 13 TeV, see docs/physics.md."""

import numpy as np
import pytest

from data_prep.shard import ShardJob, make_shard
from mscat_tf.config import load_config

EVENTS = 250


@pytest.fixture(scope="module")
def delphes(reference_data):
    """Acceptance, and m, pT and constituents `(selected, 2)` of the selected fat jets."""
    ak, uproot = pytest.importorskip("awkward"), pytest.importorskip("uproot")
    with uproot.open(reference_data / "delphes" / "signal.root") as file:
        tree = file["Delphes"]
        names = ("PT", "Eta", "Mass", "Constituents")
        pt, eta, mass, members = (tree[f"FatJet/FatJet.{name}"].array() for name in names)
    leading = ak.argsort(pt, ascending=False)[:, :2]
    two = ak.num(pt) >= 2
    counts = ak.num(members.refs, axis=2)
    pt, eta, mass, counts = (ak.to_numpy(values[leading][two]) for values in (pt, eta, mass, counts))
    passed = (pt[:, 0] > 450) & (pt[:, 1] > 250) & np.all(np.abs(eta) < 2, axis=1)
    passed &= np.all((mass > 50) & (mass < 250), axis=1)
    return passed.sum() / len(two), mass[passed], pt[passed], counts[passed]


@pytest.fixture(scope="module")
def shard():
    return make_shard(load_config("demo", ["sample.sqrt_s=13000"]).sample, ShardJob("signal", 0, EVENTS))


@pytest.fixture(scope="module")
def resonance(shard):
    return shard[1]["kinematics"]


@pytest.fixture(scope="module")
def ours(shard):
    header, arrays = shard
    jets = arrays["kinematics"][:, :2]
    generated = header.normalisation["signal"].generated_events
    return EVENTS / generated, jets[..., 0], jets[..., 3], arrays["multiplicity"]


@pytest.mark.external
@pytest.mark.slow
def test_acceptance_agrees(delphes, ours):
    expected, found = delphes[0], ours[0]
    error = np.hypot(np.sqrt(expected * (1 - expected) / 300), found * np.sqrt((1 - found) / EVENTS))
    assert abs(found - expected) < 3 * error


@pytest.mark.external
@pytest.mark.slow
@pytest.mark.parametrize(("column", "tolerance"), [(1, 4.0), (2, 20.0), (3, 5.0)], ids=["mass", "pt", "constituents"])
def test_medians_agree(delphes, ours, column, tolerance):
    """Tolerances: about three errors of a median of 140 events (1.25 sigma / sqrt(n), with widths 17, 70 and 17)."""
    difference = np.median(ours[column], axis=0) - np.median(delphes[column], axis=0)
    assert np.all(np.abs(difference) < tolerance), difference


@pytest.mark.slow
def test_masses_peak_at_the_higgs_and_the_resonance(resonance):
    """Two of the published figures: m_J near 125 GeV, m_JJ near m_H = 1000 GeV."""
    assert np.all(np.abs(np.median(resonance[:, :2, 0], axis=0) - 125.0) < 8.0)
    assert abs(np.median(resonance[:, 2, 0]) - 1000.0) < 40.0
