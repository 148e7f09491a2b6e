"""What an explanation has done so far, on disk, so that a killed command goes on after the last complete chunk.

A hidden folder holds `rows-00004.npz`, `rows-00007.npz`, ... (per-event arrays of each chunk, up to the batch of this
number), `state.npz` (all sums, and the chunks that they rest on) and `studies.json`. Every file is written under a
temporary name and renamed, the rows before the state, so at any moment the state says which rows count.
"""

import json
import shutil
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mscat_tf.errors import OutputError
from mscat_tf.files import atomic_path, make_folder, write_json

Arrays = dict[str, NDArray[Any]]
FOLDER = ".explaining"
STATE = "state.npz"
_CHUNKS = "chunks"


class Partial:
    """The unfinished work of one explanation; what another network, sample or setting began is thrown away.

    Args:
        run: folder of the run. key: tells whether work may be continued.

    Raises:
        OutputError: the folder cannot be made or written.
    """

    def __init__(self, run: Path, key: str) -> None:
        self.folder = run / FOLDER
        stored = self.folder / "key"
        if not (stored.is_file() and stored.read_text() == key):
            self.remove()
            make_folder(self.folder)
            with atomic_path(stored) as temporary:
                temporary.write_text(key)

        self._ends: list[int] = self._state().get(_CHUNKS, np.zeros(0, np.int64)).tolist()

    def load(self) -> tuple[int, Arrays]:
        """Number of batches in the complete chunks, and the sums over their events; 0 and nothing at the start."""
        state = self._state()
        state.pop(_CHUNKS, None)
        return (self._ends[-1] if self._ends else 0), state

    def save(self, batches: int, rows: Mapping[str, NDArray[Any]], state: Mapping[str, NDArray[Any]]) -> None:
        """Add a chunk that ends after so many batches: its rows, and the sums up to its end."""
        _write(self._chunk(batches), rows)
        _write(self.folder / STATE, {**state, _CHUNKS: np.array([*self._ends, batches])})
        self._ends.append(batches)

    def chunks(self) -> Iterator[Arrays]:
        """Rows of every complete chunk in turn."""
        return (_read(self._chunk(end)) for end in self._ends)

    def studies(self) -> dict[str, Any] | None:
        """What the studies found; None before."""
        path = self.folder / "studies.json"
        return dict(json.loads(path.read_text())) if path.is_file() else None

    def keep_studies(self, found: dict[str, Any]) -> None:
        """Remember what the studies found."""
        write_json(self.folder / "studies.json", found)

    def remove(self) -> None:
        """Delete the folder: the explanation is finished, or was another one."""
        try:
            if self.folder.exists():
                shutil.rmtree(self.folder)
        except OSError as error:
            raise OutputError(f"{self.folder}: cannot be deleted ({error.strerror}); delete it yourself") from error

    def _state(self) -> Arrays:
        path = self.folder / STATE
        return _read(path) if path.is_file() else {}

    def _chunk(self, number: int) -> Path:
        return self.folder / f"rows-{number:05d}.npz"


def _write(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    with atomic_path(path) as temporary, open(temporary, "wb") as file:
        np.savez(file, allow_pickle=False, **arrays)


def _read(path: Path) -> Arrays:
    try:
        with np.load(path) as file:
            return {name: file[name] for name in file.files}
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise OutputError(
            f"{path}: left by an interrupted `mscat explain` but damaged ({error}); delete the folder {path.parent}"
        ) from error
