"""One job of an import: a chunk of a file becomes one shard of the sample."""

import importlib.metadata
import platform
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

import mscat_tf
from data_prep.arrays import offsets_of
from data_prep.dask_cluster import check_folder_seen
from data_prep.features import Arrays, written_sizes
from data_prep.importers.base import Chunk, Part, Reader
from mscat_tf import schema
from mscat_tf.config import digest
from mscat_tf.errors import InputError
from mscat_tf.event_numbers import ENTRY_BITS, event_ids
from mscat_tf.memory import peak_memory_bytes
from mscat_tf.schema import Header, Normalisation

PACKAGES = ("numpy", "h5py", "uproot", "awkward", "fastjet", "pandas", "tables")


@dataclass(frozen=True)
class ImportJob:
    """One shard.

    Attributes:
        reader: of the file. chunk: what it reads.
        labels: of all processes of the sample, by name.
        content: digest of what decides the events, whatever other processes the sample has.
    """

    reader: Reader
    chunk: Chunk
    labels: dict[str, int]
    content: str

    @property
    def file_name(self) -> str:
        """For example `signal-3f2a91c05d-0003.h5`: equal names mean equal bytes."""
        return shard_name(self.reader.name, self.content, self.labels, self.chunk.number)


@dataclass(frozen=True)
class ImportRecord:
    """What one job needed; not reproducible, so it stays out of the shard.

    Attributes:
        file, events: of the shard. source, entries: what it read.
        seconds: that it took. peak_memory_bytes: of its process, up to its end. host: that it ran on.
        notes: for the user.
    """

    file: str
    source: str
    entries: int
    events: int
    seconds: float
    peak_memory_bytes: int
    host: str
    notes: tuple[str, ...]


def content_digest(reader: Reader, chunk: Chunk) -> str:
    """Digest of everything that decides the events of a chunk."""
    return digest(
        {
            "configuration": reader.configuration,
            "own": reader.own,
            "source": chunk.checksum,
            "entries": [chunk.start, chunk.stop],
        }
    )


def shard_name(reader: str, content: str, labels: dict[str, int], number: int) -> str:
    """Name of a shard; it changes when the list of processes does, since every shard holds that list."""
    return f"{reader}-{digest({'content': content, 'labels': labels})[:10]}-{number:04d}{schema.EXTENSION}"


def run_job(job: ImportJob, folder: str) -> ImportRecord:
    """Read a chunk and write its shard.

    Raises:
        InputError: the file is damaged there, or holds values that cannot be used.
        OutputError: the shard cannot be written.
    """
    started = time.perf_counter()
    check_folder_seen(folder)
    part = job.reader.read(job.chunk)
    schema.write_sample(Path(folder) / job.file_name, _header(job, part), _finished(job, part))
    return ImportRecord(
        file=job.file_name,
        source=str(job.chunk.path),
        entries=job.chunk.stop - job.chunk.start,
        events=len(part.entry),
        seconds=time.perf_counter() - started,
        peak_memory_bytes=peak_memory_bytes(),
        host=platform.node(),
        notes=part.notes,
    )


def renew(old: Path, new: Path, labels: dict[str, int]) -> None:
    """Write a shard again for a sample with other processes; the events stay as they are.

    Args:
        old, new: paths. labels: of all processes of the sample, those of the shard among them.
    """
    header, names = schema.read_header(old), tuple(sorted(labels))
    with schema.open_sample(old) as file:
        arrays = {name: file[name][()] for name in schema.DATA_SETS if name in file}
    arrays["process"] = np.array([names.index(name) for name in header.processes])[arrays["process"]]
    header = replace(header, processes=names, labels=tuple(labels[name] for name in names))
    schema.write_sample(new, header, arrays)


def _finished(job: ImportJob, part: Part) -> Arrays:
    """All data sets of the schema."""
    names = sorted(job.labels)
    index = np.array([names.index(name) for name in part.names], np.int64)
    label = np.array([job.labels[name] for name in part.names], np.int64)
    event_id = event_ids(job.chunk.checksum, part.entry)
    return {
        **part.arrays,
        "raw/offsets": offsets_of(part.arrays["multiplicity"].ravel()),
        "label": label[part.process],
        "process": index[part.process],
        "event_id": event_id,
        "group_id": event_id,
    }


def _header(job: ImportJob, part: Part) -> Header:
    reader, names = job.reader, tuple(sorted(job.labels))
    tallies = {name: tally for name, tally in part.tallies.items() if tally.entries}
    return Header(
        processes=names,
        labels=tuple(job.labels[name] for name in names),
        normalisation={
            name: Normalisation(
                tally.entries, tally.sum_of_weights, tally.cross_section_fb, tally.cross_section_error_fb
            )
            for name, tally in tallies.items()
        },
        cut_flow={name: tally.cut_flow for name, tally in tallies.items()},
        configuration={**reader.configuration, "processes": {reader.name: reader.own}},
        digest=digest(reader.configuration),
        seed=reader.seed,
        versions=versions(),
        jets=reader.jets,
        tokens=len(reader.token_names),
        token_names=reader.token_names,
        **written_sizes(reader.tokens),
    )


def versions() -> dict[str, str]:
    """Versions of everything that has a hand in the events."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:  # not every format needs every one
            continue
    return {"python": platform.python_version(), **found, "mscat_tf": mscat_tf.__version__}


def check_numbering(path: Path, entries: int) -> None:
    """See that every entry of a file has a number of its own.

    Raises:
        InputError: the file has too many entries.
    """
    if entries > 2**ENTRY_BITS:
        raise InputError(f"{path}: {entries} entries, but at most {2**ENTRY_BITS} of a file can be numbered; split it")
