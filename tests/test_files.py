"""Atomic writing: nothing half-written ever stands under the final name."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mscat_tf import files
from mscat_tf.errors import InputError, OutputError
from mscat_tf.files import PART, atomic_path, read_json, remove_leftovers, temporary_folder


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


@pytest.mark.parametrize("processes", ["/proc", "/not there, as on macOS"])
def test_leftovers_of_dead_processes_go_and_living_ones_stay(tmp_path, monkeypatch, processes):
    monkeypatch.setattr(files, "PROCESSES", Path(processes))
    dead = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True)
    (tmp_path / f"{PART}{dead.stdout.strip()}-a.h5").write_text("")
    mine = tmp_path / f"{PART}{os.getpid()}-b.h5"
    mine.write_text("")
    assert remove_leftovers(tmp_path) == 1
    assert list(tmp_path.iterdir()) == [mine]


def test_another_node_of_the_cluster_is_believed_to_be_at_work_for_a_day(tmp_path, monkeypatch):
    """It shares the folder, and its process may have a number that none has here."""
    with monkeypatch.context() as there:
        there.setattr(files, "HOST", "0badcafe")
        there.setattr(os, "getpid", lambda: 999999999)
        with atomic_path(tmp_path / "scores.h5") as temporary:
            temporary.write_text("half")
            with monkeypatch.context() as here:
                here.setattr(files, "HOST", "deadbeef")
                assert remove_leftovers(tmp_path) == 0
                os.utime(temporary, (time.time() - 90_000,) * 2)
                assert remove_leftovers(tmp_path) == 1
            temporary.write_text("whole")
    assert [path.name for path in tmp_path.iterdir()] == ["scores.h5"]


def test_leftovers_of_a_killed_process_that_nobody_asked_after(tmp_path):
    """Such a process stays in the list of processes, and its files would stay with it."""
    zombie = subprocess.Popen([sys.executable, "-c", "pass"], stdout=subprocess.PIPE)
    zombie.stdout.read()  # ended, but not waited for
    (tmp_path / f"{PART}{zombie.pid}-a.h5").write_text("")
    (tmp_path / f"{PART}{zombie.pid}-folder" / "below").mkdir(parents=True)
    deadline = time.monotonic() + 10
    while (removed := remove_leftovers(tmp_path)) == 0 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert removed == 2
    assert not list(tmp_path.iterdir())
    zombie.wait()
    zombie.stdout.close()


def test_writing_a_file_removes_what_a_killed_process_left_of_it(tmp_path):
    for name in ("a[1].pdf", "b.pdf"):
        (tmp_path / f"{PART}999999999-{name}").write_text("half")
    with atomic_path(tmp_path / "a[1].pdf") as temporary:
        temporary.write_text("whole")
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"{PART}999999999-b.pdf", "a[1].pdf"]


def test_temporary_folder(tmp_path):
    (tmp_path / f"{PART}999999999-old").mkdir()
    with temporary_folder(tmp_path) as folder:
        (folder / "a").write_text("a")
        assert list(tmp_path.iterdir()) == [folder]
        assert remove_leftovers(tmp_path) == 0
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("text", ["", "{", "[1]", "3", "\x80"])
def test_damaged_json_is_named(text, tmp_path):
    (tmp_path / "a.json").write_text(text, encoding="latin-1")
    with pytest.raises(InputError, match=r"a\.json: damaged"):
        read_json(tmp_path / "a.json")
    with pytest.raises(FileNotFoundError):
        read_json(tmp_path / "b.json")
