"""`scores.h5`: logit, score, label and weights of every test event of a run, with what an analysis joins on."""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from mscat_tf.errors import InputError, SchemaError
from mscat_tf.hdf5_writing import hdf5_file
from mscat_tf.provenance import library_versions

VALIDATION_SCORES = "scores_validation.h5"
"""The same of the validation split, for what is fitted or chosen with it: temperature, bins of a fit."""
_COLUMNS = ("event_id", "group_id", "label", "process", "logit", "score", "weight", "weight_fb", "kinematics")
_MEMBERS = "member_logits"


@dataclass(frozen=True)
class Scores:
    """Test events: columns as in `EventTable`, logits and scores `(n,)`, kinematics `(n, K, 6)` of the schema.

    Of an ensemble, `member_logits` `(members, n)` are those of the single trainings; None of one training.
    """

    processes: tuple[str, ...]
    process_labels: tuple[int, ...]
    event_id: NDArray[np.uint64]
    group_id: NDArray[np.uint64]
    label: NDArray[np.int32]
    process: NDArray[np.int32]
    logit: NDArray[np.float32]
    score: NDArray[np.float32]
    weight: NDArray[np.float64]
    weight_fb: NDArray[np.float64]
    kinematics: NDArray[np.float32]
    member_logits: NDArray[np.float32] | None = None

    def __len__(self) -> int:
        return len(self.label)

    def take(self, chosen: NDArray[np.bool_]) -> "Scores":
        """The events where `chosen` `(n,)` is True."""
        columns = {name: getattr(self, name)[chosen] for name in _COLUMNS}
        members = None if self.member_logits is None else self.member_logits[:, chosen]
        return replace(self, **columns, member_logits=members)


def write_scores(path: Path, scores: Scores, configuration: dict[str, Any], seed: int) -> None:
    """Write the file, atomically."""
    with hdf5_file(path) as file:
        file.attrs["processes"] = json.dumps(scores.processes)
        file.attrs["process_labels"] = json.dumps(scores.process_labels)
        file.attrs["configuration"] = json.dumps(configuration, sort_keys=True)
        file.attrs["versions"] = json.dumps(library_versions())
        file.attrs["seed"] = seed
        for name in _COLUMNS:
            file.create_dataset(name, data=getattr(scores, name), track_times=False)
        if scores.member_logits is not None:
            file.create_dataset(_MEMBERS, data=scores.member_logits, track_times=False)


def read_scores(path: Path) -> Scores:
    """Read it back.

    Raises:
        InputError: there is none. SchemaError: it is damaged.
    """
    if not path.is_file():
        raise InputError(f"{path}: not there yet; run `mscat evaluate` first")
    try:
        with h5py.File(path, "r") as file:
            names = tuple(json.loads(file.attrs["processes"]))
            labels = tuple(json.loads(file.attrs["process_labels"]))
            members = file[_MEMBERS][()] if _MEMBERS in file else None
            return Scores(names, labels, **{name: file[name][()] for name in _COLUMNS}, member_logits=members)
    except (OSError, KeyError) as error:
        raise SchemaError(f"{path}: damaged ({error}); delete it and run `mscat evaluate` again") from error
