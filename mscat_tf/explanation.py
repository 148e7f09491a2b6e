"""What `mscat explain` wrote, as objects for Python and Jupyter: no framework is needed to read it."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import h5py
from numpy.typing import NDArray

from mscat_tf.errors import InputError
from mscat_tf.html_table import html_table
from mscat_tf.number_text import with_error

ATTENTION_FILE, GRAD_CAM_FILE, NUMBERS_FILE = "attention.h5", "gradcam.h5", "explanation.json"
STORED_AS = {"grad_cam": "maps"}
"""Arrays `jet_j/...` of `gradcam.h5`, where they are not called as the method."""
CKA_FOLDER = "cka"
"""Holds a file for each run that the layers were compared with."""
AGAIN = "make it again with `mscat explain`"
MOST_SHOWN = 6
"""Inputs, in the summary."""


class StoredMaps(Mapping[str, NDArray[Any]]):
    """Arrays of one file by name, each read when it is asked for.

    docs/explanations.md and docs/attributions.md list them.

    Attributes:
        attributes: of the file: processes, groups, tokens, configuration, versions, ...

    Args:
        path: of the file.

    Raises:
        InputError: it is missing or damaged.
    """

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise InputError(f"{path}: not there; run `mscat explain {path.parent}` (not every network has such maps)")
        self.path = path
        self._shapes: dict[str, tuple[tuple[int, ...], str]] = {}

        def collect(name: str, item: Any) -> None:
            if isinstance(item, h5py.Dataset):
                self._shapes[name] = item.shape, str(item.dtype)

        with self._opened() as file:
            file.visititems(collect)
            self.attributes: dict[str, Any] = {key: json.loads(value) for key, value in file.attrs.items()}

    @contextmanager
    def _opened(self) -> Iterator[h5py.File]:
        try:
            with h5py.File(self.path, "r") as file:
                yield file
        except (OSError, ValueError, TypeError) as error:
            raise InputError(f"{self.path}: cannot be read ({error}); {AGAIN}") from error

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self.read(name)

    def read(self, name: str, rows: Any = ()) -> NDArray[Any]:
        """An array, or some of its rows.

        Raises:
            InputError: it is missing or damaged.
        """
        self.shape(name)
        with self._opened() as file:
            found: NDArray[Any] = file[name][rows]
            return found

    def shape(self, name: str) -> tuple[int, ...]:
        """Of one array.

        Raises:
            InputError: it is missing.
        """
        if name not in self._shapes:
            raise InputError(f"{self.path}: holds no '{name}'; it holds {', '.join(sorted(self))}")
        return self._shapes[name][0]

    def attribute(self, name: str) -> Any:
        """One of the file's attributes.

        Raises:
            InputError: an earlier version made the file, without it.
        """
        if name not in self.attributes:
            raise InputError(f"{self.path}: says nothing of '{name}'; {AGAIN}")
        return self.attributes[name]

    def get(self, name: str, default: Any = None) -> Any:
        """An array, or the default where there is none of this name."""
        if name not in self:
            return default
        return self[name]

    def __contains__(self, name: object) -> bool:
        return name in self._shapes

    def __iter__(self) -> Iterator[str]:
        return iter(self._shapes)

    def __len__(self) -> int:
        return len(self._shapes)

    @property
    def processes(self) -> list[str]:
        """Names by index."""
        return list(self.attribute("processes"))

    def of(self, name: str, process: str, verdict: str = "all") -> NDArray[Any]:
        """Part of an array that belongs to one group of events.

        Args:
            name: of an array whose first axis is `groups`. process: its name.
            verdict: `all`, or `right` and `wrong` side of the working point.

        Raises:
            InputError: there is no such array or group.
        """
        groups = self.attribute("groups")
        for index, group in enumerate(groups):
            if (group["process"], group["verdict"]) == (process, verdict):
                found: NDArray[Any] = self[name][index]
                return found
        known = ", ".join(f"{group['process']} ({group['verdict']})" for group in groups)
        raise InputError(f"{self.path}: no events of '{process}' ({verdict}) here; choose from {known}")

    def _repr_html_(self) -> str:
        rows = [(name, *about) for name, about in sorted(self._shapes.items())]
        return html_table(str(self.path), rows, ("array", "shape", "type"))


class Explanation:
    """Everything about one run; each file is read when it is first asked for.

    Attributes:
        folder: of the run. numbers: `explanation.json`.

    Raises:
        InputError: the run is not explained yet, or the file is damaged.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        path = folder / NUMBERS_FILE
        if not path.is_file():
            raise InputError(f"{path}: not there yet; run `mscat explain {folder}` first")
        try:
            self.numbers: dict[str, Any] = json.loads(path.read_text())
        except ValueError as error:
            raise InputError(f"{path}: damaged ({error}); delete it and run `mscat explain` again") from error

    @cached_property
    def attention(self) -> StoredMaps:
        """`attention.h5`."""
        return StoredMaps(self.folder / ATTENTION_FILE)

    @cached_property
    def grad_cam(self) -> StoredMaps:
        """`gradcam.h5`."""
        return StoredMaps(self.folder / GRAD_CAM_FILE)

    @property
    def figures(self) -> dict[str, Path]:
        """PNG files by name."""
        names = [Path(path).name for path in self.numbers["figures"]]
        return {Path(name).stem: self.folder / "figures" / name for name in names if name.endswith(".png")}

    def blocks(self) -> list[str]:
        """Names of the attention blocks."""
        return list(self.numbers.get("blocks", ()))

    def _repr_html_(self) -> str:
        events = ", ".join(f"{count} {name}" for name, count in self.numbers["events"].items())
        rows: list[tuple[str, str]] = [
            ("test events", events),
            ("attention blocks", ", ".join(self.blocks()) or "none"),
        ]
        for jet, shares in self.numbers.get("all_zero", {}).items():
            text = ", ".join(f"{name} {share:.1%}" for name, share in shares.items() if share is not None)
            rows.append((f"empty Grad-CAM maps, {jet.replace('_', ' ')}", text))
        streams = self.numbers.get("importance", {}).get("streams", {})
        worth = sorted(streams.items(), key=lambda item: -item[1]["lost"])[:MOST_SHOWN]
        lost = "; ".join(f"{name} {of['lost']:.3f} ± {of['error']:.3f}" for name, of in worth)
        rows += [("AUC lost without", lost)] if lost else []
        for name, method in self.numbers.get("insertion_deletion", {}).get("methods", {}).items():
            better = method["deletion"].get("better_than_random")
            if better:
                text = f"{with_error(better['value'], better['error'])} in units of the logit"
                rows.append((f"deletion by {name.replace('_', ' ')}, better than at random", text))
        rows.append(("figures", ", ".join(self.figures)))
        return html_table(f"{self.folder}: explanation", rows)
