"""What all formats of single jets share: J = 1, K = 1, no selection, tag weight 1. Units: GeV, radians, femtobarn.

Jets are the vector sums of their constituents, as in our own samples; what a file says of its jets besides is not kept.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from data_prep.arrays import Ints
from data_prep.detector import Objects
from data_prep.features import features
from data_prep.importers.base import Chunk, Part, Tally
from data_prep.importers.referenced_jets import as_pairs, summed_jets
from mscat_tf.config.importing import ImportSettings
from mscat_tf.config.sample import Tokens
from mscat_tf.errors import ConfigError, InputError
from mscat_tf.physics.tokens import token_names

IN_FILE = "in the file"
"""The only row of the cut flow."""

CROSS_SECTION_FB = 1.0
NO_CROSS_SECTION = "the format knows no cross-section: each process counts as 1 fb"


@dataclass(frozen=True)
class SingleJetReader:
    """What the readers of single jets have in common (`data_prep.importers.base.Reader` without `plan` and `read`).

    Attributes:
        settings: of the sample. name: begins the names of the shards.
        PROCESSES: label of every process that a file may hold.
        SETTINGS: name of the section of the settings that decides the content, if any.
    """

    settings: ImportSettings
    name: str
    jets: int = 1
    PROCESSES: ClassVar[dict[str, int]] = {}
    SETTINGS: ClassVar[tuple[str, ...]] = ()

    @property
    def files(self) -> tuple[Path, ...]:
        """Paths, each file with its own labels."""
        return tuple(Path(file) for file in self.settings.files)

    @property
    def labels(self) -> dict[str, int]:
        """Label of every process that the files may hold."""
        return self.PROCESSES

    @property
    def tokens(self) -> Tokens:
        """What is written of each jet."""
        return self.settings.tokens

    @property
    def token_names(self) -> tuple[str, ...]:
        """The jet alone."""
        return token_names(self.jets)

    @property
    def seed(self) -> int:
        """Nothing is random here; the seed of the settings stands in the header."""
        return self.settings.seed

    @property
    def configuration(self) -> dict[str, Any]:
        """Settings that decide the content: format, constituents kept, and those of the format."""
        return self.settings.model_dump(mode="json", include={"format", "tokens", *self.SETTINGS})

    @property
    def own(self) -> dict[str, Any]:
        """Nothing: every file says itself what its jets are."""
        return {}


def need_files(settings: ImportSettings) -> None:
    """See that files are named as those that say themselves what their jets are.

    Raises:
        ConfigError: there are none, or they are given for one process.
    """
    if settings.processes or not settings.files:
        raise ConfigError(
            f"sample '{settings.name}': files of format '{settings.format}' say themselves which process each jet is "
            "of; list them under files, and leave processes out"
        )


def jet_part(
    chunk: Chunk, objects: Objects, process: Ints, names: tuple[str, ...], tokens: Tokens, cross_section_fb: float
) -> Part:
    """The jets of a chunk, one for each entry.

    Args:
        chunk: that was read. objects: the constituents, `objects.event` counting entries from the chunk's first.
        process: `(jets,)` place in `names`. names: of the processes that the file may hold.
        tokens: what is written of each jet. cross_section_fb: of each process [fb].

    Raises:
        InputError: a constituent has no transverse momentum, or a jet no constituent; or jet variables need charges,
            which the file does not tell.
    """
    entries = chunk.stop - chunk.start
    counts = np.bincount(objects.event, minlength=entries).astype(np.int64)
    _check(chunk, objects, counts)
    found = summed_jets(objects, np.arange(entries), np.arange(len(objects.pt)), counts)
    pairs = as_pairs(objects, found, np.arange(entries)[:, np.newaxis])
    try:
        arrays = features(objects, pairs, tokens)
    except InputError as error:
        raise InputError(f"{chunk.path}: from entry {chunk.start} on, {error}") from error
    arrays["weights"] = np.ones((entries, 2))
    present, place = np.unique(process, return_inverse=True)
    tallies = {}
    for index, number in enumerate(np.bincount(place, minlength=len(present))):
        row = {"cut": IN_FILE, "raw": int(number), "weighted": float(number)}
        tallies[names[present[index]]] = Tally(int(number), float(number), cross_section_fb, 0.0, [row])
    entry = np.arange(chunk.start, chunk.stop)
    return Part(arrays, np.asarray(place, np.int64), tuple(tallies), entry, tallies)


def check_finite(chunk: Chunk, name: str, values: NDArray[Any]) -> None:
    """See that numbers from a file can be used.

    Args:
        chunk: that was read. name: of what was read. values: `(entries, ...)`.

    Raises:
        InputError: one is NaN or infinite.
    """
    bad = np.argwhere(~np.isfinite(values))
    if len(bad):
        raise InputError(
            f"{chunk.path}: entry {chunk.start + bad[0, 0]}: '{name}' holds {values[tuple(bad[0])]} ({len(bad)} such "
            f"values in entries {chunk.start} to {chunk.stop}); make the file again, or leave it out"
        )


def zero_or_one(chunk: Chunk, name: str, values: NDArray[Any]) -> Ints:
    """`(entries,)` labels from a file.

    Raises:
        InputError: one is neither 0 nor 1.
    """
    wrong = np.flatnonzero(~np.isin(values, (0, 1)))
    if len(wrong):
        raise InputError(
            f"{chunk.path}: entry {chunk.start + wrong[0]}: '{name}' is {values[wrong[0]]:g}, not 0 or 1; make the "
            "file again, or leave it out"
        )
    return values.astype(np.int64)


def _check(chunk: Chunk, objects: Objects, counts: Ints) -> None:
    soft = np.flatnonzero(objects.pt <= 0.0)
    if len(soft):
        raise InputError(
            f"{chunk.path}: entry {chunk.start + objects.event[soft[0]]}: a constituent has transverse momentum "
            f"{objects.pt[soft[0]]:g} GeV ({len(soft)} such in entries {chunk.start} to {chunk.stop}), which the jet "
            "frame cannot weigh; make the file again, or leave it out"
        )
    if np.any(counts == 0):
        raise InputError(
            f"{chunk.path}: entry {chunk.start + int(np.argmin(counts))}: the jet has no constituents; make the file "
            "again without it, or leave the file out"
        )
