"""Imported Delphes events against the same file read plainly, and against small files with known answers."""

import awkward as ak
import numpy as np
import pytest
import uproot

from data_prep.importers import delphes_events
from data_prep.importers.base import readers
from data_prep.importers.root_file import Jagged, Tree, open_tree
from data_prep.select import cut_names
from mscat_tf.config.importing import DelphesBranches
from mscat_tf.config.sample import Selection
from mscat_tf.errors import InputError
from mscat_tf.physics import add_four_vectors
from tests.data_prep.importers.conftest import read, settings_for
from tests.data_prep.importers.delphes_files import HARD, event, write

CUTS = cut_names(Selection(), 2)
ANY_ETA = {"selection": {"abs_eta_max": 100.0}}
LOOSE = {"selection": {"leading_pt_min": 300.0, "mass_min": 0.0, "mass_max": 500.0}}


@pytest.fixture(scope="module")
def plain(signal_file):
    """The file's own branches, read by plain uproot."""
    with uproot.open(signal_file) as file:
        names = ("PT", "Eta", "Phi", "Mass", "BTag")
        jets = {name: file["Delphes"][f"FatJet.{name}"].array() for name in names}
        tags = {name: file["Delphes"][f"TrackJet.{name}"].array() for name in ("PT", "Eta", "Phi", "BTag", "Flavor")}
    return jets, tags


@pytest.fixture(scope="module")
def imported(signal_file):
    return read(signal_file)


@pytest.fixture(scope="module")
def all_jets(signal_file):
    with open_tree(signal_file, "Delphes") as tree:
        objects, numbers = delphes_events.energy_flow(tree, DelphesBranches())
        return objects, delphes_events.fat_jets(tree, DelphesBranches(), objects, numbers)


@pytest.mark.external
def test_every_reference_leads_to_an_object_of_its_own(all_jets):
    """The count is the one of `shared/data/README.md`."""
    objects, found = all_jets
    assert len(found.constituents) == 33284
    assert len(np.unique(found.constituents)) == 33284
    assert np.array_equal(objects.event[found.constituents], np.repeat(found.event, found.counts))


@pytest.mark.external
@pytest.mark.parametrize("name", ["PT", "Eta", "Phi", "Mass"])
def test_fat_jets_are_those_of_the_file(all_jets, plain, name):
    expected = ak.to_numpy(ak.flatten(plain[0][name])).astype(np.float64)
    assert len(expected) == 614
    np.testing.assert_allclose(getattr(all_jets[1].jets, name.lower()), expected, rtol=1e-5, atol=1e-6)


def counted(jets, abs_eta_max):
    """Events after each cut, by a loop over events."""
    counts = np.zeros(len(CUTS), int)
    for pt, eta, mass in zip(jets["PT"].to_list(), jets["Eta"].to_list(), jets["Mass"].to_list(), strict=True):
        order = sorted(range(len(pt)), key=lambda i: -pt[i])[:2]
        cuts = [len(order) == 2]
        if cuts[0]:
            first, second = order
            cuts += [pt[first] > 450, pt[second] > 250, all(abs(eta[i]) < abs_eta_max for i in order)]
            cuts += [all(50 < mass[i] < 250 for i in order)]
        passed = [True, *cuts]
        counts[: passed.index(False) if False in passed else len(CUTS)] += 1
    return counts.tolist()


@pytest.mark.external
def test_cut_flow_equals_an_independent_count(signal_file, imported, plain):
    """The numbers of selected events are those of `shared/data/README.md`."""
    any_eta = read(signal_file, **ANY_ETA)
    for part, abs_eta_max, selected in ((imported, 2.0, 140), (any_eta, 100.0, 143)):
        rows = part.tallies["signal"].cut_flow
        assert [row["raw"] for row in rows[:-1]] == counted(plain[0], abs_eta_max)
        assert len(part.entry) == rows[-2]["raw"] == selected


@pytest.mark.external
def test_events_hold_the_jets_of_their_entry(imported, plain):
    jets = imported.arrays["kinematics"][:, :2]
    order = ak.argsort(plain[0]["PT"], ascending=False)[:, :2]
    for column, name in ((0, "Mass"), (1, "Eta"), (2, "Phi"), (3, "PT")):
        expected = ak.to_numpy(plain[0][name][order][imported.entry])
        np.testing.assert_allclose(jets[..., column], expected, rtol=1e-5, atol=1e-6)


@pytest.mark.external
def test_stored_constituents_add_up_to_their_jet(imported):
    raw, counts = imported.arrays["raw/constituents"], imported.arrays["multiplicity"].ravel()
    ends = np.cumsum(counts)
    sums = [add_four_vectors(*raw[end - n : end, :4].T) for n, end in zip(counts, ends, strict=True)]
    mass = np.array([total.mass for total in sums]).reshape(-1, 2)
    np.testing.assert_allclose(mass, imported.arrays["kinematics"][:, :2, 0], rtol=1e-9)
    charge, pdg_id = raw[:, 4], raw[:, 5]
    assert set(np.abs(pdg_id)) == {11, 13, 22, 130, 211}
    assert np.all((charge == 0) == np.isin(pdg_id, (22, 130)))


@pytest.mark.external
def test_clustering_the_energy_flow_gives_the_jets_of_the_file(signal_file, imported):
    """Delphes clusters the same objects before it rounds them to 32 bits: no constituent changes its jet here."""
    again = read(signal_file, delphes={"recluster": True})
    assert np.array_equal(again.entry, imported.entry)
    assert np.array_equal(again.arrays["multiplicity"], imported.arrays["multiplicity"])
    np.testing.assert_allclose(again.arrays["kinematics"], imported.arrays["kinematics"], rtol=1e-6, atol=1e-9)


def track_jets_in(jets, tags, entry, accepted):
    """How many accepted track jets above 10 GeV are nearest to, and within 1.0 of, each of the two leading fat jets."""
    order = sorted(range(len(jets["PT"][entry])), key=lambda i: -jets["PT"][entry][i])[:2]
    counts = [0, 0]
    for k in range(len(tags["PT"][entry])):
        distances = []
        for i in order:
            delta_phi = abs(tags["Phi"][entry][k] - jets["Phi"][entry][i])
            delta_phi = min(delta_phi, 2 * np.pi - delta_phi)
            distances.append(np.hypot(tags["Eta"][entry][k] - jets["Eta"][entry][i], delta_phi))
        nearest = int(np.argmin(distances))
        counts[nearest] += bool(distances[nearest] < 1.0 and tags["PT"][entry][k] > 10 and accepted(entry, k))
    return counts


@pytest.mark.external
def test_tags_equal_an_independent_count(signal_file, imported, plain):
    """Flavours of the default tagging, and the events that the file's own b-tag bits keep."""
    jets, tags = ({name: values.to_list() for name, values in part.items()} for part in plain)
    b_jets = [track_jets_in(jets, tags, e, lambda e, k: tags["Flavor"][e][k] == 5) for e in imported.entry]
    assert imported.arrays["truth/track_jets"][..., 0].tolist() == b_jets
    tagged = [min(track_jets_in(jets, tags, e, lambda e, k: tags["BTag"][e][k] & 1)) >= 2 for e in imported.entry]
    by_bits = read(signal_file, delphes={"tagging": "bits"})
    assert by_bits.entry.tolist() == imported.entry[tagged].tolist()
    assert np.all(by_bits.arrays["weights"] == 1.0)
    rows = by_bits.tallies["signal"].cut_flow
    assert (rows[-2]["raw"], rows[-1]["raw"]) == (140, sum(tagged))
    expected = imported.arrays["weights"][:, 1].sum()
    assert abs(sum(tagged) - expected) < 3 * np.sqrt(expected)


@pytest.mark.external
def test_fat_jet_bits(signal_file):
    """The card of this file sets none."""
    part = read(signal_file, 0, 60, delphes={"tagging": "fat_jet_bits"})
    assert part.tallies["signal"].cut_flow[-2]["raw"] > 0
    assert len(part.entry) == part.tallies["signal"].cut_flow[-1]["raw"] == 0


def test_chunks_do_not_change_events(tmp_path):
    """Not even where tags are thrown: a die belongs to its entry. (Sums may round differently in the last digit.)"""
    jets = [(50.0, 0.4, 1.1, 5, 0)] * 2 + [(60.0, -0.1, -2.2, 5, 0)] * 2
    path = write(tmp_path / "a.root", [event(HARD, jets=jets), event(HARD, jets=jets), event(jets=[])] * 20)
    settings = {**LOOSE, "b_tagging": {"random": True}}
    whole = read(path, **settings)
    parts = [read(path, *entries, **settings) for entries in ((0, 25), (25, 26), (26, 60))]
    assert 0.64**2 * 40 - 10 < len(whole.entry) < 0.64**2 * 40 + 10
    assert np.array_equal(np.concatenate([part.entry for part in parts]), whole.entry)
    for name, values in whole.arrays.items():
        joined = np.concatenate([part.arrays[name] for part in parts])
        np.testing.assert_allclose(joined.astype(float), values.astype(float), rtol=1e-9, atol=1e-12)


@pytest.mark.external
def test_references_that_lead_nowhere_are_refused(signal_file):
    wrong = {"branches": {"neutral_hadrons": "EFlowPhoton"}}
    with pytest.raises(InputError, match=r"of 33284 constituents of 'FatJet' in entries 0 to 300 are in none of"):
        read(signal_file, delphes=wrong)


@pytest.mark.external
def test_calibrated_jets_are_refused(signal_file, monkeypatch):
    numbers = Tree.numbers

    def calibrated(tree, branch):
        values, counts = numbers(tree, branch)
        return Jagged(values * 1.02 if branch == "FatJet.PT" else values, counts)

    monkeypatch.setattr(Tree, "numbers", calibrated)
    with pytest.raises(InputError, match=r"'FatJet' in entry \d+ has PT .* calibrated or groomed.* --recluster"):
        read(signal_file, 0, 20)


@pytest.mark.external
def test_another_radius_is_noticed(signal_file, imported):
    assert imported.notes == ()
    (note,) = read(signal_file, fat_jets={"radius": 0.8}).notes
    assert "reach 1.0" in note


def test_transverse_energy_is_transverse_momentum(tmp_path):
    """m^2 = 2 pT pT' (cosh d_eta - cos d_phi) for two massless objects."""
    part = read(write(tmp_path / "a.root", [event(HARD[:2], HARD[2:])]), **LOOSE)
    first = np.sqrt(2 * 500 * 100 * (np.cosh(0.3) - np.cos(0.4)))
    second = np.sqrt(2 * 400 * 80 * (np.cosh(0.3) - np.cos(0.3)))
    np.testing.assert_allclose(part.arrays["kinematics"][0, :2, 0], [first, second], rtol=1e-6)
    assert part.arrays["raw/constituents"][:, 5].tolist() == [22, 22, 130, 130]


def test_tracks_are_leptons_or_pions_with_their_mass(tmp_path):
    tracks = [(500.0, 0.3, 1.0, 0.494, 1, 321), (400.0, 0.0, -2.0, 0.0005, -1, 11)]
    path = write(tmp_path / "a.root", [event([(90.0, 0.5, 1.3), (80.0, 0.1, -2.3)], tracks=tracks)])
    raw = read(path, **LOOSE).arrays["raw/constituents"]
    assert raw[:, 5].tolist() == [211, 22, 11, 22]
    np.testing.assert_allclose(raw[:, 3], [0.494, 0, 0.0005, 0], rtol=1e-6)


def test_cross_section_and_weights_come_from_the_file(tmp_path):
    path = write(tmp_path / "a.root", [event(HARD)] * 4, weights=[1.0, 2.0, -0.5, 4.0], cross_section_pb=0.25)
    part = read(path, cross_section_fb=None, **LOOSE)
    tally = part.tallies["signal"]
    assert tally.sum_of_weights == 6.5
    assert tally.cross_section_fb == pytest.approx(250.0)
    assert tally.cross_section_error_fb == pytest.approx(25.0)
    assert part.arrays["weights"][:, 0].tolist() == [1.0, 2.0, -0.5, 4.0]
    assert tally.cut_flow[-2]["weighted"] == 6.5
    with pytest.raises(InputError, match="tells no cross-section"):
        read(write(tmp_path / "b.root", [event(HARD)], cross_section_pb=0.0), cross_section_fb=None, **LOOSE)


def test_most_events_without_fat_jets(tmp_path):
    path = write(tmp_path / "a.root", [event()] * 40 + [event(HARD)] + [event([(30.0, 0.0, 0.0)])] * 9)
    part = read(path, **LOOSE)
    assert part.entry.tolist() == [40]
    assert part.tallies["signal"].cut_flow[0]["raw"] == 50
    assert len(read(path, 0, 40, **LOOSE).entry) == 0


def test_jets_carry_the_tags_where_there_are_no_track_jets(tmp_path):
    near, far = (50.0, 0.4, 1.1), (60.0, -0.1, -2.2)
    jets = [(*near, 5, 1), (*near, 4, 1), (*far, 5, 0), (*far, 0, 1), (*far, 21, 0), (5.0, 0.0, -2.2, 5, 1)]
    path = write(tmp_path / "a.root", [event(HARD, jets=jets)])
    part = read(path, **LOOSE)
    assert part.arrays["truth/track_jets"].tolist() == [[[1, 1, 0], [1, 0, 2]]]
    first = 0.8 * 0.15
    second = 0.8 * (1 - 0.99**2) + 0.2 * 0.01**2
    assert part.arrays["weights"][0, 1] == pytest.approx(first * second)
    assert len(read(path, delphes={"tagging": "bits"}, **LOOSE).entry) == 0
    assert len(read(path, delphes={"tagging": "bits"}, b_tagging={"tags_per_jet": 1}, **LOOSE).entry) == 1


def test_single_jets(tmp_path):
    path = write(tmp_path / "a.root", [event(HARD[:2], jets=[(50.0, 0.4, 1.1, 5, 1)] * 2), event(jets=[])])
    part = read(path, fat_jets={"number": 1}, **LOOSE)
    assert (part.arrays["kinematics"].shape, part.arrays["constituents"].shape) == ((1, 1, 6), (1, 1, 50, 4))
    assert part.arrays["truth/track_jets"].tolist() == [[[2, 0, 0]]]
    assert part.arrays["weights"][0, 1] == pytest.approx(0.64)


def test_events_hold_their_missing_momentum_and_shapes(tmp_path):
    """A photon outside of both fat jets counts too; no tag is asked for, so no event is lost to it."""
    photons = [*HARD, (90.0, 1.0, -0.5)]
    path = write(tmp_path / "a.root", [event([(30.0, 0.0, 0.0)], jets=[]), event(photons, jets=[])])
    tokens = {"missing_momentum": True, "event_shapes": True}
    part = read(path, tokens=tokens, b_tagging={"tags_per_jet": 0}, **LOOSE)
    assert part.entry.tolist() == [1]
    pt, _, phi = np.array(photons).T
    missing = -(pt * np.exp(1j * phi)).sum()
    *_, missing_token, total = part.arrays["kinematics"][0]
    assert missing_token[3] == pytest.approx(abs(missing), rel=1e-5)
    assert missing_token[2] == pytest.approx(np.angle(missing), rel=1e-5)
    assert missing_token[4] == missing_token[3] != total[3]
    assert part.arrays["event_shapes"][0, 4:].tolist() == pytest.approx([pt.sum(), abs(missing)], rel=1e-5)
    assert "truth/track_jets" not in part.arrays
    assert part.tallies["signal"].cut_flow[-1]["cut"] == "mass window"
    assert read(path, 0, 1, tokens=tokens, **LOOSE).arrays["event_shapes"].shape == (0, 6)
    (reader,) = readers(settings_for(path, tokens=tokens))
    assert reader.token_names == ("jet 1", "jet 2", "missing momentum", "sum")


def test_no_weights_and_no_tag_jets(tmp_path):
    """Each is said, and every event weighs 1."""
    path = write(tmp_path / "a.root", [event(HARD)], cross_section_pb=None)
    (reader,) = readers(settings_for(path))
    assert [note.split(":")[0] for note in reader.plan(path).notes] == [
        "no branch 'FatJet' with constituents",
        "no branch 'TrackJet' or 'Jet' with flavours",
        "no branch 'Event.Weight' or 'Weight.Weight'",
    ]
    part = read(path, **LOOSE)
    assert part.arrays["weights"].tolist() == [[1.0, 1.0]]
    assert "truth/track_jets" not in part.arrays
    with pytest.raises(InputError, match=r"no branch 'TrackJet or Jet' with BTag"):
        read(path, delphes={"tagging": "bits"})


def test_contradictory_settings_are_refused():
    with pytest.raises(ValueError, match="recluster makes new ones"):
        settings_for("a.root", delphes={"recluster": True, "tagging": "fat_jet_bits"})
