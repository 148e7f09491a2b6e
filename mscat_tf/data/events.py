"""What is known of every event besides its tokens: label, process, weights, split. About 50 bytes an event."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mscat_tf.config import DataSettings
from mscat_tf.data.sample import Sample
from mscat_tf.data.splits import SPLITS, assign_splits
from mscat_tf.errors import InputError

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class EventTable:
    """Columns of length n, in the order of the sample's rows.

    Attributes:
        label: 1 signal, 0 background. process: index into `processes`.
        event_id, group_id: see the schema. split: index into `SPLITS`.
        weight_fb: expected events per 1/fb, generator x tag x cross-section.
        weight: for loss and AUC: as `weight_fb`, each class scaled to a sum of n / 2.
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

    def __len__(self) -> int:
        return len(self.label)

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


def fb_per_weight(sample: Sample) -> Floats:
    """`(processes,)` cross-section over the summed generator weights [fb], 0 for a process without events.

    Generator weight x tag weight x this is what an event adds to the expected number at 1/fb.
    """
    per_process = np.zeros(len(sample.header.processes))
    for name, norm in sample.normalisation.items():
        per_process[sample.header.processes.index(name)] = norm.cross_section_fb / norm.sum_of_weights
    return per_process


def event_table(sample: Sample, settings: DataSettings, seed: int) -> EventTable:
    """Build the table: fb weights over all files, class balance, splits, and shuffled labels if asked for.

    Raises:
        InputError: a class is missing or has no weight, or the file's label contradicts its process.
    """
    label, process = sample.column("label"), sample.column("process")
    weights = sample.column("weights").astype(np.float64)
    group_id = sample.column("group_id")
    _check_labels(sample, label, process)
    weight_fb = weights.prod(axis=1) * fb_per_weight(sample)[process]
    weight = balanced(weight_fb, label)
    if settings.shuffle_labels:
        label = np.random.default_rng((seed, 0x5AFE)).permutation(label)
        weight = balanced(weight, label)
    return EventTable(
        processes=sample.header.processes,
        process_labels=sample.header.labels,
        label=label,
        process=process,
        event_id=sample.column("event_id"),
        group_id=group_id,
        split=assign_splits(group_id, settings.train_fraction, settings.validation_fraction),
        weight_fb=weight_fb,
        weight=weight,
    )


def _check_labels(sample: Sample, label: NDArray[np.int32], process: NDArray[np.int32]) -> None:
    if len(process) and (process.min() < 0 or process.max() >= len(sample.header.processes)):
        raise InputError(f"{sample.path}: 'process' points outside the attribute 'processes'; make the files again")
    wanted = np.asarray(sample.header.labels)[process]
    if not np.array_equal(wanted, label):
        raise InputError(f"{sample.path}: 'label' contradicts the labels of the processes; make the files again")
    for value, name in ((1, "signal"), (0, "background")):
        if not (label == value).any():
            raise InputError(f"{sample.path}: no {name} event; a classifier needs both, add a process of that label")
