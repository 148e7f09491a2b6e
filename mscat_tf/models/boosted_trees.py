"""Gradient-boosted trees as plain arrays: read, written and applied without running anything that a file holds."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from mscat_tf.data.events import EventTable
from mscat_tf.data.flat import read_flat
from mscat_tf.data.sample import Sample
from mscat_tf.errors import InputError
from mscat_tf.hdf5_writing import hdf5_file

SUMMARY = "gradient-boosted trees on event kinematics, jet variables or both"
REFERENCE = "Friedman, Ann. Statist. 29 (2001) 1189"


@dataclass(frozen=True)
class BoostedTrees:
    """A sum of binary trees whose leaves hold parts of the logit.

    Nodes of all trees stand one after the other; `left` and `right` point into the same arrays. An event goes left
    where its value is at most the threshold.

    Attributes:
        columns: names of the inputs, see `mscat_tf.data.flat`. baseline: logit before the first tree.
        roots: `(trees,)` place of every tree's first node.
        feature, left, right: `(nodes,)` integers; a leaf points to itself.
        threshold, value: `(nodes,)` float64; `value` is the leaf's part of the logit.
    """

    columns: tuple[str, ...]
    baseline: float
    roots: NDArray[np.int64]
    feature: NDArray[np.int64]
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    threshold: NDArray[np.float64]
    value: NDArray[np.float64]

    @property
    def leaves(self) -> int:
        """Number of leaves, and so of fitted values."""
        return int(np.sum(self.left == np.arange(len(self.left))))

    def decision(self, matrix: NDArray[np.float32]) -> NDArray[np.float64]:
        """Logit `(events,)` of `matrix` `(events, columns)`."""
        logit, events = np.full(len(matrix), self.baseline), np.arange(len(matrix))
        for root in self.roots:
            node = np.full(len(matrix), root)
            while True:
                goes_left = matrix[events, self.feature[node]] <= self.threshold[node]
                below = np.where(goes_left, self.left[node], self.right[node])
                if np.array_equal(below, node):
                    break
                node = below
            logit += self.value[node]
        return logit

    def logits(self, sample: Sample, table: EventTable, split: str) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Rows of a split, increasing, and their logits."""
        rows = table.rows(split)
        return rows, self.decision(read_flat(sample, rows, self.columns)).astype(np.float32)

    def save(self, path: Path) -> None:
        """Write an HDF5 file, atomically."""
        with hdf5_file(path) as file:
            file.attrs["columns"], file.attrs["baseline"] = list(self.columns), self.baseline
            for name in _ARRAYS:
                file.create_dataset(name, data=getattr(self, name), track_times=False)

    @classmethod
    def load(cls, path: Path) -> "BoostedTrees":
        """Read it back.

        Raises:
            InputError: the file is missing, damaged, or holds something else.
        """
        try:
            with h5py.File(path, "r") as file:
                columns = tuple(str(name) for name in file.attrs["columns"])
                arrays: dict[str, Any] = {name: file[name][()] for name in _ARRAYS}
                return cls(columns, float(file.attrs["baseline"]), **arrays)
        except (OSError, KeyError) as error:
            raise InputError(f"{path}: cannot be read as trees ({error}); delete it and train again") from error


_ARRAYS = tuple(field.name for field in fields(BoostedTrees))[2:]
