"""Scores as a friend of the tree that a sample was imported from: one entry for each of its entries, in its order."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np
from numpy.typing import NDArray

from mscat_tf.config import DataSettings
from mscat_tf.data import Sample
from mscat_tf.errors import InputError
from mscat_tf.event_numbers import entries_of_file, event_ids
from mscat_tf.files import atomic_path, file_digest, temporary_folder
from mscat_tf.inference.predict import PIECE_EVENTS, predict
from mscat_tf.inference.score_files import TYPES, root_tree
from mscat_tf.inference.scorer import Scorer
from mscat_tf.schema import MANIFEST

ENDING = ".root"
SELECTED = "selected"
FRIEND_TYPES = {**TYPES, SELECTED: "bool"}

PLACEHOLDERS = {"label": -1, "process": -1, "split": -1, "logit": np.nan, "score": -1.0}
"""Of entries without score; weights are 0 there, `event_id` and `group_id` tell the entry as they do elsewhere."""


class FriendOf(NamedTuple):
    """An imported file: its path, its number of entries, and the SHA-256 of its content."""

    path: Path
    entries: int
    checksum: str


def write_friend(
    scorer: Scorer,
    sample: Sample,
    out: Path,
    about: Mapping[str, Any],
    data: DataSettings,
    progress: Callable[[int], None] = lambda _: None,
    *,
    of: FriendOf,
) -> int:
    """Write a ROOT file whose tree has an entry for every entry of a file, placeholders for those without score.

    Args:
        scorer, sample, out, about, data, progress: as for `mscat_tf.inference.predict.predict`.
        of: file that the sample, or a part of it, comes from.

    Returns:
        The number of entries with a score.

    Raises:
        InputError, SchemaError: as for `predict`.
        OutputError: `out` cannot be written.
    """
    with temporary_folder(out.parent) as folder:
        scores = folder / "scores.h5"
        predict(scorer, sample, scores, about, data, progress)
        with h5py.File(scores) as file:
            columns, count = _columns(file, of)
    about = {"friend_of": str(of.path), **about}
    with atomic_path(out) as temporary, root_tree(temporary, about, FRIEND_TYPES) as append:
        for start in range(0, of.entries, PIECE_EVENTS):
            append({name: values[start : start + PIECE_EVENTS] for name, values in columns.items()})
    return count


def check_friend(out: Path, of: Path) -> None:
    """What can be known before a file is imported.

    Raises:
        InputError: `out` is not named like a ROOT file, or there is no file `of`.
    """
    if out.suffix != ENDING:
        raise InputError(f"{out}: a friend of a tree is a ROOT file; choose a name that ends in {ENDING}")
    if not of.is_file():
        raise InputError(f"{of}: no such file; give the one that the sample was imported from")


def imported_file(sample: Sample, file: Path) -> FriendOf:
    """A file that a sample was imported from, found by its content.

    Raises:
        InputError: the sample comes from others.
    """
    manifest = (sample.path if sample.path.is_dir() else sample.path.parent) / MANIFEST
    try:
        readers = json.loads(manifest.read_text())["readers"].values()
        inputs = {one["sha256"]: one for reader in readers for one in reader["inputs"]}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{sample.path}: was not made by `mscat import`, so its events have no entries in {file}; import the file "
            "first, or add --import FORMAT"
        ) from error
    own = file_digest(file)
    if own not in inputs:
        names = ", ".join(sorted(one["file"] for one in inputs.values()))
        raise InputError(
            f"{file}: is none of the files that {sample.path} was imported from ({names}), or has changed since; "
            "import it again"
        )
    return FriendOf(file, int(inputs[own]["entries"]), own)


def _columns(scores: h5py.File, of: FriendOf) -> tuple[dict[str, NDArray[Any]], int]:
    """All columns, of every entry, and the number of those with a score."""
    rows, entry = entries_of_file(of.checksum, scores["event_id"][()])
    found = {name: np.full(of.entries, PLACEHOLDERS.get(name, 0), kind) for name, kind in FRIEND_TYPES.items()}
    for name in TYPES:
        found[name][entry] = scores[name][()][rows]
    found["event_id"] = found["group_id"] = event_ids(of.checksum, np.arange(of.entries))
    found[SELECTED][entry] = True
    return found, len(rows)
