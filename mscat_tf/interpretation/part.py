"""What `mscat explain` is made of: parts that see the chosen test events once, batch by batch.

How a part is plugged in
------------------------
`mscat_tf.interpretation.explain` reads the chosen events in batches of `explain.batch_size` (the last one may be
smaller), in the order of the sample, and for each batch calls of every part, in this order,

    part.add(batch)            # sums are kept inside the part; their size must not depend on the number of events
    arrays = part.rows(batch)  # per-event arrays, appended to the part's file; {} for a part that only sums

so that `rows` may hand on what `add` has computed. `rows` must give the same names for every batch, also where it keeps
none of the events (arrays of length 0): the first axis of each array is appended, all other axes and the type stay.
After every few batches the rows and `part.state()` are written; after a kill the same parts are made again,
`part.restore(state)` is called, and `add` and `rows` go on with the batch after the last one that was written. So
`state` and `restore` must keep every bit (arrays of numbers as they are summed, in their own type).
At the end `part.arrays()` gives what was summed and `part.attributes()` numbers for `explanation.json`; a part that
only makes rows gives {} for `state` and `arrays`, and may keep the counts of its attributes in `state`. `SummingPart`
and `RowPart` are bases that have the empty methods. Names within one file must differ from part to part.

Attributions are plugged in by `mscat_tf.interpretation.attribution`:

    parts(model, settings, context) -> list[Part]  # called once, before the first batch; raises ConfigError early
    studies(run, settings, progress) -> dict       # after the last batch: `randomisation`, `insertion_deletion`, ...

`model` computes in float32 and must be left alone; `settings` is `ExplanationSettings`, `context` a `Context`. A part
with `file = GRAD_CAM_FILE` fills `gradcam.h5`: the first of them also gives `event_rows(batch)`. `attributes` of all
parts are merged into `explanation.json` (and into the attributes of both files), so their keys must differ.
`progress(done, wanted)` shows how far a study is; `settings.studies` says which are asked for.
What `studies` returns is kept as soon as it returns, and is not called again by a resumed command.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from mscat_tf.config import DataSettings
from mscat_tf.explanation import ATTENTION_FILE, GRAD_CAM_FILE

if TYPE_CHECKING:
    from mscat_tf.run_folder import Run

Arrays = dict[str, NDArray[Any]]
VERDICTS = ("all", "right", "wrong")


@dataclass(frozen=True)
class Batch:
    """Test events, n of them.

    Attributes:
        inputs: every input of the network by name, and `constituents_j`, `mask_j` of every jet j (columns
            `data.constituent_features`) if the network has none.
        places: where constituents are in the jet frame: `jet_j/eta`, `jet_j/phi` [rad], `jet_j/pt` [GeV] and
            `jet_j/mask`, `(n, constituents)`, whatever columns the network reads; 0 and False for padding.
        process: `(n,)` index of each event's process. label: `(n,)` 1 signal, 0 background.
        weight: `(n,)` expected events per 1/fb. row: `(n,)` of the sample. logit: `(n,)` of the network.
        right: `(n,)` whether the event is on its own side of the threshold, see `Context.threshold`.
        truth: what the sample knows of the simulation: `track_jets` `(n, J, 3)`, `b_hadrons` `(n, J, 4)` (see the
            schema), `b_distance` `(n, J, P)` (see `attention_truth.distances`); each where it does.
    """

    inputs: Mapping[str, NDArray[Any]]
    process: NDArray[np.int32]
    label: NDArray[np.int32]
    weight: NDArray[np.float64]
    row: NDArray[np.int64]
    logit: NDArray[np.float32]
    right: NDArray[np.bool_]
    places: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    truth: Mapping[str, NDArray[Any]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.process)


@dataclass(frozen=True)
class Context:
    """What parts know before the first event.

    Attributes:
        processes: their names, in the order of the index. labels: 1 signal, 0 background, of each.
        threshold: of the logit; at or above it an event is accepted, which is right for signal, wrong for background.
        data: which columns the network reads. tokens: names of the kinematic tokens.
        jets: number of jets, whose constituents are in every batch.
        run: the run itself; None in tests of networks alone.
    """

    processes: tuple[str, ...]
    labels: tuple[int, ...]
    threshold: float = 0.0
    data: DataSettings = field(default_factory=DataSettings)
    tokens: tuple[str, ...] = ()
    jets: int = 2
    run: "Run | None" = None

    @property
    def groups(self) -> list[dict[str, str]]:
        """Events over which means are taken: all of every process, then those that are right, then those wrong."""
        kinds = ["signal" if label else "background" for label in self.labels]
        return [
            {"name": kind, "process": process, "verdict": verdict}
            for verdict in VERDICTS
            for kind, process in zip(kinds, self.processes, strict=True)
        ]

    def accepted_rightly(self, logit: NDArray[Any], label: NDArray[Any]) -> NDArray[np.bool_]:
        """Which events are on their own side of the threshold, `(n,)`."""
        found: NDArray[np.bool_] = (logit >= self.threshold) == (np.asarray(label) == 1)
        return found


class Part(Protocol):
    """One piece of an explanation; see the head of this module for when what is called."""

    file: str
    """`ATTENTION_FILE` or `GRAD_CAM_FILE`."""

    def add(self, batch: Batch) -> None:
        """Take the events of one batch into what is summed."""

    def rows(self, batch: Batch) -> Arrays:
        """Arrays `(kept events, ...)` by name, to be appended to the file."""

    def state(self) -> Arrays:
        """Everything summed so far."""

    def restore(self, arrays: Arrays) -> None:
        """Go on from what `state` gave."""

    def arrays(self) -> Arrays:
        """Results of all events by name, for the file."""

    def attributes(self) -> dict[str, Any]:
        """Numbers for `explanation.json`."""


class RowPart:
    """A part that sums nothing: give it `rows`."""

    file = GRAD_CAM_FILE

    def add(self, batch: Batch) -> None:
        """Nothing is summed."""

    def state(self) -> Arrays:
        """Nothing is summed."""
        return {}

    def restore(self, arrays: Arrays) -> None:
        """Nothing was summed."""

    def arrays(self) -> Arrays:
        """No results besides the rows."""
        return {}

    def attributes(self) -> dict[str, Any]:
        """No numbers."""
        return {}


class SummingPart(RowPart):
    """A part without rows, whose sums are `self.sums`: override `add` and `arrays`.

    Attributes:
        sums: by name; changed in place or replaced by `add`.
    """

    file = ATTENTION_FILE

    def __init__(self) -> None:
        self.sums: Arrays = {}

    def rows(self, batch: Batch) -> Arrays:
        """None."""
        return {}

    def state(self) -> Arrays:
        """The sums."""
        return dict(self.sums)

    def restore(self, arrays: Arrays) -> None:
        """The sums again."""
        self.sums = {name: np.array(values) for name, values in arrays.items()}


def event_rows(batch: Batch) -> Arrays:
    """What a file of events says of each: `process`, `row`, `label`, `logit` and `jet_j/eta|phi|pt|mask`."""
    found: Arrays = {
        "process": np.asarray(batch.process, np.int32),
        "row": np.asarray(batch.row, np.int64),
        "label": np.asarray(batch.label, np.int32),
        "logit": np.asarray(batch.logit, np.float32),
    }
    return found | dict(batch.places)
