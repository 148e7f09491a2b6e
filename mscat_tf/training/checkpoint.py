"""Everything that a training needs to go on exactly where it stopped, in one atomic file per epoch."""

import json
import logging
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import keras
import numpy as np

from mscat_tf.errors import InputError
from mscat_tf.files import atomic_path, remove_leftovers

log = logging.getLogger(__name__)

_STATE = "state_json"


class Checkpoints:
    """Numbered checkpoints of a folder: all variables (weights, random-number states, optimizer) and a JSON state.

    Args:
        folder: `runs/<name>/checkpoints`.
        model: its variables include the states of the dropout generators.
        optimizer: built.
        kept: how many of the newest stay.
    """

    def __init__(self, folder: Path, model: keras.Model, optimizer: keras.optimizers.Optimizer, kept: int) -> None:
        self.folder, self.model, self.optimizer, self.kept = folder, model, optimizer, kept
        if folder.is_dir():
            remove_leftovers(folder)

    def save(self, epoch: int, state: dict[str, Any]) -> None:
        """Write the checkpoint of a finished epoch, then delete those that are too old."""
        arrays: dict[str, Any] = _values([*self.model.variables, *self.optimizer.variables])
        arrays[_STATE] = np.array(json.dumps(state))
        with atomic_path(self.folder / f"epoch-{epoch:05d}.npz") as temporary, open(temporary, "wb") as file:
            np.savez(file, **arrays)
        for old in self._files()[: -self.kept]:
            old.unlink()

    def restore(self) -> dict[str, Any] | None:
        """Load the newest checkpoint that is whole; None if there is none.

        Raises:
            InputError: it belongs to a network of another shape.
        """
        for path in reversed(self._files()):
            try:
                with open(path, "rb") as handle, np.load(handle) as file:
                    state = json.loads(str(file[_STATE]))
                    _assign([*self.model.variables, *self.optimizer.variables], file, path)
            except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
                if isinstance(error, InputError):
                    raise
                log.warning("%s is damaged (%s); going back to the one before", path, error)
                continue
            return dict(state)
        return None

    def save_best(self) -> None:
        """Keep the present weights as the best ones."""
        with atomic_path(self.folder / "best.npz") as temporary, open(temporary, "wb") as file:
            np.savez(file, **_values(self.model.variables))

    def restore_best(self) -> None:
        """Go back to the weights of `save_best`."""
        path = self.folder / "best.npz"
        with np.load(path) as file:
            _assign(self.model.variables, file, path)

    def _files(self) -> list[Path]:
        return sorted(self.folder.glob("epoch-*.npz"))


def _values(variables: Iterable[keras.Variable]) -> dict[str, Any]:
    return {f"variable_{i:05d}": keras.ops.convert_to_numpy(v) for i, v in enumerate(variables)}


def _assign(variables: list[keras.Variable], file: Any, path: Path) -> None:
    stored = [file[f"variable_{i:05d}"] for i in range(len(variables))]
    for variable, value in zip(variables, stored, strict=True):
        if tuple(variable.shape) != value.shape:
            raise InputError(
                f"{path}: {variable.path} has shape {tuple(variable.shape)}, the checkpoint {value.shape}; "
                "it was made by another network: choose another run name, or delete the run's folder"
            )
    for variable, value in zip(variables, stored, strict=True):
        variable.assign(value)
