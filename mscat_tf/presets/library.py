"""The presets that ship, as runs: their files are those that were written when they were made, or they are refused."""

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mscat_tf.config.base import unknown_key
from mscat_tf.errors import ConfigError, InputError, OutputError
from mscat_tf.explanation import Explanation
from mscat_tf.files import file_digest, make_folder, temporary_folder
from mscat_tf.run_folder import Run

if TYPE_CHECKING:
    from numpy.typing import NDArray

CARD, CARD_TEXT, REFERENCE = "card.json", "MODEL_CARD.md", "reference.npz"
SHIPPED = Path(__file__).parent


class Preset(Run):
    """A run folder that holds what answering needs, and a model card.

    Attributes:
        name: of the preset. card: `card.json`: data, metrics, use, limits, digests of the files.

    Args:
        path: folder that `mscat make-preset` wrote.

    Raises:
        InputError: no preset there, or one of its files is not as it was made.
    """

    def __init__(self, path: str | Path) -> None:
        super().__init__(path)
        self.name = self.path.name
        self.card = _card(self.path)
        for name, digest in self.card["files"].items():
            file = self.path / name
            if not file.is_file() or file_digest(file) != digest:
                found = "not there" if not file.is_file() else "changed since the preset was made (its SHA-256 differs)"
                raise InputError(f"{file}: {found}; install mscat-tf again, or make the preset again")

    @property
    def size(self) -> int:
        """Of all its files [bytes]."""
        return sum(file.stat().st_size for file in self.path.iterdir())

    @property
    def text(self) -> str:
        """The model card, Markdown."""
        return (self.path / CARD_TEXT).read_text()

    @property
    def origin(self) -> dict[str, Any]:
        """What made the network: goes with exported networks and scores."""
        return {**super().origin, "run": f"preset {self.name}"}

    def difference(self) -> float:
        """Greatest difference of a score from those recorded for the reference events when the preset was made."""
        with np.load(self.path / REFERENCE, allow_pickle=False) as file:
            inputs: dict[str, NDArray[Any]] = {name: file[name] for name in file.files}
        recorded = np.asarray(self.card["reference"]["scores"])
        return float(np.abs(self.predict(inputs) - recorded).max())

    def copy_to(self, folder: str | Path) -> Run:
        """A run folder of one's own, into which `mscat explain`, `evaluate` and `report` may write.

        Raises:
            OutputError: something is there already, or the folder cannot be written.
        """
        folder = Path(folder)
        if folder.exists():
            raise OutputError(f"{folder}: is there already; choose another folder for the copy of preset {self.name}")
        make_folder(folder.parent)
        with temporary_folder(folder.parent) as place:
            shutil.copytree(self.path, place / self.name)
            (place / self.name).replace(folder)
        return Run(folder)

    def explain(self) -> Explanation:
        """Raise InputError: a preset is not written into."""
        raise InputError(self._need_copy("explained"))

    def report(self, path: str | Path | None = None, *others: Run) -> Path:
        """As for a run, to a `path` that must be given.

        Raises:
            InputError: it is not.
        """
        if path is None:
            raise InputError(self._need_copy("reported on"))
        return super().report(path, *others)

    def _onnx_file(self) -> Path:
        raise InputError(
            f"preset {self.name}: holds no ONNX file; write one with `mscat export --preset {self.name}`, then give it "
            "to `mscat predict` instead of the preset"
        )

    def _need_copy(self, wanted: str) -> str:
        return (
            f"preset {self.name}: cannot be {wanted} where it is; copy it first: "
            f"`mscat presets {self.name} --copy runs/{self.name}`"
        )


def presets(folder: Path = SHIPPED) -> list[str]:
    """Names of the presets in a folder, by default of those that ship."""
    return sorted(path.parent.name for path in folder.glob(f"*/{CARD}"))


def load_preset(name: str) -> Preset:
    """Open a preset that ships, e.g. `mscat_tf.load_preset("mscat-small")`; it answers as any run does.

    Raises:
        ConfigError: there is none of this name. InputError: its files are damaged.
    """
    if name not in presets():
        raise ConfigError(f"preset: {unknown_key(name, presets()).replace('key', 'preset', 1)}")
    return Preset(SHIPPED / name)


def _card(folder: Path) -> dict[str, Any]:
    path = folder / CARD
    try:
        card = json.loads(path.read_text())
        if not isinstance(card["files"], dict):
            raise TypeError("`files` is no mapping")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: not a readable model card ({error}); install mscat-tf again") from error
    return dict(card)
