"""The events that a reach is computed from: plain arrays, checked once."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mscat_tf.errors import InputError
from mscat_tf.reach.rates import Rate, check_rates

Floats = NDArray[np.float64]
VALIDATION, TEST = "validation", "test"
WHERE = "reach"


@dataclass(frozen=True)
class Events:
    """Columns `(n,)` of events of the validation split, which decides the bins, and the test split, which fills them.

    Attributes:
        score: larger is more signal-like; log-odds, if bins are to be equal in them.
        process: name. split: `validation` or `test`; other events are left out.
        weight: in units that are the same for all events of a process (fb, say), may be negative.
        mass: m_JJ [GeV]; needed for the observable `mass`.
        group: events of one group share a parton-level event and count as one for the statistics; None: all alone.
    """

    score: NDArray[np.floating]
    process: NDArray[np.str_]
    weight: Floats
    split: NDArray[np.str_]
    mass: NDArray[np.floating] | None = None
    group: NDArray[np.integer] | None = None

    def __len__(self) -> int:
        return len(self.score)

    def of(self, split: str) -> "Events":
        """Those of one split."""
        return self._take(np.asarray(self.split) == split)

    def of_processes(self, names: Iterable[str]) -> "Events":
        """Those of these processes."""
        return self._take(np.isin(self.process, list(names)))

    def _take(self, rows: NDArray[np.bool_]) -> "Events":
        return replace(self, **{name: np.asarray(a)[rows] for name, a in vars(self).items() if a is not None})


@dataclass(frozen=True)
class Variation:
    """The test events under a shift by one standard deviation, e.g. of the energy scale.

    Attributes:
        name: of the uncertainty. up: columns as in `Events`, selected and weighted anew. down: the same for the shift
            the other way; None: what `up` changes, with opposite sign.
    """

    name: str
    up: Events
    down: Events | None = None


@dataclass(frozen=True)
class Selected:
    """Events of one split, weighted to expected numbers.

    Attributes:
        score, mass, weight: `(n,)` as in `Events`; the weights of a process sum to its expected events.
        process: `(n,)` index into `processes`. group: `(n,)` index, events of a group have the same.
        processes, labels: of every process.
        factor: of each process, expected events over the sum of the weights as given.
    """

    score: Floats
    mass: Floats | None
    weight: Floats
    process: NDArray[np.int64]
    group: NDArray[np.int64]
    processes: tuple[str, ...]
    labels: NDArray[np.int64]
    factor: Floats

    @property
    def background(self) -> NDArray[np.bool_]:
        """Whether each event is background, `(n,)`."""
        return np.asarray(self.labels[self.process] == 0)


def check_events(events: Events, need_mass: bool, where: str = WHERE) -> None:
    """Raise InputError unless all columns are of one length and finite; the message begins with `where`."""
    if need_mass and events.mass is None:
        raise InputError(f"{where}: the observable is the mass, but no mass was given; give m_JJ, or fit the score")
    for name, column in vars(events).items():
        if column is None:
            continue
        if np.shape(column) != (len(events),):
            raise InputError(f"{where}: '{name}' has shape {np.shape(column)}, but there are {len(events)} scores")
        if name in ("score", "weight", "mass"):
            bad = np.flatnonzero(~np.isfinite(column))
            if len(bad):
                raise InputError(
                    f"{where}: '{name}' is {column[bad[0]]} in event {bad[0]} ({len(bad)} such events); remove these "
                    "events or mend what made them"
                )


def select(
    events: Events, rates: Mapping[str, Rate], luminosity_fb: float, split: str, factor: Floats | None = None
) -> Selected:
    """The events of a split, every process scaled to what is expected at the luminosity.

    Args:
        events: checked, of these processes only. rates: of the processes. luminosity_fb: [1/fb]. split: which.
        factor: of each process where it is known already, so that a variation may change the number of events.

    Raises:
        InputError: a process has no cross-section, no events in this split, or weights that sum to nothing.
    """
    processes = tuple(rates)
    check_rates(rates, processes, WHERE)
    chosen = events.of(split)
    process = np.zeros(len(chosen), np.int64)
    for index, name in enumerate(processes):
        process[chosen.process == name] = index
    given = np.asarray(chosen.weight, np.float64)
    if factor is None:
        sums = np.bincount(process, given, len(processes))
        for name, total in zip(processes, sums, strict=True):
            if not total > 0:
                raise InputError(
                    f"{WHERE}: the weights of process '{name}' sum to {total:g} in the {split} split; generate more "
                    "events of it, or leave it out"
                )
        factor = np.array([rate.selected_fb for rate in rates.values()]) * luminosity_fb / sums
    alone = np.arange(len(chosen))
    return Selected(
        score=np.asarray(chosen.score, np.float64),
        mass=None if chosen.mass is None else np.asarray(chosen.mass, np.float64),
        weight=given * factor[process],
        process=process,
        group=alone if chosen.group is None else np.unique(chosen.group, return_inverse=True)[1],
        processes=processes,
        labels=np.array([rate.label for rate in rates.values()], np.int64),
        factor=factor,
    )
