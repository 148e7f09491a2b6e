"""What is known of every event besides its tokens: label, process, weights, split. About 50 bytes an event."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mscat_tf.config import DataSettings
from mscat_tf.config.training import TrainSettings
from mscat_tf.data.census import Census
from mscat_tf.data.sample import Sample
from mscat_tf.data.splits import SPLITS
from mscat_tf.html_table import html_table

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class EventTable:
    """Columns of length n, in the order of the sample's rows.

    Attributes:
        label: 1 signal, 0 background. process: index into `processes`.
        event_id, group_id: see the schema. split: index into `SPLITS`; larger for events of none.
        weight_fb: expected events per 1/fb, generator x tag x cross-section.
        weight: for loss and AUC: as `weight_fb`, each class scaled to a sum of n / 2; see `Census`.
        census: of all events, from which the table is made.
    """

    processes: tuple[str, ...]
    process_labels: tuple[int, ...]
    label: NDArray[np.int32]
    process: NDArray[np.int32]
    event_id: NDArray[np.uint64]
    group_id: NDArray[np.uint64]
    split: NDArray[np.int8]
    weight_fb: Floats
    weight: Floats
    census: Census

    def __len__(self) -> int:
        return len(self.label)

    def _repr_html_(self) -> str:
        rows = []
        for number, split in enumerate(SPLITS):
            for index, name in enumerate(self.processes):
                chosen = (self.split == number) & (self.process == index)
                weight = self.weight_fb[chosen]
                rows.append((split, name, len(weight), f"{effective_events(weight):.1f}", f"{weight.sum():.4g}"))
        title = f"{len(self)} events; effective = (sum w)² / sum w²"
        return html_table(title, rows, ("split", "process", "events", "effective", "expected per 1/fb"))

    def rows(self, split: str) -> NDArray[np.int64]:
        """Rows of one split, increasing."""
        return np.flatnonzero(self.split == SPLITS.index(split))

    def take(self, rows: NDArray[np.int64]) -> "EventTable":
        """The table of these rows only."""
        columns = ("label", "process", "event_id", "group_id", "split", "weight_fb", "weight")
        return replace(self, **{name: getattr(self, name)[rows] for name in columns})


def effective_events(weights: Floats) -> float:
    """Kish's effective number of events, (sum w)^2 / sum w^2; 0 for none."""
    squares = float(np.sum(np.square(weights)))
    return float(np.sum(weights)) ** 2 / squares if squares > 0 else 0.0


def balanced(weight: Floats, label: NDArray[np.int32]) -> Floats:
    """Scale each class to a sum of n / 2, so that the mean weight is one."""
    result = np.array(weight, dtype=np.float64)
    for value in (0, 1):
        chosen = label == value
        total = result[chosen].sum()
        if chosen.any() and total > 0:
            result[chosen] *= len(label) / 2 / total
    return result


def event_table(sample: Sample, settings: DataSettings, seed: int, train: TrainSettings | None = None) -> EventTable:
    """Build the table from a census: its weights, splits, and shuffled labels if asked for.

    Args:
        sample, settings, seed, train: see `mscat_tf.data.census.Census`.

    Raises:
        InputError: a class is missing, or the file's label contradicts its process.
    """
    census = Census(sample, settings, seed, train)
    parts, identifiers = [], []
    for run in sample.runs:
        arrays = sample.read(run, tuple(dict.fromkeys((*census.columns, "event_id"))))
        parts.append(census.describe(run, arrays))
        identifiers.append((arrays["event_id"], arrays["group_id"]))
    columns = ("label", "process", "split", "weight_fb", "weight")
    event_id, group_id = (np.concatenate(column) for column in zip(*identifiers, strict=True))
    return EventTable(
        processes=census.processes,
        process_labels=census.process_labels,
        event_id=event_id,
        group_id=group_id,
        census=census,
        **{name: np.concatenate([getattr(part, name) for part in parts]) for name in columns},
    )
