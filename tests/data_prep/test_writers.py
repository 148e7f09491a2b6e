"""Samples written as Parquet, ROOT and npz hold what `Sample` reads, all constituents included."""

import json
import tracemalloc

import awkward as ak
import numpy as np
import pyarrow.parquet
import pytest
import uproot
import vector

from data_prep.writers import records
from data_prep.writers.run import FORMATS, convert
from mscat_tf import schema
from mscat_tf.cli import conversion
from mscat_tf.config import DataSettings
from mscat_tf.data import Sample, event_table
from mscat_tf.data.mock import mock_arrays, mock_header, write_mock_sample
from mscat_tf.data.splits import SPLITS
from mscat_tf.errors import ConfigError, InputError, SchemaError
from mscat_tf.schema import KINEMATIC_COLUMNS, RAW_COLUMNS
from tests.validation.sound import write_sound_sample

vector.register_awkward()
EVENTS = 50


def read_back(format, path):
    """Events as awkward records with nested jets, whatever the file is like."""
    if format == "parquet":
        return ak.from_parquet(path)
    if format == "root":
        return _nested_tree(path)
    return _nested_arrays(path)


def _nested_tree(path):
    with uproot.open(path) as file:
        flat = file["events"].arrays()
    jet = flat.constituents_jet
    constituents = ak.zip({name: flat[f"constituents_{name}"] for name in RAW_COLUMNS})
    per_jet = ak.run_lengths(ak.flatten(jet + 1000 * ak.local_index(jet, axis=0)))
    nested = ak.unflatten(ak.unflatten(ak.flatten(constituents), per_jet), flat.njets)
    fields = [name for name in flat.fields if name.startswith("jets_")]
    jets = {name.removeprefix("jets_"): flat[name] for name in fields}
    sums = {name.removeprefix("sum_"): flat[name] for name in flat.fields if name.startswith("sum_")}
    scalars = {
        name: flat[name] for name in flat.fields if "_" not in name or name.startswith(("weight", "event", "gr"))
    }
    return ak.zip(
        {**scalars, "jets": ak.zip({**jets, "constituents": nested}, depth_limit=2), "sum": ak.zip(sums),
         "m_H": flat.m_H}, depth_limit=1,
    )  # fmt: skip


def _nested_arrays(path):
    with np.load(path) as file:
        arrays = dict(file)
    n, jets = arrays["multiplicity"].shape
    constituents = dict(zip(arrays["constituent_columns"], arrays["constituents"].T, strict=True))
    nested = ak.unflatten(ak.zip(constituents), np.diff(arrays["offsets"]))
    names = {"m": "mass", "theta": "principal_angle", **{name: name for name in ("pt", "eta", "phi")}}
    kinematics = dict(zip(arrays["kinematic_columns"], np.moveaxis(arrays["kinematics"], -1, 0), strict=True))
    columns = {new: kinematics[old][:, :jets].ravel() for old, new in names.items()}
    per_jet = ak.zip({**columns, "constituents": nested}, depth_limit=1)
    weights = {f"weight_{name}": arrays["weights"][:, i] for i, name in enumerate(arrays["weight_columns"])}
    return ak.zip(
        {
            **{name: arrays[name] for name in ("event_id", "group_id", "label", "weight_fb", "m_H")},
            **weights,
            "process": ak.Array(arrays["processes"])[arrays["process"]],
            "split": ak.Array(arrays["splits"])[arrays["split"]],
            "jets": ak.unflatten(per_jet, np.full(n, jets)),
            "sum": ak.zip({new: kinematics[old][:, 2] for old, new in names.items()}),
        },
        depth_limit=1,
    )


@pytest.fixture(scope="module")
def sample_folder(tmp_path_factory):
    return write_mock_sample(tmp_path_factory.mktemp("sample"), events=EVENTS, shards=3)


@pytest.fixture(params=FORMATS)
def written(request, sample_folder, tmp_path, monkeypatch):
    """Events of the file, and the sample; groups of seven, so that several make a file."""
    monkeypatch.setattr(records, "GROUP_EVENTS", 7)
    path = tmp_path / f"events.{request.param}"
    assert convert(sample_folder, request.param, path, DataSettings()) == EVENTS
    with Sample(sample_folder) as sample:
        yield read_back(request.param, path), sample


def test_event_columns(written):
    events, sample = written
    table = event_table(sample, DataSettings(), seed=0)
    for name in ("event_id", "group_id", "label", "weight_fb"):
        np.testing.assert_array_equal(ak.to_numpy(events[name]), getattr(table, name))
    assert events.process.to_list() == [table.processes[i] for i in table.process]
    assert events.split.to_list() == [SPLITS[i] for i in table.split]
    assert len(set(events.split.to_list())) == 3
    weights = np.stack([ak.to_numpy(events.weight_generator), ak.to_numpy(events.weight_tag)], axis=-1)
    np.testing.assert_array_equal(weights, sample.column("weights"))
    np.testing.assert_array_equal(ak.to_numpy(events.m_H), sample.column("m_H"))


def test_jets_and_their_sum(written):
    events, sample = written
    kinematics = dict(zip(KINEMATIC_COLUMNS, np.moveaxis(sample.column("kinematics"), -1, 0), strict=True))
    for name, column in (("pt", "pt"), ("eta", "eta"), ("phi", "phi"), ("mass", "m")):
        np.testing.assert_array_equal(ak.to_numpy(events.jets[name]), kinematics[column][:, :2])
        np.testing.assert_array_equal(ak.to_numpy(events["sum"][name]), kinematics[column][:, 2])
    np.testing.assert_array_equal(ak.to_numpy(events.jets.principal_angle), kinematics["theta"][:, :2])


def test_constituents(written):
    events, sample = written
    constituents = events.jets.constituents
    np.testing.assert_array_equal(ak.to_numpy(ak.num(constituents, axis=2)), sample.column("multiplicity"))
    expected = np.concatenate([sample.read_raw(block)[0] for block in sample.blocks])
    for place, name in enumerate(RAW_COLUMNS):
        found = ak.to_numpy(ak.flatten(constituents[name], axis=None))
        wanted = expected[:, place]
        if name in ("charge", "pdg_id"):
            wanted, found = np.trunc(wanted), np.trunc(found)  # numbers of the mock sample aren't whole
        np.testing.assert_array_equal(found, wanted)


def test_parquet_reads_as_vectors(sample_folder, tmp_path):
    convert(sample_folder, "parquet", tmp_path / "a.parquet", DataSettings())
    events = ak.from_parquet(tmp_path / "a.parquet")
    jets, pt, eta, mass = events.jets, events.jets.pt, events.jets.eta, events.jets.mass
    np.testing.assert_allclose(ak.to_numpy(jets.E), np.hypot(mass, pt * np.cosh(eta)), rtol=1e-5)
    distance = ak.to_numpy(jets[:, 0].deltaphi(jets[:, 1]))
    assert np.all(np.abs(distance) <= np.float32(np.pi))
    assert events.jets.constituents.E.ndim == 3


def test_parquet_needs_no_awkward(sample_folder, tmp_path):
    convert(sample_folder, "parquet", tmp_path / "a.parquet", DataSettings())
    first = pyarrow.parquet.read_table(tmp_path / "a.parquet", columns=["jets", "label"]).to_pylist()[0]
    assert [set(jet) for jet in first["jets"]] == 2 * [
        {
            "pt",
            "eta",
            "phi",
            "mass",
            "principal_angle",
            "constituents",
            "track_jets_b",
            "track_jets_c",
            "track_jets_light",
        }
    ]


@pytest.mark.parametrize("format", FORMATS)
def test_single_jets_have_no_sum_and_may_lack_masses(format, tmp_path):
    path = _write_single_jets(tmp_path / "one.h5", 9)
    convert(path, format, tmp_path / f"one.{format}", DataSettings())
    if format == "parquet":
        events = ak.from_parquet(tmp_path / "one.parquet")
        assert not {"sum", "m_H"} & set(events.fields)
        assert ak.num(events.jets).to_list() == 9 * [1]
    elif format == "root":
        with uproot.open(tmp_path / "one.root") as file:
            assert not [name for name in file["events"].keys() if name.startswith(("sum", "m_H"))]  # noqa: SIM118
            assert file["events"]["njets"].array().to_list() == 9 * [1]
    else:
        with np.load(tmp_path / "one.npz") as file:
            assert "m_H" not in file
            assert len(file["offsets"]) == 10


def _write_single_jets(path, events):
    arrays = mock_arrays(events, 8, np.random.default_rng(1))
    counts, offsets = arrays["multiplicity"], arrays["raw/offsets"]
    keep = np.repeat(np.arange(counts.size) % 2 == 0, np.diff(offsets))
    arrays = {name: values for name, values in arrays.items() if name not in schema.OPTIONAL}
    arrays |= {
        name: arrays[name][:, :1] for name in ("constituents", "constituents_mask", "kinematics", "multiplicity")
    }
    arrays["raw/constituents"] = arrays["raw/constituents"][keep]
    arrays["raw/offsets"] = np.append(0, np.cumsum(counts[:, 0]))
    header = mock_header(8, 0)
    header = type(header)(**{**vars(header), "jets": 1, "tokens": 1})
    schema.write_sample(path, header, arrays)
    return path


def test_header_beside_the_file(sample_folder, tmp_path):
    convert(sample_folder, "npz", tmp_path / "a.npz", DataSettings())
    header = json.loads((tmp_path / "a.npz.json").read_text())
    with Sample(sample_folder) as sample:
        assert header["events"] == EVENTS
        assert header["normalisation"]["4b"] == vars(sample.normalisation["4b"])
        assert header["digest"] == sample.header.digest


def test_splits_follow_the_settings(sample_folder, tmp_path):
    convert(sample_folder, "npz", tmp_path / "a.npz", DataSettings(train_fraction=0.1, validation_fraction=0.1))
    with np.load(tmp_path / "a.npz") as file:
        assert np.mean(file["split"] == SPLITS.index("test")) > 0.5


@pytest.mark.parametrize("format", FORMATS)
def test_memory_does_not_grow_with_the_sample(format, tmp_path, monkeypatch):
    monkeypatch.setattr(records, "GROUP_EVENTS", 100)
    peaks = []
    for events in (200, 800):
        folder = write_mock_sample(tmp_path / str(events), events=events, shards=1, constituents=200)
        tracemalloc.start()
        convert(folder, format, tmp_path / f"{events}.{format}", DataSettings())
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 2.0 * peaks[0]  # 2.9 to 3.9 where all events are held at once


@pytest.mark.parametrize("format", FORMATS)
def test_a_faulty_sample_leaves_no_file(format, tmp_path):
    arrays = mock_arrays(6, 8, np.random.default_rng(0))
    arrays["raw/constituents"][5, 1] = np.nan
    schema.write_sample(tmp_path / "a.h5", mock_header(8, 0), arrays)
    with pytest.raises(InputError, match="'raw/constituents' column 'eta' is nan in event 0"):
        convert(tmp_path / "a.h5", format, tmp_path / f"a.{format}", DataSettings())
    assert [path.name for path in tmp_path.iterdir()] == ["a.h5"]


def test_multiplicities_that_contradict_the_constituents(tmp_path):
    arrays = mock_arrays(6, 8, np.random.default_rng(0))
    arrays["multiplicity"] = arrays["multiplicity"] + 1
    schema.write_sample(tmp_path / "a.h5", mock_header(8, 0), arrays)
    with pytest.raises(SchemaError, match="the multiplicities of the sample add up to"):
        convert(tmp_path / "a.h5", "npz", tmp_path / "a.npz", DataSettings())


def test_offsets_that_point_outside(tmp_path):
    arrays = mock_arrays(6, 8, np.random.default_rng(0))
    arrays["raw/offsets"] = arrays["raw/offsets"] + 1
    schema.write_sample(tmp_path / "a.h5", mock_header(8, 0), arrays)
    with pytest.raises(SchemaError, match="point outside"):
        convert(tmp_path / "a.h5", "parquet", tmp_path / "a.parquet", DataSettings())


def test_the_command_says_what_it_wrote(sample_folder, tmp_path, capsys):
    conversion.convert(sample_folder, "npz", tmp_path / "a.npz", ["data.train_fraction=0.5"])
    assert f"{EVENTS} events; what made them is in a.npz.json" in " ".join(capsys.readouterr().out.split())
    with np.load(tmp_path / "a.npz") as file:
        assert np.mean(file["split"] == SPLITS.index("train")) < 0.62  # 0.64 by default


def test_unknown_format_and_empty_sample(sample_folder, tmp_path):
    with pytest.raises(ConfigError, match="choose from npz, parquet, root"):
        convert(sample_folder, "csv", tmp_path / "a.csv", DataSettings())
    schema.write_sample(tmp_path / "none.h5", mock_header(8, 0), mock_arrays(0, 8, np.random.default_rng(0)))
    with pytest.raises(InputError, match="holds no events"):
        convert(tmp_path / "none.h5", "npz", tmp_path / "none.npz", DataSettings())


@pytest.mark.parametrize("format", FORMATS)
def test_leptons_missing_momentum_and_event_shapes(format, tmp_path):
    """What stands beside the jets: three jets and two leptons, as the file has them."""
    folder, path = write_sound_sample(tmp_path / "s", jets=3, leptons=2), tmp_path / f"a.{format}"
    convert(folder, format, path, DataSettings())
    with Sample(folder) as sample:
        kinematics, shapes = sample.column("kinematics"), sample.column("event_shapes")
    pt = KINEMATIC_COLUMNS.index("pt")
    wanted = (kinematics[:, 3:5, pt], kinematics[:, 5, pt], kinematics[:, 6, pt], shapes[:, 3])
    if format == "parquet":
        events = ak.from_parquet(path)
        found = (events.leptons.pt, events.missing_momentum.pt, events["sum"].pt, events.event_shapes.aplanarity)
        assert events.leptons.E.ndim == 2
    elif format == "root":
        with uproot.open(path) as file:
            names = ("leptons_pt", "missing_momentum_pt", "sum_pt", "event_shapes_aplanarity")
            found = [file["events"][name].array() for name in names]
    else:
        with np.load(path) as file:
            assert file["kinematic_tokens"].tolist()[3:] == ["lepton 1", "lepton 2", "missing momentum", "sum"]
            found = (file["kinematics"][:, 3:5, pt], *(file["kinematics"][:, k, pt] for k in (5, 6)))
            found = (*found, file["event_shapes"][:, file["event_shape_columns"].tolist().index("aplanarity")])
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_array_equal(ak.to_numpy(one), other)


@pytest.fixture(scope="module")
def full_folder(tmp_path_factory):
    """A sample with every data set that one may lack."""
    path = tmp_path_factory.mktemp("full")
    return write_mock_sample(
        path, events=40, shards=2, declusterings=5, subjets=4, high_level=("mass", "area_disc_0.1_pt_0")
    )


def _dense(lists, shape, fill):
    """Records `(events, jets, var)` of one column as the padded array of the sample."""
    return ak.to_numpy(ak.fill_none(ak.pad_none(lists, shape[2], axis=2, clip=True), fill)).reshape(shape)


@pytest.mark.parametrize("format", ["parquet", "root"])
def test_whatever_a_sample_may_hold_is_written(format, full_folder, tmp_path):
    convert(full_folder, format, tmp_path / f"a.{format}", DataSettings())
    with Sample(full_folder) as sample:
        assert {name for name in schema.OPTIONAL if sample.has(name)} == schema.OPTIONAL
        wanted = {name: sample.column(name) for name in schema.OPTIONAL}
    if format == "parquet":
        events = ak.from_parquet(tmp_path / "a.parquet")
        jets, listed = events.jets, lambda part, name: events.jets[part][name]
        variables = [jets.high_level[name] for name in ("mass", "area_disc_0.1_pt_0")]
    else:
        with uproot.open(tmp_path / "a.root") as file:
            events = file["events"].arrays()
        variables = [events["jets_high_level_mass"], events["jets_high_level_area_disc_0p1_pt_0"]]

        def listed(part, name):
            column, jet = events[f"{part}_{name}"], events[f"{part}_jet"]
            return ak.concatenate([column[jet == number][:, None] for number in range(2)], axis=1)

    np.testing.assert_array_equal(ak.to_numpy(events["known_logit"]), wanted["known_logit"])
    np.testing.assert_array_equal(np.stack([ak.to_numpy(v) for v in variables], axis=-1), wanted["high_level"])
    for part, data_set, names in (
        ("subjets", "subjets/subjets", schema.SUBJET_COLUMNS),
        ("declusterings", "lund/declusterings", schema.LUND_COLUMNS),
    ):
        for place, name in enumerate(names):
            column = wanted[data_set][..., place]
            np.testing.assert_array_equal(_dense(listed(part, name), column.shape, 0.0), column, err_msg=name)
    np.testing.assert_array_equal(
        _dense(listed("declusterings", "parent"), wanted["lund/parent"].shape, -1), wanted["lund/parent"]
    )
    hadrons = wanted["truth/b_hadrons"].reshape(-1, 2, 2, 2)
    for place, name in enumerate(("eta", "phi")):
        np.testing.assert_array_equal(
            _dense(listed("b_hadrons", name), hadrons.shape[:3], np.nan), hadrons[..., place], err_msg=name
        )


def test_npz_holds_the_padded_arrays_and_their_columns(full_folder, tmp_path):
    convert(full_folder, "npz", tmp_path / "a.npz", DataSettings())
    with Sample(full_folder) as sample, np.load(tmp_path / "a.npz") as file:
        for name in schema.OPTIONAL:
            np.testing.assert_array_equal(file[name], sample.column(name), err_msg=name)
        assert file["high_level_columns"].tolist() == ["mass", "area_disc_0.1_pt_0"]
        assert file["subjet_columns"].tolist() == list(schema.SUBJET_COLUMNS)
