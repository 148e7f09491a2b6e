"""Les Houches event files, plain or gzip, one after another, from any event on (hep-ph/0609017). Units: GeV, picobarn.

Files are cut into events by their tags, so that skipping is cheap and a banner that is not XML does no harm; the events
themselves are read by pylhe.
"""

import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_prep import event_files, extras
from mscat_tf.errors import InputError

SHIPPED = {"4b-14TeV": "4b-14TeV.lhe.gz"}
"""Names that stand for files of this package, see docs/matrix_element_4b.md."""

BATCH = 200
MOST_LINES = 100_000
"""Of one event, with its weights."""
UNIT_WEIGHTS, WEIGHTS_IN_PICOBARN = 3, 4
_HEAD, _TAIL = '<LesHouchesEvents version="1.0">\n', "</LesHouchesEvents>\n"


@dataclass(frozen=True)
class LheSummary:
    """What a first pass over one file finds.

    Attributes:
        path: the file. events: their number. checksum: SHA-256 of its bytes, as hexadecimal digits.
        beams: PDG numbers of the beams. energies: of the beams [GeV].
        strategy: weighting strategy, IDWTUP of the Les Houches accord.
        cross_section_pb, cross_section_error_pb: of all its processes [pb].
    """

    path: str
    events: int
    checksum: str
    beams: tuple[int, int]
    energies: tuple[float, float]
    strategy: int
    cross_section_pb: float
    cross_section_error_pb: float


class LheFiles:
    """Several files of the same beams and weighting, as one row of events without end: after the last comes the first.

    Args:
        names: paths, or names in `SHIPPED`. where: begins every message.

    Raises:
        InputError: a file is missing, cut off, empty, or contradicts the first one.
    """

    def __init__(self, names: Iterable[str], where: str) -> None:
        self._where = where
        self.files = [summary(str(locate(name, where))) for name in names]
        first = self.files[0]
        for file in self.files:
            for field in ("beams", "energies", "strategy"):
                if getattr(file, field) != getattr(first, field):
                    raise InputError(
                        f"{where}: {file.path} has {field} {getattr(file, field)}, but {first.path} has "
                        f"{getattr(first, field)}; give files of one kind to one process"
                    )
        if abs(first.strategy) not in (UNIT_WEIGHTS, WEIGHTS_IN_PICOBARN):
            raise InputError(
                f"{first.path}: weighting strategy {first.strategy} (IDWTUP) wants the reader to unweight the events, "
                "but 3, -3, 4 or -4 is needed; unweight them when you write the file"
            )
        self._starts = np.cumsum([0, *(file.events for file in self.files)])

    def __len__(self) -> int:
        return int(self._starts[-1])

    @property
    def energies(self) -> tuple[float, float]:
        """Energies of the beams [GeV]."""
        return self.files[0].energies

    @property
    def beams(self) -> tuple[int, int]:
        """PDG numbers of the beams."""
        return self.files[0].beams

    def cross_section_pb(self) -> tuple[float, float]:
        """Mean over the files by their events, and its error [pb].

        Raises:
            InputError: a file gives none.
        """
        for file in self.files:
            if not file.cross_section_pb > 0.0:
                raise InputError(
                    f"{file.path}: gives the cross-section {file.cross_section_pb:g} pb; set cross_section_fb for "
                    f"{self._where}"
                )
        figures = [(file.cross_section_pb, file.cross_section_error_pb) for file in self.files]
        return event_files.mean_cross_section([file.events for file in self.files], figures)

    def events(self, start: int) -> Iterator[tuple[int, Any]]:
        """Events from number `start` on, each with its number, without end.

        Yields:
            Number of the event from 0 to `len(self)` - 1, and pylhe's `LHEEvent`.
        """
        number = start % len(self)
        while True:
            index = int(np.searchsorted(self._starts, number, side="right")) - 1
            file, skip = self.files[index], number - int(self._starts[index])
            for event in events_of(file.path, skip):
                yield number, event
                number += 1
            number %= len(self)

    def group_ids(self, numbers: NDArray[np.int64]) -> NDArray[np.uint64]:
        """Identity of parton-level events: 24 bits of the file's checksum, then the number within the file.

        It depends on the content of the files only, so a parton-level event keeps it in every sample.
        """
        index = np.searchsorted(self._starts, numbers, side="right") - 1
        heads = np.array([event_files.group_head(file.checksum) for file in self.files], np.uint64)
        return np.asarray(heads[index] | (numbers - self._starts[index]).astype(np.uint64))

    def weight(self, event: Any) -> float:
        """Its weight: 1 or -1 under the strategies 3 and -3, else XWGTUP [pb].

        Raises:
            InputError: it is not finite.
        """
        value = float(event.eventinfo.weight)
        if not np.isfinite(value):
            raise InputError(f"{self._where}: an event of its files has the weight {value}; write the file again")
        return float(np.sign(value)) if abs(self.files[0].strategy) == UNIT_WEIGHTS else value


def locate(name: str, where: str) -> Path:
    """Path of a file, or of one that ships with the package."""
    if name in SHIPPED:
        return Path(str(resources.files("data_prep") / "resources" / SHIPPED[name]))
    path = Path(name)
    if not path.is_file():
        known = ", ".join(SHIPPED)
        raise InputError(f"{where}: no such event file: {name}; correct the path, or use a shipped one: {known}")
    return path


def summary(path: str) -> LheSummary:
    """First pass over a file; remembered until the file changes.

    Raises:
        InputError: it is cut off, damaged, or no Les Houches event file.
    """
    status = Path(path).stat()
    return _summary(path, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=64)
def _summary(path: str, _size: int, _time: int) -> LheSummary:
    init, events = None, 0
    for kind, block in _blocks(path, 0):
        if kind == "init":
            init = _parse(path, block, "").init
        events += kind == "event"
    if init is None or events == 0:
        raise InputError(f"{path}: has no {'event' if init else '<init> block'}; is it a Les Houches event file?")
    head, processes = init.initInfo, init.procInfo
    return LheSummary(
        path=path,
        events=events,
        checksum=event_files.checksum(Path(path)),
        beams=(head.beamA, head.beamB),
        energies=(head.energyA, head.energyB),
        strategy=head.weightingStrategy,
        cross_section_pb=sum(process.xSection for process in processes),
        cross_section_error_pb=float(np.linalg.norm([process.error for process in processes])),
    )


def events_of(path: str, skip: int = 0) -> Iterator[Any]:
    """pylhe's events of one file after the first `skip`."""
    init, waiting = "", []
    for kind, block in _blocks(path, skip):
        if kind == "init":
            init = block
            continue
        waiting.append(block)
        if len(waiting) == BATCH:
            yield from _parse(path, init, "".join(waiting)).events
            waiting.clear()
    if waiting:
        yield from _parse(path, init, "".join(waiting)).events


def _blocks(path: str, skip: int) -> Iterator[tuple[str, str]]:
    """The `<init>` block, then every `<event>` block after the first `skip`, as text with their tags."""
    with event_files.opened(path) as file:
        yield from _blocks_of(path, file, skip)


def _blocks_of(path: str, file: Iterable[str], skip: int) -> Iterator[tuple[str, str]]:
    kind, complete, events = "", False, 0
    lines: list[str] = []
    for line in file:
        text = line.lstrip()
        if not kind and text.startswith(("<event", "<init>")):
            kind, lines = text[1:6].rstrip(">"), []
            events += kind == "event"
        if kind:
            lines.append(line)
            if len(lines) > MOST_LINES:
                raise InputError(f"{path}: <{kind}> number {events} has no end; write or copy the file again")
            if text.startswith(f"</{kind}>"):
                if kind == "init" or events > skip:
                    yield kind, "".join(lines)
                kind = ""
        complete = complete or (not kind and text.startswith("</LesHouchesEvents>"))
    if kind or not complete:
        raise InputError(
            f"{path}: cut off {f'within event {events}' if kind == 'event' else f'after {events} events'}, "
            "</LesHouchesEvents> is missing; write or copy the file again"
        )


def _parse(path: str, init: str, events: str) -> Any:
    """What pylhe makes of these blocks."""
    text = (_HEAD + init + events + _TAIL).encode()
    try:
        parsed = extras.pylhe().LHEFile.frombuffer(io.BytesIO(text), generator=False)
    except (ValueError, IndexError, RuntimeWarning) as error:
        raise InputError(f"{path}: an event cannot be read ({error}); write the file again") from error
    if len(parsed.events) != events.count("<event"):
        raise InputError(f"{path}: an event is not well-formed XML; write the file again")
    return parsed
