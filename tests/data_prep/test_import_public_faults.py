"""Faulty files of public sets are refused with one sentence, and leave no sample."""

import zipfile

import awkward as ak
import numpy as np
import pandas as pd
import pytest

from data_prep.importers.run import import_sample
from mscat_tf.config.importing import load_import
from mscat_tf.errors import ConfigError, InputError
from tests.data_prep.public_sets import (
    JETS,
    random_jets,
    settings,
    write_jet_class,
    write_quark_gluon,
    write_top_tagging,
)


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


def _encrypted(path):
    """The flag of a password in both headers of every member."""
    content = path.read_bytes()
    for magic, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        head, *parts = content.split(magic)
        content = magic.join([head, *(part[: flags - 4] + b"\x01" + part[flags - 3 :] for part in parts)])
    path.write_bytes(content)


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
    "password": (_encrypted, "truncated, damaged or not an .npz file .*encrypted"),
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
    other = ak.unflatten(np.ones(JETS, "f4"), np.ones(JETS, int))
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


def test_charges_that_the_file_does_not_tell(tmp_path):
    """Neutral would be wrong for most of them."""
    path = write_top_tagging(tmp_path / "val.h5", random_jets())
    tokens = {"high_level": ["pt_spectrum_all", "pt_spectrum_neutral"]}
    with pytest.raises(
        InputError, match=r"val.h5: from entry 0 on, event 0: jet 1 .* unknown charge, which column 'pt_c"
    ):
        import_sample(settings("top_tagging", [path], tokens=tokens), tmp_path / "out", workers=1)


@pytest.mark.parametrize("token", ["event_shapes", "missing_momentum"])
def test_single_jets_have_no_whole_events(token):
    with pytest.raises(ConfigError, match=rf"tokens\.{token} is made of all objects of an event, but files of format"):
        load_import("top_tagging", files=["a.h5"], name="x", overrides=[f"tokens.{token}=true"])


def test_tags_of_the_file_must_be_asked_for():
    with pytest.raises(ConfigError, match=r"tagging = bits reads tags, but b_tagging\.tags_per_jet = 0 asks for none"):
        load_import("delphes", name="x", overrides=["delphes.tagging=bits", "b_tagging.tags_per_jet=0"])
