"""Files that carry code: opening them must not run it. Each would make a file, the canary, if anything did."""

import json
import os
import pickle
import sys
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from experiments.faults.bad_networks import columns, write_columns
from experiments.faults.case import SENTENCE, Case, Place, canary, need, no_canary, sentence, shortened
from experiments.faults.command import mscat

EXPECTED = SENTENCE + "; no code runs"


class Touch:
    """Runs a command when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return os.system, (f"touch {self.path}",)


def _objects(place: Place) -> Any:
    return np.array([Touch(canary(place))], dtype=object)


def check_bait(place: Place) -> None:
    """See that the code would run if it were unpickled: else the case could not fail."""
    pickle.loads(pickle.dumps(Touch(canary(place))))
    need(canary(place).exists(), "the bait makes no canary")
    canary(place).unlink()


def _scores_npz(place: Place) -> tuple[str, ...]:
    np.savez(place.folder / "evil.npz", **(columns() | {"score": _objects(place)}))
    return ("evaluate", "--scores", "evil.npz")


def _scores_npy(place: Place) -> tuple[str, ...]:
    np.save(place.folder / "evil.npy", _objects(place), allow_pickle=True)
    return ("evaluate", "--scores", "evil.npy")


def _scores_pickle(place: Place) -> tuple[str, ...]:
    """`numpy.load` takes a bare pickle for an array file where it is allowed to."""
    (place.folder / "evil.npz").write_bytes(pickle.dumps(Touch(canary(place))))
    return ("evaluate", "--scores", "evil.npz")


def _quark_gluon(place: Place) -> tuple[str, ...]:
    np.savez(place.folder / "evil.npz", X=_objects(place), y=np.ones(1))
    return ("import", "quark_gluon", "evil.npz", "--out", "out", "--workers", "1")


def _released(place: Place) -> tuple[str, ...]:
    np.savez(place.folder / "evil.npz", _objects(place))
    return ("import", "released_arrays", "evil.npz", "--process", "p", "--out", "out", "--workers", "1")


def _table_attribute(place: Place) -> tuple[str, ...]:
    """PyTables unpickles attributes that look like pickles."""
    file = place.stock.copy_of(place.stock.public("top_tagging"), place.folder)
    evil = file.rename(file.with_name("evil.h5"))
    with h5py.File(evil, "a") as opened:
        for item in (opened, opened["table"]):
            item.attrs["info"] = np.bytes_(pickle.dumps(Touch(canary(place)), protocol=0))
    return _tables("evil.h5")


def _table_objects(place: Place) -> tuple[str, ...]:
    """Columns of objects are stored as pickles by pandas."""
    import pandas

    frame = pandas.read_hdf(place.stock.public("top_tagging"), key="table")
    frame = frame.assign(is_signal_new=[Touch(canary(place))] * len(frame))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", pandas.errors.PerformanceWarning)  # that objects are pickled is the point
        frame.to_hdf(place.folder / "evil.h5", key="table", format="fixed")
    return _tables("evil.h5")


def _tables(name: str) -> tuple[str, ...]:
    return ("import", "top_tagging", name, "--out", "out", "--workers", "1")


def _sample_objects(place: Place) -> tuple[str, ...]:
    file = place.stock.shard(place.folder)
    evil = file.rename(file.with_name("evil.h5"))
    with h5py.File(evil, "a") as opened:
        opened.attrs["processes"] = np.bytes_(pickle.dumps(Touch(canary(place)), protocol=0))
    return ("inspect", "evil.h5")


def _parquet(place: Place) -> tuple[str, ...]:
    """pandas metadata may name pickled types."""
    write_columns(place.folder / "evil.parquet", columns() | {"score": [pickle.dumps(Touch(canary(place)))] * 60})
    return ("evaluate", "--scores", "evil.parquet")


def _keras_lambda(place: Place) -> tuple[str, ...]:
    """A Lambda layer holds marshalled byte code."""
    run = place.stock.copy_of(place.stock.run, place.folder)
    script = (
        "import keras, sys\n"
        "code = compile('lambda x: (__import__(\"os\").system(\"touch ' + sys.argv[2] + '\"), x)[1]', 'x', 'eval')\n"
        "inputs = keras.Input((3,))\n"
        "keras.Model(inputs, keras.layers.Lambda(eval(code), output_shape=(3,))(inputs)).save(sys.argv[1])\n"
    )
    _python(place, script, str(run / "model.keras"), str(canary(place)))
    canary(place).unlink(missing_ok=True)  # made while the network was built
    return ("predict", "sound", str(place.stock.sample), "--out", "scores.h5")


def _keras_module(place: Place) -> tuple[str, ...]:
    """A configuration that names any function of any module."""
    run = place.stock.copy_of(place.stock.run, place.folder)
    evil = {
        "module": "os",
        "class_name": "system",
        "config": f"touch {canary(place)}",
        "registered_name": "system",
    }
    return _with_configuration(place, run, evil)


def _keras_function(place: Place) -> tuple[str, ...]:
    """A function by name, as activations are stored."""
    run = place.stock.copy_of(place.stock.run, place.folder)
    evil = {"module": "builtins", "class_name": "function", "config": "exec", "registered_name": "function"}
    return _with_configuration(place, run, evil)


def _with_configuration(place: Place, run: Path, configuration: dict[str, Any]) -> tuple[str, ...]:
    path = run / "model.keras"
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members["config.json"] = json.dumps(configuration).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return ("predict", "sound", str(place.stock.sample), "--out", "scores.h5")


def _keras_pickle(place: Place) -> tuple[str, ...]:
    run = place.stock.copy_of(place.stock.run, place.folder)
    (run / "model.keras").write_bytes(pickle.dumps(Touch(canary(place))))
    return ("predict", "sound", str(place.stock.sample), "--out", "scores.h5")


def _zip_slip(place: Place) -> tuple[str, ...]:
    """A member of the archive whose name leads out of the folder in which it is unpacked."""
    run = place.stock.copy_of(place.stock.run, place.folder)
    with zipfile.ZipFile(run / "model.keras", "a") as archive:
        archive.writestr(f"assets/../../../../../../../../{canary(place)}", "x")
        archive.writestr("config.json", "{")
    return ("predict", "sound", str(place.stock.sample), "--out", "scores.h5")


def _python(place: Place, script: str, *arguments: str) -> None:
    ended = mscat(("-c", script, *arguments), place.folder, program=(sys.executable,))
    need(ended.status == 0, f"the bait could not be made: {ended.complaint[-300:]}")


def _checkpoint(place: Place) -> str:
    """A checkpoint is refused with a warning; the training starts again from the one before."""
    command = ("train", "smoke", "--set", f"data.path={place.stock.sample}", "--set", "model.name=kinematics_mlp")
    need(mscat(command, place.folder).status == 0, "the training failed")
    run = place.folder / "runs" / "smoke"
    for name in ("training.json", "model.keras"):
        (run / name).unlink()
    np.savez(run / "checkpoints" / "step-9999999999.npz", state_json=_objects(place))
    ended = mscat(command, place.folder)
    no_canary(place)
    need(ended.status == 0, f"status {ended.status}: {ended.complaint[-200:]}")
    need("step-9999999999.npz" in ended.complaint, "the checkpoint is not named")
    return "named in a warning; resumed from the checkpoint before; nothing ran"


BAITS: dict[str, tuple[str, Callable[[Place], tuple[str, ...]], str]] = {
    "npz scores": ("scores in .npz with pickled objects", _scores_npz, "evil.npz"),
    "npy scores": ("scores in .npy with pickled objects", _scores_npy, "evil.npy"),
    "bare pickle": ("scores in .npz that are a bare pickle", _scores_pickle, "evil.npz"),
    "EnergyFlow": ("EnergyFlow .npz with pickled objects", _quark_gluon, "evil.npz"),
    "released arrays": ("released .npz with pickled objects", _released, "evil.npz"),
    "attributes of tables": ("top-tagging HDF5 whose attributes are pickles", _table_attribute, "evil.h5"),
    "objects in tables": ("top-tagging HDF5 with a column of pickled objects", _table_objects, "evil.h5"),
    "attributes of samples": ("sample whose attributes are pickles", _sample_objects, "evil.h5"),
    "parquet": ("scores in Parquet that are pickles", _parquet, "evil.parquet"),
    "Lambda layer": ("`model.keras` with a Lambda layer", _keras_lambda, "model.keras"),
    "any class": ("`model.keras` that names `os.system`", _keras_module, "model.keras"),
    "any function": ("`model.keras` that names `builtins.exec`", _keras_function, "model.keras"),
    "pickle as network": ("`model.keras` that is a pickle", _keras_pickle, "model.keras"),
    "path out of the archive": ("`model.keras` with a member that leads elsewhere", _zip_slip, "model.keras"),
}


def _case(name: str, done: str, bait: Callable[[Place], tuple[str, ...]], word: str) -> Case:
    def act(place: Place) -> str:
        check_bait(place)
        ended = mscat(bait(place), place.folder)
        no_canary(place)
        return shortened(sentence(ended, word))

    return Case(f"code: {name}", "code in files", done, EXPECTED, act)


def cases() -> list[Case]:
    """Every format in which code may travel."""
    checkpoint = Case(
        "code: checkpoint",
        "code in files",
        "checkpoint of an unfinished training with pickled objects",
        "a warning that names it; the training resumes from the one before; no code runs",
        _checkpoint,
    )
    return [*(_case(name, *bait) for name, bait in BAITS.items()), checkpoint]
