"""The file schema: round trip, and every fault of a file named in one sentence."""

from dataclasses import replace

import h5py
import numpy as np
import pytest

from mscat_tf import schema
from mscat_tf.data import Sample
from mscat_tf.data.mock import mock_arrays, mock_header, mock_optional, mock_subjets, write_mock_sample
from mscat_tf.errors import InputError, SchemaError


@pytest.fixture
def one_file(tmp_path):
    return next(
        write_mock_sample(tmp_path, events=11, shards=1, constituents=5, declusterings=3, subjets=4).glob("*.h5")
    )


def test_round_trip(tmp_path):
    arrays, header = mock_arrays(7, 5, np.random.default_rng(1)), mock_header(5, seed=3, declusterings=3, subjets=4)
    arrays |= mock_optional(arrays["label"] == 1, 3, np.random.default_rng(2))
    arrays |= mock_subjets(arrays["label"] == 1, 4, np.random.default_rng(3))
    header = replace(header, token_names=("jet 1", "jet 2", "sum"))
    schema.write_sample(tmp_path / "a.h5", header, arrays)
    assert schema.read_header(tmp_path / "a.h5") == header
    with h5py.File(tmp_path / "a.h5") as file:
        for name, definition in schema.DATA_SETS.items():
            np.testing.assert_array_equal(file[name][()], arrays[name].astype(definition.dtype))


def test_files_without_the_later_attributes_are_read(tmp_path):
    """The first files of version 1 have neither names of tokens nor numbers of declusterings and subjets."""
    schema.write_sample(tmp_path / "a.h5", mock_header(5, seed=3), mock_arrays(7, 5, np.random.default_rng(1)))
    with h5py.File(tmp_path / "a.h5", "a") as file:
        del file.attrs["token_names"], file.attrs["declusterings"], file.attrs["subjets"]
    header = schema.read_header(tmp_path / "a.h5")
    assert (header.token_names, header.declusterings, header.subjets) == ((), 0, 0)


def test_same_input_same_bytes(tmp_path):
    for name in ("a.h5", "b.h5"):
        schema.write_sample(tmp_path / name, mock_header(5, 3), mock_arrays(7, 5, np.random.default_rng(1)))
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()


def test_no_event_at_all_is_a_valid_file(tmp_path):
    schema.write_sample(tmp_path / "a.h5", mock_header(5, 3), mock_arrays(0, 5, np.random.default_rng(1)))
    assert schema.read_header(tmp_path / "a.h5").events == 0


@pytest.mark.parametrize("share", [0.02, 0.3, 0.9, 0.999])
def test_truncated_file_is_never_taken_for_a_good_one(one_file, share):
    content = one_file.read_bytes()
    one_file.write_bytes(content[: int(share * len(content))])
    with pytest.raises(SchemaError, match=r"truncated|not an HDF5 file"):
        schema.read_header(one_file)


def test_faults_are_named(one_file, tmp_path):
    with pytest.raises(InputError, match="no such file"):
        schema.read_header(tmp_path / "none.h5")
    with h5py.File(one_file, "a") as file:
        file.attrs["schema_version"] = 99
    with pytest.raises(SchemaError, match="schema version 99, but this code reads version 1"):
        schema.read_header(one_file)
    with h5py.File(one_file, "a") as file:
        del file.attrs["schema_version"]
    with pytest.raises(SchemaError, match="not a sample of this project"):
        schema.read_header(one_file)


@pytest.mark.parametrize("name", sorted(schema.OPTIONAL))
def test_optional_data_sets_may_be_missing(one_file, name):
    with Sample(one_file) as sample:
        assert sample.has(name)
    with h5py.File(one_file, "a") as file:
        del file[name]
    with Sample(one_file) as sample:
        assert not sample.has(name)
        assert sample.has("label")


@pytest.mark.parametrize("name", sorted(schema.DATA_SETS.keys() - schema.OPTIONAL))
def test_missing_data_set_is_named(one_file, name):
    with h5py.File(one_file, "a") as file:
        del file[name]
    with pytest.raises(SchemaError, match=name.rpartition("/")[2]):
        schema.read_header(one_file)


def test_wrong_shape_is_refused_on_writing_and_reading(one_file, tmp_path):
    arrays = mock_arrays(7, 5, np.random.default_rng(1))
    with pytest.raises(SchemaError, match=r"'multiplicity' has shape \(7, 3\).*\(7, 2\)"):
        schema.write_sample(tmp_path / "x.h5", mock_header(5, 1), {**arrays, "multiplicity": np.ones((7, 3))})
    with h5py.File(one_file, "a") as file:
        attributes = dict(file["kinematics"].attrs)
        del file["kinematics"]
        file["kinematics"] = np.zeros((11, 2, 6), "f4")
        file["kinematics"].attrs.update(attributes)
    with pytest.raises(SchemaError, match=r"'kinematics' has shape \(11, 2, 6\)"):
        schema.read_header(one_file)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_nan_names_file_column_and_event(one_file, value):
    with h5py.File(one_file, "a") as file:
        file["kinematics"][4, 1, 3] = value
    with (
        Sample(one_file) as sample,
        pytest.raises(InputError, match=r"mock-0000.h5: 'kinematics' column 'pt'.*event 4"),
    ):
        sample.column("kinematics")


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("schema_version", "new", "schema version new"),
        ("jets", "two", "invalid literal"),
        ("labels", "[1]", r"[^X]'labels' and 'processes' differ in length"),
        ("processes", "3", "no len"),
        ("normalisation", '{"signal": {"x": 1}}', "unexpected keyword"),
        ("cut_flow", "[1]", "no attribute 'items'"),
    ],
)
def test_attributes_of_another_kind_are_named(one_file, name, value, words):
    with h5py.File(one_file, "a") as file:
        file.attrs[name] = value
    with pytest.raises(SchemaError, match=words):
        schema.read_header(one_file)


def test_a_number_in_place_of_a_data_set(one_file):
    with h5py.File(one_file, "a") as file:
        del file["label"]
        file["label"] = np.int32(1)
    with pytest.raises(SchemaError, match="scalar dataset"):
        schema.read_header(one_file)


def test_events_without_data_are_refused(one_file):
    """Before anything is made for each of them."""
    with h5py.File(one_file, "a") as file:
        attributes = dict(file["raw/constituents"].attrs)
        del file["raw/constituents"]
        huge = file.create_dataset("raw/constituents", (10**12, 6), "f4", chunks=(1024, 6))
        huge.attrs.update(attributes)
    with pytest.raises(SchemaError, match="'raw/constituents' promises 24000000000000 bytes"):
        schema.read_header(one_file)
