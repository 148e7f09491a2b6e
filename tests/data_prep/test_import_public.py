"""Public sets of single jets: small files in exactly their layouts, made from random jets, come back as samples."""

import zipfile
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
import uproot
import vector

from data_prep.importers import jet_class, npz_file, quark_gluon
from data_prep.importers.run import import_sample
from data_prep.importers.single_jets import NO_CROSS_SECTION
from mscat_tf.cli.inspection import inspect
from mscat_tf.config import DataSettings
from mscat_tf.config.importing import ImportSettings
from mscat_tf.data import Sample, event_table
from mscat_tf.errors import ConfigError, InputError

PUBLISHED = 200
"""Constituents of a row of the top-tagging set."""

KEEP = 12
JETS = 23
FORMATS = ("top_tagging", "quark_gluon", "jet_class", "released_arrays")


class Jets(NamedTuple):
    """Random jets: `counts` `(jets,)`; the others `(total,)`, each jet's constituents in any order."""

    counts: np.ndarray
    pt: np.ndarray
    eta: np.ndarray
    phi: np.ndarray
    mass: np.ndarray
    pdg_id: np.ndarray

    @property
    def momenta(self):
        """`(4, total)` px, py, pz, energy, by the vector library."""
        v = vector.array({"pt": self.pt, "eta": self.eta, "phi": self.phi, "mass": self.mass})
        return np.stack([v.px, v.py, v.pz, v.E])

    @property
    def charge(self):
        return np.where(np.isin(np.abs(self.pdg_id), (11, 13)), -np.sign(self.pdg_id), np.sign(self.pdg_id)) * (
            ~np.isin(self.pdg_id, (22, 130))
        )


def random_jets(jets=JETS, seed=1):
    rng = np.random.default_rng(seed)
    counts = rng.integers(1, 30, jets)
    total = counts.sum()
    axis = np.repeat(rng.uniform(-2, 2, jets), counts), np.repeat(rng.uniform(-3.1, 3.1, jets), counts)
    phi = (axis[1] + rng.normal(0, 0.3, total) + np.pi) % (2 * np.pi) - np.pi
    pdg_id = rng.choice([22, 130, 211, -211, 11, -11, 13, -13], total)
    masses = {22: 0.0, 130: 0.497611, 211: 0.13957039, 11: 0.00051099895, 13: 0.1056583755}
    mass = np.array([masses[abs(number)] for number in pdg_id])
    return Jets(counts, rng.exponential(20, total) + 1, axis[0] + rng.normal(0, 0.3, total), phi, mass, pdg_id)


def padded(jets, values, width):
    """`(jets, width)` with zeros at the end of each row."""
    result = np.zeros((len(jets.counts), width), values.dtype)
    result[np.arange(width) < jets.counts[:, None]] = values
    return result


LABEL = np.arange(JETS) % 2


def write_top_tagging(path, jets, layout="table"):
    names = [f"{name}_{i}" for i in range(PUBLISHED) for name in ("E", "PX", "PY", "PZ")]
    values = np.stack([padded(jets, values, PUBLISHED) for values in jets.momenta[[3, 0, 1, 2]]], axis=-1)
    frame = pd.DataFrame(values.reshape(len(values), -1).astype("f4"), columns=names)
    truth = pd.DataFrame(np.zeros((len(values), 4), "f4"), columns=["truthE", "truthPX", "truthPY", "truthPZ"])
    frame = pd.concat([frame, truth], axis=1).assign(ttv=1, is_signal_new=LABEL)
    frame.to_hdf(path, key="table", format=layout)
    return path


def write_quark_gluon(path, jets, save=np.savez_compressed):
    v = vector.array({"pt": jets.pt, "eta": jets.eta, "phi": jets.phi, "mass": jets.mass})
    columns = (jets.pt, v.rapidity, jets.phi % (2 * np.pi), jets.pdg_id.astype(float))
    x = np.stack([padded(jets, values, jets.counts.max() + 2) for values in columns], axis=-1)
    save(path, X=x, y=LABEL.astype(float))
    return path


def write_jet_class(path, jets, **changes):
    number = np.abs(jets.pdg_id)
    flags = {"Electron": 11, "Muon": 13, "Photon": 22, "ChargedHadron": 211, "NeutralHadron": 130}
    values = dict(zip(("part_px", "part_py", "part_pz", "part_energy"), jets.momenta.astype("f4"), strict=True))
    values["part_charge"] = jets.charge.astype("f4")
    values |= {f"part_is{name}": (number == kind).astype("f4") for name, kind in flags.items()}
    branches = {name: ak_unflatten(column, jets.counts) for name, column in values.items()}
    for name in jet_class.JET_CLASSES:
        branches[f"label_{name}"] = np.where({"Hbb": LABEL == 1, "QCD": LABEL == 0}.get(name, False), 1, 0 * LABEL)
    branches |= changes
    with uproot.recreate(path) as file:
        tree = file.mktree(
            "tree",
            {
                name: column.type if hasattr(column, "type") else column.dtype
                for name, column in branches.items()
                if column is not None
            },
        )
        tree.extend({name: column for name, column in branches.items() if column is not None})
    return path


def ak_unflatten(values, counts):
    import awkward as ak

    return ak.unflatten(values, counts)


def write_released(path, jets, select=slice(None)):
    """Directions as they are: the arrays keep differences, so the axis of these jets is the origin."""
    energy = jets.momenta[3]
    ratios = (
        np.log(values / np.repeat(np.add.reduceat(values, offsets(jets)), jets.counts)) for values in (jets.pt, energy)
    )
    columns = (jets.eta, jets.phi, jets.pt, energy, *ratios, np.ones(len(jets.pt)))
    np.savez(path, np.stack([padded(jets, values, 50) for values in columns], axis=-1)[select])
    return path


def offsets(jets):
    return np.cumsum(jets.counts) - jets.counts


def settings(format, files, **changes):
    values = {"name": "public", "format": format, "files": tuple(map(str, files)), "tokens": {"constituents": KEEP}}
    return ImportSettings(**{**values, **changes})


def written(format, folder, jets):
    """A file of this format and the settings that import it."""
    if format == "top_tagging":
        return settings(format, [write_top_tagging(folder / "val.h5", jets)])
    if format == "quark_gluon":
        return settings(format, [write_quark_gluon(folder / "QG_jets.npz", jets)])
    if format == "jet_class":
        return settings(format, [write_jet_class(folder / "HToBB_000.root", jets)])
    files = [write_released(folder / f"{name}.npz", jets, label == LABEL) for label, name in enumerate(("bkg", "sig"))]
    processes = {path.stem: {"files": (str(path),), "label": label} for label, path in enumerate(files)}
    return settings(format, (), processes=processes)


NAMES = {
    "top_tagging": ("qcd", "top"),
    "quark_gluon": ("gluon", "quark"),
    "jet_class": ("QCD", "Hbb"),
    "released_arrays": ("bkg", "sig"),
}


@pytest.fixture(scope="module", params=FORMATS)
def imported(request, tmp_path_factory):
    """Format, the jets that were written, and the sample, its events in the order of the jets."""
    jets, folder = random_jets(), tmp_path_factory.mktemp(request.param)
    summary = import_sample(written(request.param, folder, jets), folder / "out", workers=1)
    assert summary.events == JETS
    assert NO_CROSS_SECTION in summary.notes
    with Sample(folder / "out") as sample:
        order = np.argsort(np.argsort(LABEL, kind="stable")) if request.param == "released_arrays" else np.arange(JETS)
        yield request.param, jets, sample, order


def test_jets_are_the_sums_of_their_constituents(imported):
    format, jets, sample, order = imported
    momenta = jets.momenta
    if format == "released_arrays":
        momenta = jets._replace(mass=np.zeros_like(jets.mass)).momenta
    px, py, pz, energy = np.add.reduceat(momenta, offsets(jets), axis=1)
    m, eta, phi, pt, found_energy, theta = sample.column("kinematics")[order, 0].T
    np.testing.assert_allclose(pt, np.hypot(px, py), rtol=1e-5)
    np.testing.assert_allclose(energy, found_energy, rtol=1e-5)
    np.testing.assert_allclose(eta, np.arctanh(pz / np.sqrt(px**2 + py**2 + pz**2)), atol=2e-5)
    np.testing.assert_allclose(np.exp(1j * phi), np.exp(1j * np.arctan2(py, px)), atol=2e-5)
    np.testing.assert_allclose(m**2, energy**2 - px**2 - py**2 - pz**2, rtol=1e-3, atol=1e-6 * energy.max() ** 2)
    assert np.all(np.abs(theta) <= np.float32(np.pi / 2))


def test_constituents_masks_and_multiplicity(imported):
    format, jets, sample, order = imported
    assert (sample.header.jets, sample.header.tokens, sample.header.constituents) == (1, 1, KEEP)
    np.testing.assert_array_equal(sample.column("multiplicity")[order, 0], jets.counts)
    mask = sample.column("constituents_mask")[order, 0]
    np.testing.assert_array_equal(mask, np.arange(KEEP) < jets.counts[:, None])
    pt = sample.column("constituents")[order, 0, :, 2]
    for jet, start in enumerate(offsets(jets)):
        hardest = np.sort(jets.pt[start : start + jets.counts[jet]])[::-1][:KEEP]
        np.testing.assert_allclose(pt[jet][mask[jet]], hardest, rtol=1e-6)
    kinds = _all_raw(sample, order)[:, 5]
    known = format in ("quark_gluon", "jet_class")
    np.testing.assert_array_equal(kinds, _by_pt(jets, jets.pdg_id) if known else 0)


def test_charges_are_kept_where_known(imported):
    format, jets, sample, order = imported
    raw = _all_raw(sample, order)
    expected = _by_pt(jets, jets.charge) if format in ("quark_gluon", "jet_class") else 0
    np.testing.assert_array_equal(raw[:, 4], expected)


def test_labels_weights_and_normalisation(imported):
    format, _, sample, order = imported
    table = event_table(sample, DataSettings(), seed=0)
    np.testing.assert_array_equal(table.label[order], LABEL)
    assert [table.processes[i] for i in table.process[order]] == [NAMES[format][label] for label in LABEL]
    assert len(np.unique(table.event_id)) == JETS
    np.testing.assert_array_equal(sample.column("weights"), 1.0)
    assert {name: norm.cross_section_fb for name, norm in sample.normalisation.items()} == dict.fromkeys(
        NAMES[format], 1.0
    )
    for label in (0, 1):
        np.testing.assert_allclose(table.weight_fb[table.label == label].sum(), 1.0, rtol=1e-6)


def test_inspect_prints_samples_of_single_jets(imported, capsys):
    format, _, sample, _ = imported
    inspect(sample.path, None, 2, [], False)
    printed = " ".join(capsys.readouterr().out.split())
    assert "1 jet(s) of up to 12 constituents, 1 kinematic token(s)" in printed
    assert NAMES[format][0] in printed


@pytest.mark.parametrize("format", FORMATS)
def test_chunks_do_not_change_the_events(format, tmp_path):
    whole = written(format, tmp_path, random_jets())
    import_sample(whole, tmp_path / "whole", workers=1)
    import_sample(whole.model_copy(update={"chunk_entries": 7}), tmp_path / "parts", workers=1)
    with Sample(tmp_path / "whole") as first, Sample(tmp_path / "parts") as second:
        assert len(second.files) > len(first.files)
        for name in ("constituents", "kinematics", "event_id", "label"):
            np.testing.assert_array_equal(first.column(name), second.column(name))
        for name, norm in first.normalisation.items():
            assert vars(second.normalisation[name]) == pytest.approx(vars(norm))
        assert first.cut_flow == second.cut_flow


def test_both_layouts_of_pandas_give_the_same(tmp_path):
    columns = []
    for layout in ("fixed", "table"):
        path = write_top_tagging(tmp_path / f"{layout}.h5", random_jets(), layout)
        chunked = settings("top_tagging", [path], chunk_entries=9)
        import_sample(chunked, tmp_path / layout, workers=1)
        with Sample(tmp_path / layout) as sample:
            columns.append(sample.column("constituents"))
    np.testing.assert_array_equal(*columns)


def test_signal_of_jet_class_is_a_setting(tmp_path):
    path = write_jet_class(tmp_path / "a.root", random_jets())
    chosen = settings("jet_class", [path], jet_class={"signal": ("QCD", "Tbl")})
    import_sample(chosen, tmp_path / "out", workers=1)
    with Sample(tmp_path / "out") as sample:
        np.testing.assert_array_equal(sample.column("label"), 1 - LABEL)
        assert dict(zip(sample.header.processes, sample.header.labels, strict=True))["Tbl"] == 1


def test_rapidity_becomes_pseudorapidity():
    rng = np.random.default_rng(3)
    pt, eta, mass = rng.uniform(0.01, 50, 200), rng.uniform(-4, 4, 200), rng.uniform(0, 1, 200)
    rapidity = vector.array({"pt": pt, "eta": eta, "phi": 0 * pt, "mass": mass}).rapidity
    assert np.max(np.abs(rapidity - eta)) > 0.5  # else the test could not tell them apart
    np.testing.assert_allclose(quark_gluon.pseudorapidity(pt, rapidity, mass), eta, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_rows_of_an_npz_are_those_of_numpy(save, tmp_path):
    values = np.random.default_rng(4).normal(size=(31, 5, 3)).astype("f4")
    save(tmp_path / "a.npz", X=values)
    found = npz_file.read_rows(tmp_path / "a.npz", "X", 11, 17)
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found, values[11:17])


@pytest.mark.external
def test_released_demonstration(reference_data, tmp_path):
    folder = reference_data / "released_demo"
    files = {"signal": (folder / "sig_J_TP1.npz", 1), "background": (folder / "bkg1_J_TP1.npz", 0)}
    processes = {name: {"files": (str(path),), "label": label} for name, (path, label) in files.items()}
    both = settings("released_arrays", (), processes=processes, chunk_entries=8_000, tokens={"constituents": 50})
    assert import_sample(both, tmp_path, workers=1).events == 30_000
    with Sample(tmp_path) as sample:
        label, multiplicity = sample.column("label"), sample.column("multiplicity")[:, 0]
        for value, mean, most in ((1, 4.86, 36), (0, 5.30, 28)):  # FACTS.md 1.8
            assert multiplicity[label == value].mean().round(2) == mean
            assert multiplicity[label == value].max() == most
        rows = np.load(files["signal"][0])["arr_0"]
        np.testing.assert_allclose(
            np.sort(sample.column("constituents")[label == 1, 0, :, 2].sum(axis=1)), np.sort(rows[..., 2].sum(axis=1)),
            rtol=1e-5,
        )  # fmt: skip


def _cut(path, share=0.6):
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])


def _change_npz(path, **changes):
    with np.load(path) as file:
        arrays = dict(file)
    arrays |= changes
    np.savez_compressed(path, **{name: values for name, values in arrays.items() if values is not None})


def _change_table(path, change):
    frame = change(pd.read_hdf(path, key="table"))
    frame.to_hdf(path, key="table", format="table", mode="w")


def _with(array, place, value):
    array = np.array(array)
    array[place] = value
    return array


def _lying_npz(path):
    """An archive that is whole, but whose array has fewer rows than its header says."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data[:-80] if name == "X.npy" else data)


X, Y = np.ones((5, 3, 4)) * np.array([10.0, 0.1, 0.2, 22.0]), np.array([0.0, 1, 0, 1, 1])
TABLE_FAULTS = {
    "cut": (_cut, "truncated, damaged or not a table"),
    "no table": (lambda path: path.write_text("hello"), "truncated, damaged or not a table"),
    "two tables": (lambda path: pd.DataFrame({"a": [1]}).to_hdf(path, key="other"), "holds 2 tables"),
    "column": (lambda path: _change_table(path, lambda f: f.drop(columns="PY_0")), "no columns PX_0"),
    "nan": (lambda path: _change_table(path, lambda f: f.assign(E_3=np.where(f.index == 4, np.nan, f.E_3))),
            "entry 4: 'E, PX, PY, PZ' holds nan"),
    "label": (lambda path: _change_table(path, lambda f: f.assign(is_signal_new=3)), "is 3, not 0 or 1"),
    "empty jet": (lambda path: _change_table(path, lambda f: f.assign(**{c: np.where(f.index == 6, 0, f[c])
                  for c in f if c[0] in "EP"})), "entry 6: the jet has no constituents"),
    "no rows": (lambda path: pd.read_hdf(path, key="table").iloc[:0].to_hdf(path, key="table", mode="w"), "no rows"),
}  # fmt: skip
NPZ_FAULTS = {
    "cut": (_cut, "truncated, damaged or not an .npz file"),
    "fewer bytes": (_lying_npz, "the file is incomplete"),
    "no array": (lambda path: _change_npz(path, X=None), "holds no array 'X'"),
    "shape": (lambda path: _change_npz(path, X=X[..., :3]), r"'X' has shape \(5, 3, 3\)"),
    "lengths": (lambda path: _change_npz(path, X=X, y=Y[:4]), r"'y' \(4,\)"),
    "objects": (lambda path: _change_npz(path, y=Y.astype(object)), "not numbers by rows"),
    "by columns": (lambda path: _change_npz(path, X=np.asfortranarray(X)), "by columns"),
    "nan": (lambda path: _change_npz(path, X=_with(X, (2, 1, 1), np.nan), y=Y), "entry 2: 'X' holds nan"),
    "kind": (lambda path: _change_npz(path, X=_with(X, (2, 1, 3), 9999), y=Y), "PDG id 9999"),
    "pt": (lambda path: _change_npz(path, X=_with(X, (2, 1, 0), 0.0), y=Y), "entry 2: a constituent has transverse"),
    "label": (lambda path: _change_npz(path, X=X, y=Y + 1), "'y' is 2, not 0 or 1"),
}  # fmt: skip
ROOT_FAULTS = {
    "branch": ({"part_pz": None}, "no branch part_pz"),
    "two classes": ({"label_Hgg": np.ones(JETS, "i4")}, "entry 0 is of 2 of the classes"),
    "no class": ({"label_QCD": np.zeros(JETS, "i4")}, "entry 0 is of 0 of the classes"),
}


@pytest.mark.parametrize("fault", TABLE_FAULTS)
def test_faulty_tables(fault, tmp_path):
    path = write_top_tagging(tmp_path / "a.h5", random_jets())
    _refused("top_tagging", path, *TABLE_FAULTS[fault])


@pytest.mark.parametrize("fault", NPZ_FAULTS)
def test_faulty_arrays(fault, tmp_path):
    path = write_quark_gluon(tmp_path / "a.npz", random_jets())
    _refused("quark_gluon", path, *NPZ_FAULTS[fault])


@pytest.mark.parametrize("fault", ROOT_FAULTS)
def test_faulty_trees(fault, tmp_path):
    changes, message = ROOT_FAULTS[fault]
    path = write_jet_class(tmp_path / "a.root", random_jets(), **changes)
    _refused("jet_class", path, lambda path: None, message)


def test_branches_of_different_lengths(tmp_path):
    other = ak_unflatten(np.ones(JETS, "f4"), np.ones(JETS, int))
    path = write_jet_class(tmp_path / "a.root", random_jets(), part_charge=other)
    _refused("jet_class", path, lambda path: None, "another number of 'part_charge'")


def test_truncated_tree(tmp_path):
    _refused("jet_class", write_jet_class(tmp_path / "a.root", random_jets()), _cut, "truncated")


def test_wrong_shape_of_released_arrays(tmp_path):
    np.savez(tmp_path / "a.npz", np.ones((4, 50, 6)))
    processes = {"signal": {"files": (str(tmp_path / "a.npz"),), "label": 1}}
    with pytest.raises(InputError, match=r"'arr_0' has shape \(4, 50, 6\)"):
        import_sample(settings("released_arrays", (), processes=processes), tmp_path / "out", workers=1)


@pytest.mark.parametrize("format", ["top_tagging", "quark_gluon", "jet_class"])
def test_files_of_no_one_process(format, tmp_path):
    with pytest.raises(ConfigError, match="leave processes out"):
        import_sample(settings(format, (), processes={"top": {"files": ("a.h5",)}}), tmp_path, workers=1)


def test_released_arrays_need_a_process(tmp_path):
    with pytest.raises(ConfigError, match=r"processes\.NAME\.files"):
        import_sample(settings("released_arrays", ["a.npz"]), tmp_path, workers=1)


def _refused(format, path, spoil, message):
    spoil(path)
    with pytest.raises(InputError, match=message) as error:
        import_sample(settings(format, [path]), path.parent / "out", workers=1)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)
    assert not (path.parent / "out" / "sample.json").exists()


def _by_pt(jets, values):
    jet = np.repeat(np.arange(len(jets.counts)), jets.counts)
    return values[np.lexsort((-jets.pt, jet))]


def _all_raw(sample, order):
    """Raw constituents of all jets, in the order of the jets that were written."""
    parts = []
    for shard in range(len(sample.files)):
        file = sample._file(shard)
        parts += np.split(file["raw/constituents"][()], file["raw/offsets"][1:-1])
    return np.concatenate([parts[place] for place in order])
