"""Atomic writing: nothing half-written ever stands under the final name."""

import os
import subprocess
import sys

import pytest

from mscat_tf.errors import OutputError
from mscat_tf.files import PART, atomic_path, remove_leftovers


def test_failure_keeps_the_old_file_and_leaves_no_temporary(tmp_path):
    target = tmp_path / "file.txt"
    target.write_text("old")
    with pytest.raises(ZeroDivisionError), atomic_path(target) as temporary:
        temporary.write_text("half")
        1 / 0  # noqa: B018
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_full_disk_is_one_sentence(tmp_path):
    with pytest.raises(OutputError, match=r"No space left on device.*free space"), atomic_path(tmp_path / "x") as part:
        part.write_text("x")
        with open("/dev/full", "w") as full:
            full.write("x" * 100_000)
    assert not (tmp_path / "x").exists()


def test_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="folder cannot be made"), atomic_path(tmp_path / "file" / "x"):
        pass


def test_leftovers_of_dead_processes_go_and_living_ones_stay(tmp_path):
    dead = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True)
    (tmp_path / f"{PART}{dead.stdout.strip()}-a.h5").write_text("")
    mine = tmp_path / f"{PART}{os.getpid()}-b.h5"
    mine.write_text("")
    assert remove_leftovers(tmp_path) == 1
    assert list(tmp_path.iterdir()) == [mine]
