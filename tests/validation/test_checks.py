"""A sound sample passes every check; broken in one way, it fails the check for that way, and says where."""

import hashlib
import json

import numpy as np
import pytest

from mscat_tf.data.sample import Sample
from mscat_tf.schema import MANIFEST
from mscat_tf.validation.blocks import read_blocks
from mscat_tf.validation.checks import Checker
from mscat_tf.validation.sample_checks import content_hash
from tests.validation.sound import broken, change_attribute, write_sound_sample


def results(folder):
    with Sample(folder) as sample:
        checker = Checker(sample)
        for block in read_blocks(sample):
            checker.add(block)
        return {result.name: result for result in checker.results()}


def failed(folder):
    return {name: result.sentence for name, result in results(folder).items() if result.status == "failed"}


@pytest.fixture
def folder(tmp_path):
    return write_sound_sample(tmp_path / "sound")


@pytest.mark.parametrize("jets", [1, 2])
def test_a_sound_sample_passes(tmp_path, jets):
    found = results(write_sound_sample(tmp_path / "s", events=200, jets=jets))
    assert {name for name, result in found.items() if result.status != "passed"} == {"manifest"}
    assert "400 events in 2 file(s)" in found["schema"].sentence
    assert found["manifest"].status == "skipped"


def test_optional_data_sets_may_be_missing(tmp_path):
    assert not failed(write_sound_sample(tmp_path / "s", optional=False))


def at(name, *where, to):
    def change(file):
        values = file[name][...]
        values[where] = to(values[where]) if callable(to) else to
        file[name][...] = values

    return change


def swap_eta_and_phi(file):
    file["constituents"][...] = file["constituents"][...][..., [1, 0, 2, 3]]


def rotate(file):
    """A jet frame with the wrong angle: everything turned by 0.1."""
    cloud = file["constituents"][...]
    eta, phi = cloud[..., 0].copy(), cloud[..., 1].copy()
    cloud[..., 0], cloud[..., 1] = np.cos(0.1) * eta - np.sin(0.1) * phi, np.sin(0.1) * eta + np.cos(0.1) * phi
    file["constituents"][...] = cloud


def mirror(file):
    cloud = file["constituents"][...]
    cloud[..., 0] *= -1
    file["constituents"][...] = cloud


def copy_of_an_event(file):
    """Event 1 has event 0's kinematics under a group of its own, in another split (64 % of the hashes are training)."""
    file["kinematics"][1] = file["kinematics"][0]


def more_stored_than_generated(values):
    values["4b"].update(sum_of_weights=1.0)


def other_start(values):
    values["4b"][0].update(raw=1001)


def rising(values):
    values["signal"][1].update(raw=2000)


def other_end(values):
    values["signal"][1].update(raw=31)


def other_tag(values):
    values["signal"][2].update(weighted=1.0)


def attribute(key, change):
    return lambda file: change_attribute(file, key, change)


FAULTS = [
    (at("constituents", 5, 1, 0, 2, to=np.nan), "finite values", "'constituents' pt is NaN or infinite: 1 event(s)"),
    (at("weights", 5, 0, to=np.inf), "finite values", "'weights' generator"),
    (at("m_H", 4, to=np.inf), "finite values", "'m_H' is NaN or infinite: 1 event(s), first in sound-0000.h5 event 4"),
    (at("raw/constituents", 3, 0, to=np.nan), "finite values", "'raw/constituents'"),
    (at("constituents", 5, 1, 2, 2, to=1e4), "padding", "not ordered by transverse momentum"),
    (at("constituents", 5, 1, 0, 3, to=0.5), "padding", "log_pt is not the logarithm"),
    (at("constituents_mask", 7, 0, 0, to=False), "padding", "padding stands before a real constituent"),
    (at("constituents_mask", 7, 0, to=False), "padding", "is not zero"),
    (at("multiplicity", 9, 0, to=2), "padding", "min(multiplicity, P): 1 event(s), first in sound-0000.h5 event 9"),
    (
        at("subjets/subjets", 4, 1, to=lambda two: two[::-1]),
        "subjets",
        "subjets are not ordered by transverse momentum",
    ),
    (at("subjets/mask", 4, 1, 0, to=False), "subjets", "padding stands before a real subjet"),
    (at("subjets/mask", 4, 1, to=False), "subjets", "a subjet behind the mask is not zero"),
    (at("subjets/subjets", 4, 1, 0, 4, to=0.0), "subjets", "no transverse momentum or no constituent"),
    (at("subjets/subjets", 4, 1, 0, 4, to=99.0), "subjets", "more constituents than their jet"),
    (at("multiplicity", 9, 0, to=99), "raw constituents", "'multiplicity' raw constituents"),
    (at("raw/offsets", 9, to=0), "raw constituents", "do not increase"),
    (at("kinematics", 3, 2, 0, to=lambda m: 1.01 * m), "kinematics", "energy does not belong"),
    (at("kinematics", 3, 2, slice(5), to=[100.0, 0.0, 0.0, 0.0, 100.0]), "kinematics", "not the four-vector sum"),
    (at("kinematics", 3, 2, 5, to=0.1), "kinematics", "theta of the sum is not 0"),
    (at("kinematics", 3, 0, 5, to=1.7), "kinematics", "theta lies outside"),
    (at("kinematics", 3, 0, 2, to=4.0), "kinematics", "azimuth lies outside"),
    (at("kinematics", 3, [0, 1], to=lambda jets: jets[::-1]), "kinematics", "jets are not ordered"),
    (at("kinematics", 3, 0, 0, to=-5.0), "kinematics", "is negative"),
    (at("raw/constituents", 0, 0, to=lambda pt: 1.1 * pt), "jet momenta", "not the vector sum"),
    (swap_eta_and_phi, "jet frame", "constituents are not the jet frame"),
    (rotate, "jet frame", "constituents are not the jet frame"),
    (mirror, "jet frame", "constituents are not the jet frame"),
    (at("kinematics", slice(None), slice(2), 5, to=lambda t: t + 0.01), "jet frame", "theta is not the angle"),
    (at("constituents", 2, 0, 0, 2, to=lambda pt: 1.001 * pt), "jet frame", "pt of constituents is not that"),
    (at("weights", 6, 1, to=1.2), "tag weights", "outside [0, 1]"),
    (at("weights", 6, 0, to=0.0), "tag weights", "generator weight is zero"),
    (at("process", 6, to=3), "labels", "outside the attribute 'processes'"),
    (at("label", 6, to=lambda label: 1 - label), "labels", "contradicts"),
    (attribute("normalisation", lambda values: values.pop("ttbar")), "labels", "no normalisation"),
    (at("kinematics", 2, 0, 0, to=901.0), "selection", "mass_max = 900"),
    (
        attribute("configuration", lambda v: v["selection"].update(leading_pt_max=50.0)),
        "selection",
        "leading_pt_max = 50",
    ),
    (at("kinematics", 2, 1, 3, to=9.0), "selection", "subleading_pt_min = 10"),
    (at("kinematics", 2, 1, 1, to=-3.1), "selection", "abs_eta_max = 3"),
    (at("event_id", 2, to=3), "event_id", "1 numbers occur more than once over all files, e.g. 3"),
    (at("event_id", 2, to=70), "event_id", "e.g. 70"),
    (at("group_id", 2, to=3), "groups", "1 groups hold events of more than one process, e.g. 3"),
    (copy_of_an_event, "duplicates", "1 events have the same kinematics"),
    (attribute("normalisation", more_stored_than_generated), "generator weights", "more than the 1"),
    (attribute("normalisation", lambda v: v["4b"].update(cross_section_fb=0.0)), "generator weights", "0.0 fb"),
    (attribute("normalisation", lambda v: v["4b"].update(sum_of_weights=0.0)), "generator weights", "of 4b is 0.0"),
    (attribute("cut_flow", other_start), "generator weights", "starts from other events"),
    (attribute("cut_flow", rising), "cut flow", "signal: counts rise from 'generated' to 'mass window'"),
    (attribute("cut_flow", other_end), "cut flow", "ends at 31 events"),
    (attribute("cut_flow", other_tag), "cut flow", "'double b tag' ends at"),
    (attribute("cut_flow", lambda values: values.update(signal=[])), "cut flow", "no cut flow is recorded"),
]


@pytest.mark.parametrize(("change", "check", "words"), FAULTS)
def test_a_fault_is_found(folder, change, check, words):
    assert words in failed(broken(folder, change))[check]


LEPTON_FAULTS = [  # tokens: three jets, two leptons, the missing momentum, the sum
    (at("kinematics", 3, 4, 3, to=lambda pt: 1.01 * pt), "kinematics", "the energy does not belong to m, pt and eta"),
    (
        at("kinematics", 3, 4, 2, to=lambda phi: 0.9 * phi),
        "kinematics",
        "not the four-vector sum of the jets and leptons",
    ),
    (
        at("kinematics", 3, 4, 5, to=0.1),
        "kinematics",
        "theta of lepton 1, lepton 2, the missing momentum, the sum is not",
    ),
    (at("kinematics", 3, 5, 0, to=1.0), "kinematics", "the missing momentum has a mass or eta"),
    (at("kinematics", 3, 3, 3, to=20.0), "selection", "a lepton lies outside the cut pt_min = 25"),
    (at("event_shapes", 3, 1, to=np.nan), "finite values", "'event_shapes' transverse_sphericity is NaN or infinite"),
]


def test_three_jets_and_two_leptons_pass(tmp_path):
    assert not failed(write_sound_sample(tmp_path / "s", jets=3, leptons=2))


@pytest.mark.parametrize(("change", "check", "words"), LEPTON_FAULTS)
def test_a_fault_beside_the_jets_is_found(tmp_path, change, check, words):
    folder = write_sound_sample(tmp_path / "s", shards=1, jets=3, leptons=2)
    assert words in failed(broken(folder, change))[check]


def test_equal_events_in_two_splits_are_leakage(folder):
    def copies(file):
        file["kinematics"][...] = np.repeat(file["kinematics"][:1], 60, axis=0)

    assert "0 groups and 1 events of equal kinematics" in failed(broken(folder, copies))["leakage"]


def test_random_tagging_ends_at_the_stored_events(folder):
    def random(file):
        change_attribute(file, "configuration", lambda values: values.update(b_tagging={"random": True}))

    assert "'double b tag' ends at" in failed(broken(folder, random))["cut flow"]  # weights of tags do not fit


PAIR_CUTS = [
    {"abs_delta_eta_max": 1.3},
    {"x_hh_max": 1.6, "x_hh_centres": [124.0, 115.0], "x_hh_resolution": 0.1},
]


@pytest.mark.parametrize("cut", PAIR_CUTS)
def test_cuts_on_pairs(folder, cut):
    """Off by default; random pairs fail them, and as many as a count by hand says."""

    def switch_on(file):
        change_attribute(file, "configuration", lambda values: values["selection"].update(cut))

    with Sample(folder) as sample:
        jets = sample.column("kinematics")[:60, :2].astype("f8")
    (m_1, m_2), (eta_1, eta_2) = jets[..., 0].T, jets[..., 1].T
    apart = np.abs(eta_1 - eta_2) >= 1.3
    far = ((m_1 - 124.0) / (0.1 * m_1)) ** 2 + ((m_2 - 115.0) / (0.1 * m_2)) ** 2 >= 1.6**2
    expected = int(np.sum(apart if "abs_delta_eta_max" in cut else far))
    name, limit = next(iter(cut.items()))
    words = f"the jets lie outside the cut {name} = {limit}: {expected} event(s)"
    change = broken(folder, switch_on)
    (folder / "sound-0001.h5").unlink()  # its configuration is the old one
    assert words in failed(change)["selection"]


def test_a_file_that_the_manifest_does_not_describe(folder):
    entries = [
        {"file": path.name, "events": 60, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
        for path in sorted(folder.glob("*.h5"))
    ]
    (folder / MANIFEST).write_text(json.dumps({"shards": entries}))
    assert results(folder)["manifest"].status == "passed"
    broken(folder, at("m_H", 0, to=900.0))
    assert "sound-0000.h5 is not the file" in failed(folder)["manifest"]


def test_content_hash_sees_every_bit_and_every_place():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(5000, 3, 6)).astype("f4")
    assert len(np.unique(content_hash(values))) == 5000
    other = values.copy()
    other[:, 2, 5] = np.nextafter(other[:, 2, 5], np.float32(9))
    swapped = values[:, [1, 0, 2]]
    assert not np.any(content_hash(other) == content_hash(values))
    assert not np.any(content_hash(swapped) == content_hash(values))
    assert np.array_equal(content_hash(values[::-1]), content_hash(values)[::-1])


@pytest.mark.parametrize("most", [1, 2, 14])
def test_float32_does_not_fail_the_jet_frame(tmp_path, most):
    """Also where an axis or a mirror is not defined: jets of one constituent, of two that balance."""
    found = results(write_sound_sample(tmp_path / "s", events=2000, shards=1, seed=5, most=most))
    for name in ("padding", "kinematics", "raw constituents", "jet momenta", "jet frame"):
        assert found[name].status == "passed", found[name].sentence
