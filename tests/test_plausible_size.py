"""Absurd sizes are told from descriptions alone; sound files pass."""

import zipfile

import h5py
import numpy as np
import pytest

from mscat_tf.plausible_size import MOST_CHUNK_BYTES, MOST_SHRUNK, archive_problem, data_set_problem, entries_problem


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"data": np.arange(1000.0)}, None),
        ({"data": np.zeros(10**6), "compression": "gzip", "chunks": (10**6,)}, None),
        ({"shape": (0, 3)}, None),
        ({"shape": (10**12,), "chunks": (256,)}, "promises 4000000000000 bytes"),
        ({"shape": (10**12,)}, "promises 4000000000000 bytes"),
    ],
)
def test_data_sets(options, words, tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        problem = data_set_problem(file.create_dataset("x", **options))
    assert (words in problem) if words else problem is None


def test_a_chunk_that_unpacks_to_much(tmp_path):
    rows = MOST_CHUNK_BYTES // 4 + 1
    with h5py.File(tmp_path / "a.h5", "w") as file:
        data_set = file.create_dataset("x", (rows,), "f4", chunks=(rows,), compression="gzip")
        data_set.id.write_direct_chunk((0,), bytes(rows * 4 // MOST_SHRUNK + 1))  # never unpacked
        assert f"chunks of {4 * rows} bytes" in data_set_problem(data_set)


def test_members_of_archives(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("small", bytes(2**20))  # shrinks a thousand times, but is small
        archive.writestr("random", np.random.default_rng(1).bytes(2**20))
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        assert archive_problem(archive) is None
        archive.infolist()[0].file_size = 2**30
        assert "'small' unpacks" in archive_problem(archive)


def test_entries(tmp_path):
    (tmp_path / "a").write_bytes(bytes(100))
    assert entries_problem(100 * MOST_SHRUNK, tmp_path / "a") is None
    assert "promises 1000001 entries, but is only 100 bytes long" in entries_problem(1_000_001, tmp_path / "a")
