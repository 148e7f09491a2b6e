"""Run folders, networks and files of scores that are damaged or incomplete."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from experiments.faults.bad_files import DAMAGE, Spoil, cut, empty, garbage, missing
from experiments.faults.case import SENTENCE, Case, Place, need, refused
from experiments.faults.command import mscat

RUNS, SCORES = "bad input: runs and networks", "bad input: scores"
RUN = "sound"


def _text(text: str) -> Spoil:
    return lambda path: _write(path, text)


def _write(path: Path, text: str) -> None:
    path.write_text(text)


def _predict(place: Place) -> tuple[str, ...]:
    return ("predict", RUN, str(place.stock.sample), "--out", "scores.h5")


def _report(_: Place) -> tuple[str, ...]:
    return ("report", RUN)


def _train(place: Place) -> tuple[str, ...]:
    return ("train", f"{RUN}/config.yaml", "--name", f"../{RUN}")


PIECES: list[tuple[str, str, Spoil, Callable[[Place], tuple[str, ...]], str]] = [
    ("configuration missing", "config.yaml", missing, _predict, "config.yaml"),
    ("configuration empty", "config.yaml", empty, _predict, "config.yaml"),
    ("configuration of random bytes", "config.yaml", garbage, _predict, "config.yaml"),
    ("configuration with an unknown key", "config.yaml", _text("base: smoke\nseeds: 3\n"), _predict, "config.yaml"),
    ("training not finished", "training.json", missing, _predict, RUN),
    ("summary truncated", "training.json", cut, _report, "training.json"),
    ("network missing", "model.keras", missing, _predict, RUN),
    ("network empty", "model.keras", empty, _predict, "model.keras"),
    ("network truncated", "model.keras", cut, _predict, "model.keras"),
    ("network of random bytes", "model.keras", garbage, _predict, "model.keras"),
    ("network replaced by a text", "model.keras", _text("hello"), _predict, "model.keras"),
    ("environment missing", "environment.json", missing, _predict, "environment.json"),
    ("environment truncated", "environment.json", cut, _predict, "environment.json"),
    ("environment a list", "environment.json", _text("[]"), _predict, "environment.json"),
    ("metrics truncated", "metrics.json", cut, _report, "metrics.json"),
    ("metrics of another kind", "metrics.json", _text("{}"), _report, "metrics.json"),
    ("scores truncated", "scores.h5", cut, _report, "scores.h5"),
    ("scores empty", "scores.h5", empty, _report, "scores.h5"),
    ("history of random bytes", "history.csv", garbage, _report, "history.csv"),
]  # fmt: skip
"""What is wrong, the file, how it is spoilt, the command that must notice, and the word in its sentence."""


def _piece_case(what: str, file: str, spoil: Spoil, command: Callable[[Place], tuple[str, ...]], word: str) -> Case:
    def act(place: Place) -> str:
        spoil(place.stock.copy_of(place.stock.run, place.folder) / file)
        return refused(place, command(place), word)

    return Case(f"run: {what}", RUNS, f"run folder: {what} (`{file}`)", SENTENCE, act)


def _resume_case() -> Case:
    """A checkpoint that is damaged is no fault of the user: the training goes back to the one before."""

    def act(place: Place) -> str:
        command = ("train", "smoke", "--set", f"data.path={place.stock.sample}", "--set", "model.name=kinematics_mlp")
        need(mscat((*command, "--set", "train.epochs=3"), place.folder).status == 0, "the training failed")
        run = place.folder / "runs" / "smoke"
        weights = (run / "model.keras").stat().st_size
        for name in ("training.json", "model.keras"):
            (run / name).unlink()
        newest = max((run / "checkpoints").glob("step-*.npz"))
        cut(newest)
        ended = mscat((*command, "--set", "train.epochs=3"), place.folder)
        need(ended.status == 0, f"status {ended.status}: {ended.complaint[-200:]}")
        need(newest.name in ended.complaint, "the damaged checkpoint is not named")
        need(abs((run / "model.keras").stat().st_size - weights) < 4096, "another network came out")
        return "named in a warning; resumed from the checkpoint before"

    what = "newest checkpoint of an unfinished training truncated"
    return Case(f"run: {what}", RUNS, what, "a warning that names it; the training resumes from the one before", act)


def _onnx_case(what: str, spoil: Spoil) -> Case:
    def act(place: Place) -> str:
        file = place.stock.copy_of(place.stock.onnx, place.folder)
        spoil(file)
        return refused(place, ("predict", str(file), str(place.stock.sample), "--out", "scores.h5"), file.name)

    return Case(f"ONNX: {what}", RUNS, f"ONNX file: {what}; `mscat predict`", SENTENCE, act)


def _metadata(values: dict[str, Any] | str | None) -> Spoil:
    """The network with other metadata."""

    def spoil(path: Path) -> None:
        import onnx

        model = onnx.load(path)
        del model.metadata_props[:]
        if values is not None:
            text = values if isinstance(values, str) else json.dumps(values)
            model.metadata_props.add(key="mscat", value=text)
        onnx.save(model, path)

    return spoil


METADATA: dict[str, Spoil] = {
    "of another program": _metadata(None),
    "metadata that is not JSON": _metadata("{"),
    "metadata that is a list": _metadata("[1]"),
    "metadata without inputs": _metadata({"run": "x"}),
    "metadata with inputs of another kind": _metadata({"inputs": 3, "outputs": [], "data": {}}),
}


def columns(events: int = 60) -> dict[str, Any]:
    """Scores that tell the classes apart a little."""
    rng = np.random.default_rng(3)
    label = np.arange(events) % 2
    return {"score": rng.random(events) * 0.5 + 0.3 * label, "label": label}


def write_columns(path: Path, values: dict[str, Any]) -> Path:
    """A file of scores in the format of its ending."""
    import pandas
    import uproot

    if path.suffix == ".npz":
        np.savez(path, **values)
    elif path.suffix == ".npy":
        np.save(path, np.rec.fromarrays(list(values.values()), names=list(values)))
    elif path.suffix == ".csv":
        pandas.DataFrame(values).to_csv(path, index=False)
    elif path.suffix == ".parquet":
        pandas.DataFrame(values).to_parquet(path)
    elif path.suffix == ".h5":
        with h5py.File(path, "w") as file:
            for name, value in values.items():
                file[name] = value
    else:
        with uproot.recreate(path) as file:
            file.mktree("scores", {name: np.asarray(value).dtype for name, value in values.items()}).extend(values)
    return path


ENDINGS = (".npz", ".npy", ".csv", ".parquet", ".h5", ".root")


def _score_case(ending: str, what: str, spoil: Spoil) -> Case:
    def act(place: Place) -> str:
        file = write_columns(place.folder / f"other{ending}", columns())
        spoil(file)
        return refused(place, ("evaluate", "--scores", str(file)), file.name)

    return Case(f"scores {ending}: {what}", SCORES, f"scores in {ending}: {what}; `mscat evaluate`", SENTENCE, act)


def _with(**changes: Any) -> Spoil:
    def spoil(path: Path) -> None:
        write_columns(path, {name: value for name, value in (columns() | changes).items() if value is not None})

    return spoil


WRONG: dict[str, tuple[str, Spoil]] = {
    "NaN": (".csv", _with(score=np.full(60, np.nan))),
    "words": (".csv", _with(score=np.array(["high"] * 60))),
    "no label": (".csv", _with(label=None)),
    "label 2": (".npz", _with(label=np.full(60, 2))),
    "one class": (".npz", _with(label=np.ones(60, int))),
    "lengths differ": (".npz", _with(label=np.ones(50, int))),
    "a table for a column": (".npz", _with(score=np.ones((60, 2)))),
    "no events": (".npz", _with(score=np.ones(0), label=np.ones(0, int))),
    "complex numbers": (".npz", _with(score=np.ones(60, complex))),
    "negative weights": (".npz", _with(weight=-np.ones(60))),
    "a single number": (".npz", _with(score=np.float64(1), label=np.int64(1))),
    "another file under this ending": (".parquet", lambda path: _write(path, "score,label\n1,1\n")),
    "ROOT without the tree": (".root", lambda path: _other_tree(path)),
}


def _other_tree(path: Path) -> None:
    import uproot

    with uproot.recreate(path) as file:
        file.mktree("other", {"x": np.dtype("f8")}).extend({"x": np.ones(3)})


def cases() -> list[Case]:
    """Run folders, exported networks, scores of other tools."""
    found = [_piece_case(*piece) for piece in PIECES] + [_resume_case()]
    found += [_onnx_case(what, spoil) for what, spoil in (*DAMAGE.items(), *METADATA.items())]
    short = {name: DAMAGE[name] for name in ("truncated", "empty", "random bytes")}
    found += [_score_case(ending, what, spoil) for ending in ENDINGS for what, spoil in short.items()]
    return found + [_score_case(ending, what, spoil) for what, (ending, spoil) in WRONG.items()]
