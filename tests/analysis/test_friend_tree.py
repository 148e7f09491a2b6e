"""`mscat predict --friend-of`: an entry for each of the tree, in its order. uproot reads both; PyROOT is not here."""

import h5py
import numpy as np
import pytest
import uproot

from tests.analysis.toys import toy_events
from tests.data_prep.importers.delphes_files import write

VALUES = ("score", "logit", "label", "process", "split", "weight_fb", "weight_generator", "weight_tag", "group_id")


def tree(path, name="scores"):
    with uproot.open(path) as file:
        return file[name].arrays(library="np")


def plain(mscat, network, sample, *options):
    """What `mscat predict` writes without a friend, by event."""
    assert mscat("predict", network, sample, *options, "--out", "plain.h5")[0] == 0
    with h5py.File("plain.h5") as file:
        return {name: file[name][()] for name in file}


def test_friend_of_a_file_has_its_entries(mscat, onnx_file, delphes_file, tmp_path):
    options = ("--import", "delphes", delphes_file, "--friend-of", delphes_file)
    status, output, complaint = mscat("predict", onnx_file, *options, "--out", "friend.root")
    assert status == 0, complaint
    expected = plain(mscat, onnx_file, delphes_file, "--import", "delphes")
    selected = len(expected["score"])
    assert f"friend.root: scores of {selected} events" in output
    friend = tree("friend.root")
    photons = tree(delphes_file, "Delphes")["EFlowPhoton_size"]
    assert {len(values) for values in friend.values()} == {len(photons)}
    np.testing.assert_array_equal(friend["event_id"] & 0xFFFFFF, np.arange(len(photons)))
    np.testing.assert_array_equal(friend["event_id"][friend["selected"]], np.sort(expected["event_id"]))
    entry = (expected["event_id"] & 0xFFFFFF).astype(int)
    for name in VALUES:
        np.testing.assert_array_equal(friend[name][entry], expected[name], err_msg=name)
    left = ~friend["selected"]
    assert 0 < left.sum() == len(photons) - selected
    assert (photons[friend["selected"]] > 0).all()
    assert left[photons == 0].all()
    assert (friend["score"][left] == -1.0).all()
    assert (friend["split"][left] == -1).all()
    assert (friend["weight_fb"][left] == 0.0).all()
    assert np.isnan(friend["logit"][left]).all()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["friend.root", "plain.h5"]


def test_friends_of_several_files_of_one_sample_concatenate_with_them(mscat, onnx_file, delphes_file, tmp_path):
    other = write(tmp_path / "other.root", toy_events(30, np.random.default_rng(9)))
    files = [other, delphes_file]
    options = "--process signal --cross-section 1 --out data/x --set tokens.constituents=8 --workers 1"
    status, _, complaint = mscat("import", "delphes", *files, *options.split())
    assert status == 0, complaint
    for file in files:
        assert mscat("predict", onnx_file, "data/x", "--friend-of", file, "--out", f"{file.stem}.friend.root")[0] == 0
    expected = plain(mscat, onnx_file, "data/x")
    hard = uproot.concatenate([f"{file}:Delphes" for file in files], ["EFlowTrack.PT"])["EFlowTrack.PT"]
    friend = uproot.concatenate([f"{file.stem}.friend.root:scores" for file in files], library="np")
    assert len(friend["score"]) == len(hard) == 90
    scores = dict(zip(expected["event_id"].tolist(), expected["score"].tolist(), strict=True))
    assert friend["selected"].sum() == len(scores)
    assert {n: scores.get(n, -1.0) for n in friend["event_id"].tolist()} == dict(
        zip(friend["event_id"].tolist(), friend["score"].tolist(), strict=True)
    )
    np.testing.assert_array_equal(friend["event_id"] & 0xFFFFFF, [*range(30), *range(60)])
    assert np.array([len(tracks) > 0 for tracks in hard.to_list()])[friend["selected"]].all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--friend-of", "other.root"), "other.root: is none of the files that"),
        (("--friend-of", "none.root"), "none.root: no such file"),
        (("--friend-of", "other.root", "--out", "x.h5"), "x.h5: a friend of a tree is a ROOT file"),
    ],
)
def test_other_files_are_one_sentence(mscat, onnx_file, delphes_file, tmp_path, options, message):
    write(tmp_path / "other.root", toy_events(4, np.random.default_rng(2)))
    status, _, complaint = mscat("predict", onnx_file, "--import", "delphes", delphes_file, *options)
    assert (status, message in complaint) == (2, True), complaint
    assert [path.name for path in tmp_path.iterdir()] == ["other.root"]


def test_sample_that_was_not_imported(mscat, onnx_file, delphes_file, mock_folder):
    status, _, complaint = mscat("predict", onnx_file, mock_folder, "--friend-of", delphes_file)
    assert (status, "was not made by `mscat import`" in complaint) == (2, True), complaint
