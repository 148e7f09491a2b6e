"""Files of events that are truncated, empty, of another kind, or whose content contradicts itself."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from experiments.faults.case import SENTENCE, Case, Place, refused

Spoil = Callable[[Path], None]
FORMATS = ("delphes", "jet_class", "top_tagging", "quark_gluon", "released_arrays")
GROUP = "bad input: events"


def cut(path: Path, share: float = 0.6) -> None:
    """Keep the first part."""
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])


def empty(path: Path) -> None:
    """Nothing in it."""
    path.write_bytes(b"")


def garbage(path: Path) -> None:
    """Random bytes of the same size."""
    path.write_bytes(np.random.default_rng(7).bytes(path.stat().st_size))


def beginning_kept(path: Path) -> None:
    """The first 64 bytes are right, the others random."""
    data = path.read_bytes()
    path.write_bytes(data[:64] + np.random.default_rng(7).bytes(len(data) - 64))


def folder_instead(path: Path) -> None:
    """A folder of this name."""
    path.unlink()
    path.mkdir()


def missing(path: Path) -> None:
    """No such file."""
    path.unlink()


DAMAGE: dict[str, Spoil] = {
    "truncated": cut,
    "empty": empty,
    "random bytes": garbage,
    "random after 64 bytes": beginning_kept,
    "a folder": folder_instead,
    "missing": missing,
}
"""What may happen to any file."""


def _changed(change: Callable[[h5py.File], Any]) -> Spoil:
    def spoil(path: Path) -> None:
        with h5py.File(path, "a") as file:
            change(file)

    return spoil


def _value(name: str, place: Any, value: Any) -> Spoil:
    def change(file: h5py.File) -> None:
        file[name][place] = value

    return _changed(change)


def _attribute(name: str, value: Any) -> Spoil:
    return _changed(lambda file: file.attrs.__setitem__(name, value))


def _replaced(name: str, make: Callable[[h5py.File], Any]) -> Spoil:
    def change(file: h5py.File) -> None:
        new = make(file)
        attributes = dict(file[name].attrs)
        del file[name]
        if new is None:
            file.create_group(name)
        else:
            file[name] = new
        file[name].attrs.update(attributes)

    return _changed(change)


CONTENT: dict[str, tuple[Spoil, str]] = {
    "no schema version": (_changed(lambda file: file.attrs.pop("schema_version")), "inspect"),
    "schema version of the future": (_attribute("schema_version", 7), "inspect"),
    "schema version in words": (_attribute("schema_version", "new"), "inspect"),
    "data set missing": (_changed(lambda file: file.pop("kinematics")), "inspect"),
    "group in place of a data set": (_replaced("label", lambda _: None), "inspect"),
    "numbers of another type": (_replaced("label", lambda file: file["label"][()].astype("f8")), "inspect"),
    "text in place of numbers": (_replaced("label", lambda file: np.array([b"one"] * len(file["label"]))), "inspect"),
    "a data set shorter than the others": (_replaced("weights", lambda file: file["weights"][:-1]), "inspect"),
    "a single number in place of a data set": (_replaced("label", lambda _: np.int32(1)), "inspect"),
    "another shape": (_replaced("kinematics", lambda file: file["kinematics"][:, :, :5]), "inspect"),
    "processes that are not JSON": (_attribute("processes", "signal"), "inspect"),
    "processes that are a number": (_attribute("processes", "3"), "inspect"),
    "normalisation with other keys": (_attribute("normalisation", json.dumps({"signal": {"x": 1}})), "inspect"),
    "cut flow that is a list": (_attribute("cut_flow", "[1]"), "inspect"),
    "negative number of jets": (_attribute("jets", -2), "inspect"),
    "number of jets in words": (_attribute("jets", "two"), "inspect"),
    "fewer labels than processes": (_attribute("labels", "[1]"), "inspect"),
    "NaN in a column": (_value("constituents", (3, 1, 0, 2), np.nan), "inspect"),
    "NaN in a column, at training": (_value("kinematics", (3, 1, 0), np.nan), "train"),
    "infinite weight, at training": (_value("weights", (3, 0), np.inf), "train"),
    "a process that is not listed": (_value("process", 4, 9), "train"),
    "a label that is neither 0 nor 1": (_value("label", 4, 7), "train"),
    "one class only": (_value("label", slice(None), 0), "train"),
    "offsets that go back": (_value("raw/offsets", 5, 0), "convert"),
    "offsets behind the end": (_value("raw/offsets", -1, 10**9), "convert"),
}
"""What may be wrong inside a sample file, and the command that must notice."""


def _sample_command(command: str, file: Path) -> tuple[str, ...]:
    return {
        "inspect": ("inspect", str(file)),
        "train": ("train", "smoke", "--set", f"data.path={file}", "--set", "model.name=kinematics_mlp"),
        "convert": ("convert", str(file), "--to", "npz", "--out", "converted.npz"),
    }[command]


def _sample_case(what: str, spoil: Spoil, command: str) -> Case:
    def act(place: Place) -> str:
        file = place.stock.shard(place.folder)
        spoil(file)
        return refused(place, _sample_command(command, file), file.name)

    return Case(f"sample: {what}", GROUP, f"sample file: {what}; `mscat {command}`", SENTENCE, act)


def _folder_case(what: str, spoil: Spoil, word: str) -> Case:
    def act(place: Place) -> str:
        folder = place.stock.copy_of(place.stock.sample, place.folder)
        spoil(folder)
        return refused(place, ("inspect", str(folder)), word)

    return Case(f"sample folder: {what}", GROUP, f"sample folder: {what}; `mscat inspect`", SENTENCE, act)


def _emptied(folder: Path) -> None:
    for file in folder.iterdir():
        file.unlink()


def _mixed(folder: Path) -> None:
    _attribute("digest", "another")(sorted(folder.glob("*.h5"))[1])


def _manifest(text: str) -> Spoil:
    return lambda folder: _written(folder / "sample.json", text)


def _written(path: Path, text: str) -> None:
    path.write_text(text)


FOLDERS: dict[str, tuple[Spoil, str]] = {
    "empty": (_emptied, "mock"),
    "two samples mixed": (_mixed, "mock-0001.h5"),
    "list of files is not JSON": (_manifest("{"), "sample.json"),
    "list of files names one that is gone": (_manifest('{"shards": [{"file": "gone.h5"}]}'), "gone.h5"),
    "list of files leads elsewhere": (_manifest('{"shards": [{"file": "../../../etc/passwd"}]}'), "passwd"),
    "list of files holds numbers": (_manifest('{"shards": [{"file": 3}]}'), "sample.json"),
    "not finished": (lambda folder: _written(folder / ".unfinished", ""), "mock"),
}


def _outside_case(format: str, what: str, spoil: Spoil) -> Case:
    def act(place: Place) -> str:
        file = place.stock.copy_of(place.stock.outside(format), place.folder)
        spoil(file)
        named = format in ("delphes", "released_arrays")
        process = ("--process", "p") if named else ()
        return refused(place, ("import", format, str(file), *process, "--out", "out", "--workers", "1"), file.name)

    return Case(f"{format}: {what}", GROUP, f"{format} file: {what}; `mscat import`", SENTENCE, act)


def _npz(**changes: Any) -> Spoil:
    def spoil(path: Path) -> None:
        with np.load(path) as file:
            arrays = dict(file)
        np.savez(path, **(arrays | changes))

    return spoil


OUTSIDE: dict[str, tuple[str, Spoil]] = {
    "array of another shape": ("quark_gluon", _npz(X=np.ones((5, 3, 2)), y=np.ones(5))),
    "NaN in the array": ("quark_gluon", _npz(X=np.full((5, 3, 4), np.nan), y=np.ones(5))),
    "complex numbers": ("quark_gluon", _npz(X=np.ones((5, 3, 4), complex), y=np.ones(5))),
    "no entries": ("quark_gluon", _npz(X=np.ones((0, 3, 4)), y=np.ones(0))),
    "an HDF5 file without a table": ("top_tagging", lambda path: h5py.File(path, "w").close()),
    "a sample of ours": ("top_tagging", lambda path: h5py.File(path, "w").create_dataset("label", data=[1])),
}


def cases() -> list[Case]:
    """Samples, folders of samples, files of others."""
    found = [_sample_case(what, spoil, "inspect") for what, spoil in DAMAGE.items()]
    found += [_sample_case(what, *rest) for what, rest in CONTENT.items()]
    found += [_folder_case(what, *rest) for what, rest in FOLDERS.items()]
    found += [_outside_case(format, what, spoil) for format in FORMATS for what, spoil in DAMAGE.items()]
    found += [_outside_case(format, what, spoil) for what, (format, spoil) in OUTSIDE.items()]
    return found
