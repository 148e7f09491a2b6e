"""Damaged, wrong and odd ROOT files: one sentence that names the file, never fewer events."""

import numpy as np
import pytest
import uproot

from data_prep.importers.root_file import open_tree
from mscat_tf.errors import InputError
from tests.data_prep.importers.conftest import read
from tests.data_prep.importers.delphes_files import HARD, event, write


@pytest.mark.external
@pytest.mark.parametrize("kept", [10, 100, 3_000, 1_000_000, 5_778_000, 5_783_482])
def test_truncated_file(signal_file, tmp_path, kept):
    (tmp_path / "cut.root").write_bytes(signal_file.read_bytes()[:kept])
    with pytest.raises(InputError, match=r"cut\.root: (truncated: \d+ of 5783483|not a ROOT file)"):
        read(tmp_path / "cut.root")


@pytest.mark.external
def test_damaged_bytes(signal_file, tmp_path):
    """A hole in the middle of the events, as a broken disk leaves it."""
    content = bytearray(signal_file.read_bytes())
    content[20_000:3_000_000] = bytes(2_980_000)
    (tmp_path / "hole.root").write_bytes(content)
    with pytest.raises(InputError, match=r"hole\.root: damaged: .* cannot be read"):
        read(tmp_path / "hole.root")


def test_not_a_root_file(tmp_path):
    (tmp_path / "a.root").write_text("<html>404 Not Found</html>")
    with pytest.raises(InputError, match="not a ROOT file"):
        read(tmp_path / "a.root")
    with pytest.raises(InputError, match="No such file"):
        read(tmp_path / "b.root")


def test_other_tree_and_empty_tree(tmp_path):
    with pytest.raises(InputError, match=r"holds no tree 'Delphes' \(trees: events\)"):
        read(write(tmp_path / "a.root", [event(HARD)], name="events"))
    with uproot.recreate(tmp_path / "b.root") as file:
        file.mktree("Delphes", {"x": "f4"})
    with pytest.raises(InputError, match="has no entries"):
        read(tmp_path / "b.root")


@pytest.mark.parametrize("branch", ["EFlowTrack", "EFlowPhoton", "EFlowNeutralHadron"])
def test_no_energy_flow(tmp_path, branch):
    with pytest.raises(InputError, match=rf"no branch '{branch}', but constituents come from it"):
        read(write(tmp_path / "a.root", [event(HARD)], without=[branch]))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_momentum_that_is_not_a_number(tmp_path, value):
    bad = [HARD[0], (value, 0.1, 0.2)]
    path = write(tmp_path / "a.root", [event(), event(HARD), event(bad), event(HARD)])
    with pytest.raises(InputError, match=rf"'EFlowPhoton\.ET' is {value} in entry 2"):
        read(path)
    with pytest.raises(InputError, match="in entry 2"):
        read(path, 1, 4)
    assert len(read(path, 3, 4, selection={"mass_min": 0.0}).entry) == 1


def test_branch_of_one_number_an_entry(tmp_path):
    with uproot.recreate(tmp_path / "a.root") as file:
        file["Delphes"] = {"one": np.arange(5.0)}
    with (
        open_tree(tmp_path / "a.root", "Delphes") as tree,
        pytest.raises(InputError, match=r"a\.root: branch 'one' holds float64 in each entry, not a list of numbers"),
    ):
        tree.numbers("one")


def test_newest_of_two_cycles(tmp_path):
    """Cycle 1 is what an interrupted job saved before."""
    path = write(tmp_path / "a.root", [event(HARD)] * 2, [event(HARD)] * 5)
    with uproot.open(path) as file:
        assert set(file.keys()) == {"Delphes;1", "Delphes;2"}
    with open_tree(path, "Delphes") as tree:
        assert tree.entries == 5
    assert len(read(path, selection={"mass_min": 0.0}).entry) == 5
