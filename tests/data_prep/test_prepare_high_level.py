"""Named jet variables in files: derived for a sample that exists, described there, and refused in one sentence."""

import json
from dataclasses import replace

import h5py
import numpy as np
import pytest

from data_prep.jet_variables import jet_arrays
from data_prep.prepare import prepare
from mscat_tf import schema
from mscat_tf.config.preparation import Preparation
from mscat_tf.config.sample import Tokens
from mscat_tf.data import Sample
from mscat_tf.errors import InputError, SchemaError
from mscat_tf.physics.high_level_columns import COLUMNS, STANDARD, chosen_columns
from tests.data_prep.toy_samples import toy_file, write_toy_sample

CHOICE = ("lund", "mass", "s2_all_trimmed")


@pytest.fixture(scope="module")
def derived(source, tmp_path_factory):
    folder = tmp_path_factory.mktemp("derived")
    prepare(source, Preparation(high_level=CHOICE), folder, workers=1)
    return folder


def test_columns_of_a_sample_that_exists(source, derived):
    """Those of its raw constituents; everything else stays as it was."""
    with Sample(source) as before, Sample(derived) as after:
        assert (before.header.high_level, after.header.high_level) == ((), chosen_columns(CHOICE))
        raw, counts = before.read_raw(before.blocks[0])
        pt, eta, phi, mass = raw.T[:4].astype(np.float64)
        expected = jet_arrays(pt, eta, phi, mass, counts, Tokens(high_level=CHOICE))["high_level"]
        found = after.read(after.blocks[0], ("high_level",))["high_level"]
        np.testing.assert_allclose(found, expected, rtol=1e-6)
        tokens = [sample.column("kinematics")[:, :2, 0] for sample in (before, after)]
        np.testing.assert_allclose(after.column("high_level")[..., 0], tokens[0], rtol=1e-4)
        np.testing.assert_array_equal(*tokens)


def test_columns_are_described_where_they_are(derived):
    with h5py.File(next(derived.glob("*.h5"))) as file:
        about = {name: json.loads(text) for name, text in file["high_level"].attrs.items()}
    chosen = [COLUMNS[name] for name in chosen_columns(CHOICE)]
    assert about == {
        "columns": [column.name for column in chosen],
        "units": [column.unit for column in chosen],
        "definitions": [column.definition for column in chosen],
        "references": [column.reference for column in chosen],
    }


def test_every_column_at_once_fits_into_a_file(tmp_path):
    """HDF5 keeps attributes of up to 64 kB."""
    header, arrays = toy_file(3, 2, np.random.default_rng(0), 0)
    header, arrays["high_level"] = replace(header, high_level=tuple(COLUMNS)), np.ones((3, 2, len(COLUMNS)))
    schema.write_sample(tmp_path / "a.h5", header, arrays)
    assert schema.read_header(tmp_path / "a.h5").high_level == tuple(COLUMNS)


def test_a_derived_sample_can_be_derived_from(source, derived, tmp_path):
    """Other columns, those again where constituents change, or none."""
    settings = (Preparation(high_level=True), Preparation(energy_scale=1.5), Preparation(high_level=False))
    for number, (setting, names) in enumerate(zip(settings, (STANDARD, chosen_columns(CHOICE), ()), strict=True)):
        prepare(derived, setting, tmp_path / str(number), workers=1)
        with Sample(tmp_path / str(number)) as sample, Sample(derived) as before:
            assert sample.header.high_level == names
            assert sample.has("high_level") == bool(names)
            if setting.varies_detector:
                place = names.index("lund_hardest_kt")
                kt = [own.column("high_level")[..., place] for own in (before, sample)]
                np.testing.assert_allclose(kt[1], 1.5 * kt[0], rtol=1e-4)


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        (1, np.nan, "toy-0001.h5: 'raw/constituents' column 'eta' is nan in event 3"),
        (4, np.nan, "toy-0001.h5: 'raw/constituents' column 'charge' is nan in event 3"),
        (0, 0.0, "toy-0001.h5: event 3: jet 1 has a constituent with a 'pt' that is not above 0"),
        (5, 0.0, "toy-0001.h5: event 3: jet 1 has a constituent of unknown charge, which column 'pt_count_charged_0'"),
    ],
)
def test_what_cannot_be_used_names_file_event_and_column(tmp_path, column, value, message):
    folder = write_toy_sample(tmp_path / "toy", events=(2, 5))
    with h5py.File(folder / "toy-0001.h5", "a") as file:
        file["raw/constituents"][file["raw/offsets"][3 * 2], column] = value
    with pytest.raises(InputError, match=message):
        prepare(folder, Preparation(high_level=["all"]), tmp_path / "made", workers=1)


def test_a_file_made_before_keeps_its_columns(tmp_path):
    """It has the twelve columns and their units only; a column that nobody knows is refused."""
    header, arrays = toy_file(3, 2, np.random.default_rng(0), 0)
    header, arrays["high_level"] = replace(header, high_level=STANDARD), np.ones((3, 2, len(STANDARD)))
    path = tmp_path / "a.h5"
    schema.write_sample(path, header, arrays)
    with h5py.File(path, "a") as file:
        del file["high_level"].attrs["definitions"], file["high_level"].attrs["references"]
    assert schema.read_header(path).high_level == STANDARD
    for columns, message in (
        (("beauty", *STANDARD[1:]), "'high_level' has an unknown column 'beauty'; make the file anew"),
        (("girth", *STANDARD[1:]), "'high_level' has a column twice"),
        (STANDARD[1:], r"'high_level' has shape \(3, 2, 12\), the schema wants \(3, 2, 11\)"),
    ):
        with h5py.File(path, "a") as file:
            file["high_level"].attrs["columns"] = json.dumps(columns)
        with pytest.raises(SchemaError, match=message):
            schema.read_header(path)
    with pytest.raises(SchemaError, match="unknown column 'beauty'"):
        schema.write_sample(path, replace(header, high_level=("beauty",)), arrays)
