"""Everything that a training needs to go on exactly where it stopped, in one atomic file."""

import json
import logging
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mscat_tf.errors import InputError
from mscat_tf.files import atomic_path, remove_leftovers

log = logging.getLogger(__name__)

_STATE = "state_json"


class Checkpoints:
    """Numbered checkpoints of a folder: all variables and a JSON state.

    Args:
        folder: `runs/<name>/checkpoints`.
        network: variables of the network, the states of its dropout generators included; best weights are these.
        others: further variables, of the optimizer for example.
        kept: how many of the newest stay.
        writes: whether this process writes; of several workers only the chief does, all of them read.
    """

    def __init__(
        self, folder: Path, network: Sequence[Any], others: Sequence[Any], kept: int, writes: bool = True
    ) -> None:
        self.folder, self.kept, self.writes = folder, kept, writes
        self.network, self.all = list(network), [*network, *others]
        if writes and folder.is_dir():
            remove_leftovers(folder)

    def save(self, step: int, state: dict[str, Any]) -> None:
        """Write the checkpoint after so many steps, then delete those that are too old.

        Raises:
            OutputError: it cannot be written; the checkpoints before stay as they are.
        """
        if not self.writes:
            return
        self._write(f"step-{step:010d}.npz", self.all, {_STATE: np.array(json.dumps(state))})
        for old in self._files()[: -self.kept]:
            old.unlink()

    def restore(self) -> dict[str, Any] | None:
        """Load the newest checkpoint that is whole; None if there is none.

        Raises:
            InputError: it belongs to another network.
        """
        for path in reversed(self._files()):
            try:
                with open(path, "rb") as handle, np.load(handle) as file:
                    state = json.loads(str(file[_STATE]))
                    _assign(self.all, file, path)
            except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
                if isinstance(error, InputError):
                    raise
                log.warning("%s is damaged (%s); going back to the one before", path, error)
                continue
            return dict(state)
        return None

    def save_best(self) -> None:
        """Keep the present weights as the best ones."""
        if self.writes:
            self._write("best.npz", self.network)

    def restore_best(self) -> None:
        """Go back to the weights of `save_best`, in the process that wrote them: others may be here before the file."""
        if not self.writes:
            return
        path = self.folder / "best.npz"
        with np.load(path) as file:
            _assign(self.network, file, path)

    def _write(self, name: str, variables: list[Any], more: dict[str, Any] | None = None) -> None:
        arrays: dict[str, Any] = {
            f"variable_{i:05d}": np.asarray(variable.numpy()) for i, variable in enumerate(variables)
        }
        with atomic_path(self.folder / name) as temporary, open(temporary, "wb") as file:
            np.savez(file, **arrays, **(more or {}))

    def _files(self) -> list[Path]:
        return sorted(self.folder.glob("step-*.npz"))


def _assign(variables: list[Any], file: Any, path: Path) -> None:
    stored = [file[name] for name in sorted(file.files) if name != _STATE]
    advice = "it was made by another network: choose another run name, or delete the run's folder"
    if len(stored) != len(variables):
        raise InputError(f"{path}: holds {len(stored)} variables, this training has {len(variables)}; {advice}")
    for variable, value in zip(variables, stored, strict=True):
        if tuple(variable.shape) != value.shape:
            raise InputError(
                f"{path}: {getattr(variable, 'path', variable.name)} has shape {tuple(variable.shape)}, the checkpoint "
                f"{value.shape}; {advice}"
            )
    for variable, value in zip(variables, stored, strict=True):
        variable.assign(value)
