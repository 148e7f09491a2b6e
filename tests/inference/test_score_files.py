"""Files of scores, read back by other libraries; and what is left when they cannot be written."""

import json

import h5py
import numpy as np
import pyarrow.parquet as pq
import pytest
import uproot

from mscat_tf.errors import InputError, OutputError
from mscat_tf.inference.score_files import TYPES, score_file
from tests.full_disk import files_no_longer_than

EVENTS = 1000
ENDINGS = (".h5", ".parquet", ".root")


def columns(events=EVENTS):
    rng = np.random.default_rng(5)
    found = {name: rng.integers(0, 100, events).astype(kind) for name, kind in TYPES.items()}
    return {**found, "event_id": found["event_id"] + np.uint64(2**63), "weight_fb": rng.uniform(size=events)}


def read(path):
    if path.suffix == ".h5":
        with h5py.File(path) as file:
            return {name: file[name][()] for name in file}, json.loads(file.attrs["processes"])
    if path.suffix == ".parquet":
        table = pq.read_table(path)
        about = json.loads(table.schema.metadata[b"mscat"])
        return {name: table[name].to_numpy() for name in table.column_names}, about["processes"]
    with uproot.open(path) as file:
        found = file["scores"].arrays(library="np")
        return {name: found[name] for name in file["scores"].keys()}, json.loads(str(file["mscat"]))["processes"]  # noqa: SIM118


@pytest.mark.parametrize("ending", ENDINGS)
def test_what_is_read_back_is_what_was_appended(tmp_path, ending):
    path, given = tmp_path / f"s{ending}", columns()
    with score_file(path, EVENTS, {"processes": ["signal", "4b"], "seed": 1}) as append:
        for start, stop in ((0, 1), (1, 400), (400, EVENTS)):
            append({name: values[start:stop] for name, values in given.items()})
    found, processes = read(path)
    assert processes == ["signal", "4b"]
    assert list(found) == sorted(TYPES) if ending == ".h5" else list(TYPES)
    for name, kind in TYPES.items():
        assert found[name].dtype == np.dtype(kind)
        np.testing.assert_array_equal(found[name], given[name])
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("ending", ENDINGS)
def test_full_disk_is_one_sentence_and_leaves_what_was_there(tmp_path, ending):
    path, given = tmp_path / f"s{ending}", columns(20_000)
    path.write_text("of before")
    with (
        files_no_longer_than(100_000),
        pytest.raises(OutputError, match=r"s\.\w+: cannot be written \(.*free space or choose another"),
        score_file(path, 20_000, {}) as append,
    ):
        assert ending != ".h5", "the place of an HDF5 file is taken before the first event"
        append(given)
    assert path.read_text() == "of before"
    assert list(tmp_path.iterdir()) == [path]


def test_unknown_ending(tmp_path):
    with (
        pytest.raises(InputError, match=r"s\.csv: .* ends in \.h5, \.parquet, \.root"),
        score_file(tmp_path / "s.csv", 1, {}),
    ):
        pass
