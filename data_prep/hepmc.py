"""HepMC3 files, plain or gzip, as a source of hadron-level events (arXiv:1912.08005). Units: GeV."""

from collections.abc import Iterator
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from data_prep import event_files, extras
from data_prep.generator import BATCH_EVENTS, NEUTRINOS, Particles, no_particles
from mscat_tf.constants import PICOBARN_IN_FEMTOBARN
from mscat_tf.errors import InputError

FINAL = 1
GEV, MEV_IN_GEV = "GEV", 1e-3
LISTING_ENDS = "HepMC::Asciiv3-END_EVENT_LISTING"


class HepMcSummary(NamedTuple):
    """First pass over a file: events, SHA-256 of its bytes, last cross-section and its error [pb] (0 where none)."""

    events: int
    checksum: str
    cross_section_pb: float
    cross_section_error_pb: float


class HepMcSource:
    """A block of the events of HepMC3 files: shard number i takes `block` events from `i * block` on.

    Args:
        files: paths. block: events of a shard. number: of the shard. where: begins every message.

    Raises:
        InputError: a file is missing, cut off, or empty.
    """

    def __init__(self, files: tuple[str, ...], block: int, number: int, where: str) -> None:
        self._where = where
        self._files = [(path, summary(path, where)) for path in files]
        self._starts = np.cumsum([0, *(found.events for _, found in self._files)])
        self._events = islice(self._from(number * block), block)

    def next_particles(self, events: int = BATCH_EVENTS) -> Particles:
        """The next events; none when there are no more."""
        chunk = list(islice(self._events, events))
        return self._joined(chunk) if chunk else no_particles()

    def cross_section_fb(self) -> tuple[float, float]:
        """What the last events of the files say, averaged by their events [fb].

        Raises:
            InputError: a file gives none.
        """
        for path, found in self._files:
            if not found.cross_section_pb > 0.0:
                raise InputError(f"{path}: gives no cross-section; set cross_section_fb for {self._where}")
        figures = [(found.cross_section_pb, found.cross_section_error_pb) for _, found in self._files]
        value, error = event_files.mean_cross_section([found.events for _, found in self._files], figures)
        return value * PICOBARN_IN_FEMTOBARN, error * PICOBARN_IN_FEMTOBARN

    def _from(self, start: int) -> Iterator[tuple[int, Any]]:
        """Identity, weight and columns of each event: 24 bits of the file's checksum, then its place in the file."""
        number = start
        for index, (path, found) in enumerate(self._files):
            skip = number - int(self._starts[index])
            if skip >= found.events:
                continue
            for place, event in enumerate(_events_of(path, skip), start=skip):
                yield event_files.group_head(found.checksum) | place, _columns(path, event)
                number += 1
            read = number - int(self._starts[index])
            if read < found.events:  # pyhepmc ends without a word where it cannot go on
                raise InputError(
                    f"{path}: event {read} of {found.events} (counted from 0) cannot be read; write the file again"
                )

    def _joined(self, chunk: list[tuple[int, Any]]) -> Particles:
        weights = np.array([weight for _, (weight, _) in chunk])
        counts = [len(columns) for _, (_, columns) in chunk]
        pdg_id, status, px, py, pz, energy = np.concatenate([columns for _, (_, columns) in chunk]).T
        number = pdg_id.astype(np.int64)
        visible = (status == FINAL) & ~np.isin(np.abs(number), NEUTRINOS)
        event = np.repeat(np.arange(len(chunk)), counts)
        groups = np.array([group for group, _ in chunk], np.uint64)
        return Particles(weights, event, number, visible, px, py, pz, energy, groups)


def summary(path: str, where: str) -> HepMcSummary:
    """First pass over a file; remembered until the file changes.

    Raises:
        InputError: there is no such file, it is cut off, or holds no event.
    """
    if not Path(path).is_file():
        raise InputError(f"{where}: no such event file: {path}; correct the path")
    status = Path(path).stat()
    return _summary(path, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=64)
def _summary(path: str, _size: int, _time: int) -> HepMcSummary:
    events, complete, cross_section = 0, False, (0.0, 0.0)
    with event_files.opened(path) as lines:
        for line in lines:
            events += line.startswith("E ")
            complete = complete or line.startswith(LISTING_ENDS)
            if line.startswith("A 0 GenCrossSection"):
                cross_section = _cross_section(path, line)
    if not complete or events == 0:
        raise InputError(
            f"{path}: cut off after {events} events, or not HepMC3 text ('{LISTING_ENDS}' is missing); "
            "write or copy the file again"
        )
    return HepMcSummary(events, event_files.checksum(Path(path)), *cross_section)


def _cross_section(path: str, line: str) -> tuple[float, float]:
    try:
        value, error = (float(word) for word in line.split()[3:5])
    except ValueError as fault:
        raise InputError(
            f"{path}: '{line.strip()}' gives no cross-section with its error; write or copy the file again"
        ) from fault
    return value, error


def _events_of(path: str, skip: int) -> Iterator[Any]:
    """Events of one file after the first `skip`."""
    with extras.pyhepmc().open(path) as file:
        try:
            yield from islice(file, skip, None)
        except RuntimeError as error:
            raise InputError(f"{path}: an event cannot be read ({error}); write the file again") from error


def _columns(path: str, event: Any) -> tuple[float, NDArray[Any]]:
    """Weight, and `(particles, 6)` PDG number, status, px, py, pz, energy [GeV] of one event."""
    own = event.numpy.particles
    columns = np.stack([own.pid, own.status, own.px, own.py, own.pz, own.e], axis=-1).astype(np.float64)
    if not np.isfinite(columns).all():
        raise InputError(f"{path}: event {event.event_number} holds a momentum that is not finite; make it again")
    if event.momentum_unit.name != GEV:
        columns[:, 2:] *= MEV_IN_GEV
    return (float(event.weights[0]) if len(event.weights) else 1.0), columns
