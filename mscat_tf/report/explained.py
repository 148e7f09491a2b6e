"""What `mscat explain` left in a run: arrays of `attention.h5` and `gradcam.h5`, numbers of `explanation.json`."""

import json
from functools import cached_property
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from mscat_tf.config.networks.boosted_trees import BOOSTED_TREES
from mscat_tf.errors import InputError
from mscat_tf.run_folder import Run

AGAIN = "make it again with `mscat explain`"


class StoredArrays:
    """One HDF5 file whose arrays are read one at a time, since all of them may not fit into memory.

    Args:
        path: of the file.

    Raises:
        InputError: it cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            with h5py.File(path, "r") as file:
                found: list[str] = []
                file.visititems(lambda name, item: found.append(name) if isinstance(item, h5py.Dataset) else None)
                self.attributes = {key: json.loads(value) for key, value in file.attrs.items()}
        except (OSError, ValueError, TypeError) as error:
            raise InputError(f"{path}: cannot be read ({error}); {AGAIN}") from error
        self.names = frozenset(found)

    def __contains__(self, name: str) -> bool:
        return name in self.names

    def read(self, name: str, rows: Any = ...) -> NDArray[Any]:
        """An array, or some of its rows.

        Raises:
            InputError: it is missing or damaged.
        """
        try:
            with h5py.File(self.path, "r") as file:
                return np.asarray(file[name][rows])
        except (OSError, KeyError) as error:
            raise InputError(f"{self.path}: '{name}' cannot be read ({error}); {AGAIN}") from error

    def shape(self, name: str) -> tuple[int, ...]:
        """Of one array.

        Raises:
            InputError: it is missing.
        """
        with h5py.File(self.path, "r") as file:
            if name not in file:
                raise InputError(f"{self.path}: holds no '{name}'; {AGAIN}")
            return tuple(file[name].shape)

    def attribute(self, name: str) -> Any:
        """One of the file's attributes.

        Raises:
            InputError: an earlier version made the file, without it.
        """
        if name not in self.attributes:
            raise InputError(f"{self.path}: says nothing of '{name}'; {AGAIN}")
        return self.attributes[name]


class Explained:
    """The explanation of a run, as far as it has one.

    Args:
        run: any run.
    """

    def __init__(self, run: Run) -> None:
        self.run = run

    @cached_property
    def attention(self) -> StoredArrays | None:
        """`attention.h5`; None without it, or without attention in the network."""
        stored = self._stored("attention.h5")
        return stored if stored and any(name.endswith("/per_head") for name in stored.names) else None

    @cached_property
    def grad_cam(self) -> StoredArrays | None:
        """`gradcam.h5`; None without it, or without constituents in the network."""
        stored = self._stored("gradcam.h5")
        return stored if stored and "process" in stored else None

    @cached_property
    def numbers(self) -> dict[str, Any]:
        """`explanation.json`; empty without it."""
        path = self.run.path / "explanation.json"
        return dict(json.loads(path.read_text())) if path.is_file() else {}

    @property
    def how(self) -> str:
        """Which command makes what is missing, or why none does."""
        run, config = self.run, self.run.config
        if config.model.name == BOOSTED_TREES:
            return "Boosted trees have no layers, so they have no attention maps, no Grad-CAM and no gradients."
        if run.repeated:
            one = run.members[0].path
            return (
                f"This is an ensemble of {config.train.repeats} networks: `mscat explain {one}` explains one of them."
            )
        if self.numbers:
            return f"The network `{config.model.name}` has no layers for it, `mscat explain {run.path}` found."
        return f"`mscat explain {run.path}` makes it."

    def _stored(self, name: str) -> StoredArrays | None:
        path = self.run.path / name
        return StoredArrays(path) if path.is_file() else None
