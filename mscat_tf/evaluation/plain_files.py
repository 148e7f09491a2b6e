"""Scores and labels of any other tool, from a file of columns: `.npz`, `.npy`, `.csv`, `.parquet`, `.h5` or `.root`."""

import importlib
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from mscat_tf.data.events import balanced
from mscat_tf.data.splits import SPLITS
from mscat_tf.errors import InputError, MissingExtraError, SchemaError
from mscat_tf.evaluation.scores import Scores
from mscat_tf.inference.score_files import TREE
from mscat_tf.plausible_size import archive_problem, data_set_problem, entries_problem

Array = NDArray[Any]
Columns = dict[str, Array]

COLUMNS = ("score", "logit", "label", "weight", "weight_fb", "split", "event_id", "group_id")
"""What is read, where it is there; only `score` (or `logit`) and `label` must be."""

BARE = ""
"""Name of the only column of an `.npy` file without names."""


@dataclass(frozen=True)
class PlainScores:
    """Events of one file.

    Attributes:
        test: to judge by: all, or those whose `split` is 2. validation: those whose `split` is 1, if any.
        weights: where the weights come from, in words.
    """

    test: Scores
    validation: Scores | None
    weights: str


def read_plain(path: Path, labels: Path | None = None, weights: Path | None = None) -> PlainScores:
    """Read and check one file.

    Events are ranked by `logit` where there is one, else by `score`. Weights are those of `weight`; or `weight_fb` of
    `mscat predict`, each class scaled to the same sum, since networks are trained so; or one for every event.

    Args:
        path: of the scores. labels, weights: files of these columns, if they are not in `path`.

    Raises:
        InputError: no such file, an unknown ending, a missing column, lengths that differ, NaN, a label that is neither
            0 nor 1, a class without weight, a negative weight. SchemaError: a damaged file.
        MissingExtraError: the library for this ending is not installed.
    """
    columns = read_columns(path)
    if BARE in columns:
        columns = {"score": columns[BARE]}
    for name, other in (("label", labels), ("weight", weights)):
        if other is not None:
            found = read_columns(other)
            columns[name] = found[BARE] if BARE in found else _need(other, found, name)
    columns = _checked(path, columns)
    scores, origin = _scores(columns)
    split = columns.get("split")
    if split is None:
        _check_classes(path, scores)
        return PlainScores(scores, None, origin)
    test, validation = (scores.take(split == SPLITS.index(name)) for name in ("test", "validation"))
    _check_classes(path, test, f" among the events with split {SPLITS.index('test')} (test)")
    both = all(validation.weight[validation.label == value].sum() > 0 for value in (0, 1))
    return PlainScores(test, validation if both else None, origin)


def read_columns(path: Path) -> Columns:
    """Columns of a file by name, those of `COLUMNS` alone; an array without names is called `BARE`."""
    if path.suffix not in READERS:
        raise InputError(f"{path}: scores are not read from such a file; give one that ends in {', '.join(READERS)}")
    if not path.is_file():
        raise InputError(f"{path}: no such file; give a file of scores and labels")
    try:
        return READERS[path.suffix](path)
    except ImportError as error:
        raise MissingExtraError(
            f"{path}: reading it needs {error.name or error}; install it with: pip install 'mscat-tf[generate,train]'"
        ) from error
    except (OSError, ValueError, KeyError, EOFError, MemoryError, zipfile.BadZipFile) as error:
        reason = str(error).partition("\n")[0]
        raise SchemaError(f"{path}: cannot be read as {path.suffix} ({reason}); write it anew") from error


def _checked(path: Path, columns: Columns) -> Columns:
    """Columns of one length, numbers, finite, labels 0 or 1, weights not negative."""
    ranking = "logit" if "logit" in columns else "score"
    size = len(np.atleast_1d(_need(path, columns, ranking)))
    _need(path, columns, "label")
    if size == 0:
        raise InputError(f"{path}: holds no events; give a file of scores and labels")
    for name, values in columns.items():
        if values.ndim != 1:
            raise InputError(f"{path}: '{name}' has the shape {values.shape}; one number for each event is needed")
        if values.dtype.kind not in "fiub":
            raise InputError(f"{path}: '{name}' holds no numbers (type {values.dtype}); write numbers")
        if len(values) != size:
            raise InputError(f"{path}: '{name}' has {len(values)} values, '{ranking}' {size}; every event needs both")
        bad = np.flatnonzero(~np.isfinite(values))
        if len(bad):
            raise InputError(
                f"{path}: '{name}' is NaN or infinite in {len(bad)} of {size} events, first in event {bad[0]} "
                "(counted from 0); remove these events or mend the tool that wrote them"
            )
    label = columns["label"]
    other = np.flatnonzero((label != 0) & (label != 1))
    if len(other):
        raise InputError(f"{path}: event {other[0]} has the label {label[other[0]]:g}; 1 is signal, 0 background")
    for name in {"weight", "weight_fb"} & columns.keys():
        _check_weights(path, name, columns[name])
    return columns


def _check_weights(path: Path, name: str, weight: Array) -> None:
    if not (weight > 0).any():
        raise InputError(f"{path}: every '{name}' is zero or negative; leave the column out or mend it")
    negative = np.flatnonzero(weight < 0)
    if len(negative):
        raise InputError(
            f"{path}: '{name}' is negative in {len(negative)} of {len(weight)} events, first in event {negative[0]} "
            "(counted from 0); efficiencies need weights >= 0, so give positive ones, e.g. after reweighting"
        )


def _check_classes(path: Path, scores: Scores, where: str = "") -> None:
    for value, name in ((1, "signal"), (0, "background")):
        chosen = scores.label == value
        if not chosen.any():
            raise InputError(f"{path}: no {name} (label {value}){where}; both classes are needed")
        if not scores.weight[chosen].sum() > 0:
            raise InputError(
                f"{path}: every weight of the {name} (label {value}) is zero{where}; both classes need some"
            )


def _need(path: Path, columns: Mapping[str, Array], name: str) -> Array:
    if name not in columns:
        option = f", or give --{name}s FILE" if name in ("label", "weight") else ""
        found = ", ".join(columns) or f"none of {', '.join(COLUMNS)}"
        raise InputError(f"{path}: no column '{name}' (found: {found}); name it so{option}")
    return columns[name]


def _scores(columns: Columns) -> tuple[Scores, str]:
    label = columns["label"].astype(np.int32)
    if "weight" in columns:
        weight, origin = columns["weight"].astype(np.float64), "weight"
    elif "weight_fb" in columns:
        weight, origin = balanced(columns["weight_fb"], label), "weight_fb, each class scaled to the same sum"
    else:
        weight, origin = np.ones(len(label)), "none"
    event = columns.get("event_id", np.arange(len(label))).astype(np.uint64)
    logit = _floats(columns["logit"] if "logit" in columns else columns["score"])
    score = _floats(columns["score"]) if "score" in columns else np.exp(-np.logaddexp(0.0, -logit.astype(np.float64)))
    group = columns["group_id"].astype(np.uint64) if "group_id" in columns else event
    empty = np.zeros((len(label), 0, 0), np.float32)
    return Scores(
        ("background", "signal"), (0, 1), event, group, label, label, logit, score, weight, weight, empty
    ), origin  # fmt: skip


def _floats(values: Array) -> Array:
    return values if values.dtype.kind == "f" else values.astype(np.float64)


def _npz(path: Path) -> Columns:
    with zipfile.ZipFile(path) as archive:
        _plausible(archive_problem(archive))
    with np.load(path, allow_pickle=False) as file:
        return {name: file[name] for name in COLUMNS if name in file}


def _npy(path: Path) -> Columns:
    array = np.load(path, allow_pickle=False)
    if array.dtype.names is None:
        return {BARE: array}
    return {name: array[name] for name in COLUMNS if name in array.dtype.names}


def _csv(path: Path) -> Columns:
    frame = importlib.import_module("pandas").read_csv(path, skipinitialspace=True)
    return {name: frame[name].to_numpy() for name in COLUMNS if name in frame}


def _parquet(path: Path) -> Columns:
    file = importlib.import_module("pyarrow.parquet").ParquetFile(path)
    _plausible(entries_problem(file.metadata.num_rows, path))
    table = file.read([name for name in COLUMNS if name in file.schema_arrow.names])
    return {name: table[name].to_numpy() for name in table.column_names}


def _hdf5(path: Path) -> Columns:
    with h5py.File(path, "r") as file:
        found = {name: file[name] for name in COLUMNS if isinstance(file.get(name), h5py.Dataset)}
        for data_set in found.values():
            _plausible(data_set_problem(data_set))
        return {name: data_set[()] for name, data_set in found.items()}


def _root(path: Path) -> Columns:
    with importlib.import_module("uproot").open(path) as file:
        tree = file[TREE]
        _plausible(entries_problem(tree.num_entries, path))
        return {name: tree[name].array(library="np") for name in COLUMNS if name in tree}


def _plausible(problem: str | None) -> None:
    if problem:
        raise ValueError(problem)


READERS: dict[str, Callable[[Path], Columns]] = {
    ".npz": _npz,
    ".npy": _npy,
    ".csv": _csv,
    ".parquet": _parquet,
    ".h5": _hdf5,
    ".hdf5": _hdf5,
    ".root": _root,
}
"""By ending."""
