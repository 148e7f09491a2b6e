"""What a reader of an outside format is. `data_prep.importers.run` does the rest: jobs, identities, headers, resuming.

To add a format: a module with `readers(settings)`, which returns one reader for each group of files, and a line in
`FORMATS`. A reader is small and picklable (a frozen dataclass of settings): it travels to the workers, which call

* `plan(path)` once for each file: is it whole, how many entries, which of its branches will be used;
* `read(chunk)` once for each range of entries: everything that the schema wants of the selected ones, in arrays.

Both raise `InputError` with one sentence where a file is damaged, or holds values that cannot be used: a reader never
skips what it cannot read. Units: GeV, radians, femtobarn.
"""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from data_prep.arrays import Ints
from data_prep.features import Arrays
from mscat_tf.config.importing import ImportSettings
from mscat_tf.config.sample import Tokens
from mscat_tf.errors import ConfigError

FORMATS = {
    "delphes": "data_prep.importers.delphes",
    "jet_class": "data_prep.importers.jet_class",
    "quark_gluon": "data_prep.importers.quark_gluon",
    "released_arrays": "data_prep.importers.released_arrays",
    "top_tagging": "data_prep.importers.top_tagging",
}
"""Name of each format and the module that reads it."""


@dataclass(frozen=True)
class FilePlan:
    """What a reader finds in one file before it reads events.

    Attributes:
        entries: in the file.
        found: choices that the content of the file decided, e.g. `{"tag jets": "TrackJet"}`. All files of a sample must
            agree, or signal and background would be prepared differently without a word.
        notes: sentences that the user should read once.
    """

    entries: int
    found: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Chunk:
    """A range of entries of one file: what one job reads, and one shard.

    Attributes:
        path: of the file. checksum: SHA-256 of its content, hexadecimal.
        plan: of the file. number: of the chunk in its file.
        start, stop: entries from and up to, the latter excluded.
    """

    path: Path
    checksum: str
    plan: FilePlan
    number: int
    start: int
    stop: int


@dataclass(frozen=True)
class Tally:
    """What a chunk knows about one of its processes, before any cut.

    Attributes:
        entries: read, in the chunk. sum_of_weights: their summed generator weights.
        cross_section_fb, cross_section_error_fb: of the process [fb], the same for all chunks of a file.
        cut_flow: rows of `{"cut": str, "raw": int, "weighted": float}`, all chunks and processes with the same cuts.
    """

    entries: int
    sum_of_weights: float
    cross_section_fb: float
    cross_section_error_fb: float
    cut_flow: list[dict[str, Any]]


@dataclass(frozen=True)
class Part:
    """The selected events of one chunk.

    Attributes:
        arrays: data sets of the schema for n events but those that the job graph adds: all of `features.features`, and
            `weights` `(n, 2)`; `m_H` and `truth/track_jets` where the format knows them.
        process: `(n,)` place of each event's process in `names`. names: of the processes.
        entry: `(n,)` entry of each event in its file, from 0: with the file's checksum, it makes the `event_id`.
        tallies: one for each of `names`, processes without selected events included.
        notes: sentences that the user should read once.
    """

    arrays: Arrays
    process: Ints
    names: tuple[str, ...]
    entry: Ints
    tallies: Mapping[str, Tally]
    notes: tuple[str, ...] = ()


class Reader(Protocol):
    """Reads files of one format.

    Attributes:
        name: begins the names of its shards, e.g. the process.
        files: to be read.
        labels: 1 or 0 for every process that these files may hold.
        jets: of each event, J. tokens: what is written of them. token_names: of the K kinematic tokens.
        seed: of whatever is random. configuration: every setting that decides the content of all shards alike;
            equal for all readers of a sample, and its digest is the sample's.
        own: settings that concern these files only, e.g. their label and cross-section.
    """

    @property
    def name(self) -> str: ...

    @property
    def files(self) -> tuple[Path, ...]: ...

    @property
    def labels(self) -> dict[str, int]: ...

    @property
    def jets(self) -> int: ...

    @property
    def tokens(self) -> Tokens: ...

    @property
    def token_names(self) -> tuple[str, ...]: ...

    @property
    def seed(self) -> int: ...

    @property
    def configuration(self) -> dict[str, Any]: ...

    @property
    def own(self) -> dict[str, Any]: ...

    def plan(self, path: Path) -> FilePlan:
        """Look into one file.

        Raises:
            InputError: it cannot be read, or lacks what is needed.
        """

    def read(self, chunk: Chunk) -> Part:
        """The selected events of a chunk.

        Raises:
            InputError: the file is damaged there, or holds values that cannot be used.
        """


def need_processes(settings: ImportSettings) -> None:
    """See that files are named as those that do not say which process they hold.

    Raises:
        ConfigError: no process is named, or files without one.
    """
    if settings.files or not settings.processes:
        raise ConfigError(
            f"sample '{settings.name}': files of format '{settings.format}' do not say which process they hold; list "
            "them under processes.NAME.files, or give --process NAME"
        )


class OneProcess:
    """Part of a `Reader` whose files all hold the process `name` of the settings."""

    settings: ImportSettings
    name: str

    @property
    def files(self) -> tuple[Path, ...]:
        """Paths of the process."""
        return tuple(Path(file) for file in self.settings.processes[self.name].files)

    @property
    def labels(self) -> dict[str, int]:
        """Label of the process."""
        return {self.name: self.settings.processes[self.name].label}

    @property
    def own(self) -> dict[str, Any]:
        """Label, cross-section and k-factor of the process."""
        return self.settings.processes[self.name].model_dump(mode="json", exclude={"files"})


def readers(settings: ImportSettings) -> list[Reader]:
    """The readers of a sample, by its format."""
    module = importlib.import_module(FORMATS[settings.format])
    found: list[Reader] = module.readers(settings)
    return found
