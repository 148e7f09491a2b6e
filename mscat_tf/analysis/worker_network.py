"""A network by its place and digest: little enough to be sent to workers, loaded once for all tasks of a process."""

import hashlib
import threading
from dataclasses import dataclass
from pathlib import Path

from mscat_tf.config.sample import Tokens
from mscat_tf.data.features import CONSTITUENTS
from mscat_tf.errors import InputError
from mscat_tf.files import file_digest
from mscat_tf.inference.scorer import EnsembleScorer, NetworkScorer, Scorer
from mscat_tf.physics.tokens import token_names
from mscat_tf.run_folder import Run, load_run

ONNX = ".onnx"


@dataclass(frozen=True)
class WorkerNetwork:
    """A trained network that is not loaded.

    Attributes:
        path: of the run folder or ONNX file, absolute: workers must see it under the same name.
        digest: SHA-256 of its weights. batch_size: events at a time. mass: hypothesis for all events [GeV].
    """

    path: str
    digest: str
    batch_size: int
    mass: float | None = None

    @classmethod
    def at(cls, path: str | Path, batch_size: int, mass: float | None) -> "WorkerNetwork":
        """The network as it is now.

        Raises:
            InputError: there is no finished run and no ONNX file at `path`.
        """
        place = Path(path).absolute()
        return cls(str(place), _digest(place), batch_size, mass)

    def scorer(self) -> Scorer:
        """What gives logits, from the cache of this process.

        Raises:
            InputError: the network is missing here, or another one than when `at` was called.
        """
        with _LOCK:
            if self not in _LOADED:
                _LOADED[self] = self._load()
            return _LOADED[self]

    def _load(self) -> Scorer:
        path = Path(self.path)
        if _digest(path) != self.digest:
            raise InputError(
                f"{path}: holds other weights than when the analysis was set up, so scores would be mixed; start the "
                "analysis again"
            )
        if path.suffix == ONNX:
            from mscat_tf.inference.onnx_network import onnx_scorer

            scorer: Scorer = onnx_scorer(path, self.batch_size)
        else:
            scorer = load_run(path).scorer(batch_size=self.batch_size)
        return scorer if self.mass is None else scorer.at_mass(self.mass)


@dataclass(frozen=True)
class Sizes:
    """How many jets of an event, and constituents of a jet, a network reads."""

    jets: int
    constituents: int


def sizes(scorer: Scorer, where: str) -> Sizes:
    """What a network reads.

    Args:
        scorer: of it. where: its path, for the errors.

    Raises:
        InputError: boosted trees, or kinematic tokens of something else than jets and their sum.
    """
    first = scorer.members[0] if isinstance(scorer, EnsembleScorer) else scorer
    if not isinstance(first, NetworkScorer):
        raise InputError(f"{where}: boosted trees are not applied to arrays of jets; use `mscat predict` on a sample")
    shapes = {field.name: field.shape for field in first.signature.fields}
    tokens = shapes.get("kinematics", (0,))[0] or 0
    numbered = [int(name.rpartition("_")[2]) for name in shapes if name[-1].isdigit()]
    jets = max(numbered, default=max(tokens - 1, 1))
    if tokens not in (0, len(token_names(jets))):
        raise InputError(
            f"{where}: reads {tokens} kinematic tokens of {jets} jets, so leptons or missing momentum are among them, "
            "which arrays of jets do not hold; use `mscat predict` on a sample"
        )
    kept = shapes.get(f"{CONSTITUENTS[0]}_1", (1,))[0] or Tokens().constituents  # None: it reads any number
    return Sizes(jets, kept)


def _digest(path: Path) -> str:
    if path.suffix == ONNX:
        if not path.is_file():
            raise InputError(f"{path}: no such file; write it with `mscat export RUN --format onnx`")
        return file_digest(path)
    run = load_run(path).need_finished()
    return hashlib.sha256(" ".join(_weights(run)).encode()).hexdigest()


def _weights(run: Run) -> list[str]:
    return [file_digest(each.model_file) for each in (run.members or [run])]


_LOADED: dict[WorkerNetwork, Scorer] = {}
_LOCK = threading.Lock()
"""Tasks of one worker may be threads, and each brings its own copy of the processor."""
