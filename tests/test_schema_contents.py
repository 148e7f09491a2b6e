"""What a sample file holds beside its events, and the whole sentence about each fault: what, where, how to mend."""

import json
from dataclasses import replace

import h5py
import numpy as np
import pytest

from mscat_tf import schema
from mscat_tf.data.mock import mock_arrays, mock_header, mock_optional, write_mock_sample
from mscat_tf.errors import InputError, SchemaError

HIGH_LEVEL_FAULT = (
    "{}: 'high_level' has {}; make the file anew with columns that docs/high_level.md lists, or "
    "install the matching mscat-tf"
)


@pytest.fixture
def one_file(tmp_path):
    return next(write_mock_sample(tmp_path, events=9, shards=1, constituents=5, declusterings=3).glob("*.h5"))


def written(path, events=7, constituents=5, **attributes):
    """A file of mock events whose header has these attributes."""
    arrays = mock_arrays(events, constituents, np.random.default_rng(1))
    schema.write_sample(path, replace(mock_header(constituents, seed=3), **attributes), arrays)
    return path


def fault_of(call, *arguments):
    with pytest.raises((SchemaError, InputError)) as fault:
        call(*arguments)
    return str(fault.value)


def test_every_data_set_names_its_columns_and_their_units(one_file):
    wanted = {
        "kinematics": (["m", "eta", "phi", "pt", "energy", "theta"], ["GeV", "1", "rad", "GeV", "GeV", "rad"]),
        "constituents": (["eta", "phi", "pt", "log_pt"], ["1", "rad", "GeV", "log GeV"]),
        "weights": (["generator", "tag"], ["1", "1"]),
        "label": ([], []),
    }
    with h5py.File(one_file) as file:
        for name, (columns, units) in wanted.items():
            attributes = {key: json.loads(value) for key, value in file[name].attrs.items()}
            assert attributes == {"columns": columns, "units": units}
        about = {key: json.loads(value) for key, value in file["high_level"].attrs.items()}
    assert set(about) == {"columns", "units", "definitions", "references"}
    assert len({len(values) for values in about.values()}) == 1
    units = dict(zip(about["columns"], about["units"], strict=True))
    assert (units["mass"], units["soft_drop_mass"], units["tau_21"]) == ("GeV", "GeV", "1")
    assert all(isinstance(text, str) and text for text in about["definitions"] + about["references"])
    assert schema.read_header(one_file).units("high_level") == tuple(about["units"])


def test_data_sets_are_cut_by_events_and_constituents_of_all_jets_by_more(tmp_path):
    """Chunks of 256 events, of 64 times as many constituents, no longer than the data; not one carries a time."""
    events = 700
    written(tmp_path / "a.h5", events, constituents=20)
    with h5py.File(tmp_path / "a.h5") as file:
        assert file["constituents"].chunks == (256, 2, 20, 4)
        assert file["label"].chunks == (256,)
        assert len(file["raw/constituents"]) > 64 * 256
        assert file["raw/constituents"].chunks == (64 * 256, 6)
        assert file["raw/offsets"].chunks == (2 * events + 1,)
        assert file["label"].compression is None
        assert h5py.h5g.get_objinfo(file["label"].id).mtime == 0
    written(tmp_path / "few.h5", 9)
    with h5py.File(tmp_path / "few.h5") as file:
        assert file["label"].chunks == (9,)


def test_bytes_do_not_know_the_order_of_settings(tmp_path):
    for name, keys in (("a.h5", ("one", "two")), ("b.h5", ("two", "one"))):
        written(tmp_path / name, configuration=dict.fromkeys(keys, 1))
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()


def test_what_is_refused_on_writing_leaves_no_file(tmp_path):
    path, header = tmp_path / "a.h5", mock_header(5, seed=3)
    arrays = mock_arrays(7, 5, np.random.default_rng(1))
    lacking = {name: array for name, array in arrays.items() if name not in ("weights", "label")}
    assert fault_of(schema.write_sample, path, header, lacking) == (
        f"{path}: missing data sets ['label', 'weights'], unknown data sets []; see mscat_tf/schema.py"
    )
    more = {**arrays, "colour": arrays["label"]}
    assert fault_of(schema.write_sample, path, header, more) == (
        f"{path}: missing data sets [], unknown data sets ['colour']; see mscat_tf/schema.py"
    )
    wrong = {**arrays, "kinematics": arrays["kinematics"][:, :2]}
    assert fault_of(schema.write_sample, path, header, wrong) == (
        f"{path}: 'kinematics' has shape (7, 2, 6), the schema wants (7, 3, 6) (events, tokens, columns); "
        "make the file anew"
    )
    wrong = {**arrays, "raw/constituents": np.zeros((4, 5))}
    assert fault_of(schema.write_sample, path, header, wrong) == (
        f"{path}: 'raw/constituents' has shape (4, 5), the schema wants ('any', 6) "
        "(constituents of all jets, columns); make the file anew"
    )
    wrong = {**arrays, "raw/offsets": arrays["raw/offsets"][:-1]}
    assert "'raw/offsets' has shape (14,), the schema wants (15,)" in fault_of(schema.write_sample, path, header, wrong)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("columns", "what"), [(("mass", "masss"), "an unknown column 'masss'"), (("mass", "mass"), "a column twice")]
)
def test_unknown_and_doubled_columns_of_high_level_are_refused_both_ways(one_file, tmp_path, columns, what):
    path, rng = tmp_path / "other.h5", np.random.default_rng(1)
    arrays = mock_arrays(7, 5, rng) | mock_optional(np.zeros(7, bool), 3, rng)
    header = replace(mock_header(5, 1, declusterings=3), high_level=columns)
    assert fault_of(schema.write_sample, path, header, arrays) == HIGH_LEVEL_FAULT.format(path, what)
    with h5py.File(one_file, "a") as file:
        file["high_level"].attrs["columns"] = json.dumps(columns)
    assert fault_of(schema.read_header, one_file) == HIGH_LEVEL_FAULT.format(one_file, what)


def test_type_columns_and_shape_of_a_file_are_named(one_file):
    content = one_file.read_bytes()
    with h5py.File(one_file, "a") as file:
        file["kinematics"].attrs["columns"] = json.dumps(["m"])
    assert fault_of(schema.read_header, one_file) == (
        f"{one_file}: 'kinematics' has columns ('m',), the schema wants {schema.KINEMATIC_COLUMNS}"
    )
    one_file.write_bytes(content)
    with h5py.File(one_file, "a") as file:
        del file["kinematics"].attrs["columns"]
    assert f"'kinematics' has columns (), the schema wants {schema.KINEMATIC_COLUMNS}" in fault_of(
        schema.read_header, one_file
    )
    one_file.write_bytes(content)
    with h5py.File(one_file, "a") as file:
        label = file["label"][()]
        del file["label"]
        file["label"] = label.astype("f8")
    assert fault_of(schema.read_header, one_file) == (f"{one_file}: 'label' has type float64, the schema wants int32")


def test_what_follows_a_missing_optional_data_set_is_still_checked(one_file):
    with h5py.File(one_file, "a") as file:
        attributes = dict(file["event_shapes"].attrs)
        del file["m_H"], file["event_shapes"]
        file["event_shapes"] = np.zeros((9, 5), "f4")
        file["event_shapes"].attrs.update(attributes)
    assert fault_of(schema.read_header, one_file).startswith(f"{one_file}: 'event_shapes' has shape (9, 5)")


def test_what_is_no_sample_is_named_with_its_path(one_file, tmp_path):
    content, mend = one_file.read_bytes(), "delete it and run `mscat generate` again, which makes only what is missing"
    one_file.write_bytes(content[: len(content) * 9 // 10])
    assert fault_of(schema.read_header, one_file) == f"{one_file}: truncated; {mend}"
    one_file.write_text("<html>not found</html>")
    assert fault_of(schema.open_sample, one_file) == f"{one_file}: not an HDF5 file, or damaged; {mend}"
    missing = tmp_path / "none.h5"
    assert fault_of(schema.open_sample, missing) == (
        f"{missing}: no such file; make it with `mscat generate`, or check the path"
    )
    one_file.write_bytes(content)
    with h5py.File(one_file, "a") as file:
        file.attrs["schema_version"] = 2
    assert fault_of(schema.open_sample, one_file) == (
        f"{one_file}: schema version 2, but this code reads version 1; make the file anew with `mscat generate`, "
        "or install the matching mscat-tf"
    )
    with h5py.File(one_file, "a") as file:
        del file.attrs["schema_version"]
    assert fault_of(schema.open_sample, one_file) == (
        f"{one_file}: has no attribute schema_version, so it is not a sample of this project; import it first"
    )


def test_an_open_sample_cannot_be_written_and_keeps_no_chunks(one_file):
    """Whole chunks are read, so HDF5's own cache would only cost memory."""
    with schema.open_sample(one_file) as file:
        assert file.mode == "r"
        assert file.id.get_access_plist().get_cache()[2] == 0
