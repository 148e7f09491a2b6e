"""What the events of a sample count together: numbers and weights of every split and process, block by block.

One pass over the small columns; of an event nothing is kept, of a block of 256 two bytes for each split and process.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mscat_tf import schema
from mscat_tf.config import DataSettings
from mscat_tf.config.training import TrainSettings
from mscat_tf.data.blocks import Block
from mscat_tf.data.lengths import class_edges, length_class, longest_jet
from mscat_tf.data.sample import Arrays, Sample
from mscat_tf.data.splits import SPLITS, assign_splits
from mscat_tf.errors import InputError

Floats = NDArray[np.float64]
SMALL_COLUMNS = ("process", "weights", "group_id")


@dataclass(frozen=True)
class BlockEvents:
    """Columns of length n, of neighbouring events.

    Attributes:
        label: 1 signal, 0 background, permuted over the sample if `data.shuffle_labels`. process: index.
        split: index into `SPLITS`.
        weight_fb: expected events per 1/fb, generator x tag x cross-section.
        weight: of the event in a loss, see `Census`.
    """

    label: NDArray[np.int32]
    process: NDArray[np.int32]
    split: NDArray[np.int8]
    weight_fb: Floats
    weight: Floats


class Census:
    """Numbers and weights of the events of a sample, from one pass over it.

    The weight of an event in a loss is `weight_fb x process factor x class factor`. With `class_weights: balanced` each
    class sums to n / 2 over all splits, else all events sum to n; the mean weight is one in both cases. With
    `event_weights: false` every event of a process has the mean weight of that process, so that processes keep their
    cross-sections.

    Args:
        sample, settings: what is counted. seed: of `settings.shuffle_labels`, which alone keeps a byte for each event.
        train: whose `class_weights`, `event_weights` and `length_buckets` count; None means the defaults.

    Attributes:
        counts: `(blocks, splits, processes, length classes)` events, in the order of `sample.blocks`.
        events: `(splits, processes)`. sum_of_weights, sum_of_squares: of `weight_fb`, likewise [fb], [fb^2].

    Raises:
        InputError: a class is missing, or the file's label contradicts its process.
        SchemaError: a file is damaged.
    """

    def __init__(self, sample: Sample, settings: DataSettings, seed: int, train: TrainSettings | None = None) -> None:
        train = train or TrainSettings()
        self.processes, self.process_labels = sample.header.processes, sample.header.labels
        self._path, self._settings, self._event_weights = sample.path, settings, train.event_weights
        self._fb_per_weight = fb_per_weight(sample)
        constituents = min(sample.header.constituents, settings.max_constituents or sample.header.constituents)
        self.length_edges = class_edges(constituents, train.length_buckets)
        shape = len(SPLITS), len(self.processes)
        self.counts = np.zeros((len(sample.blocks), *shape, train.length_buckets), np.uint16)
        self.sum_of_weights, self.sum_of_squares = np.zeros(shape), np.zeros(shape)
        self._process_factor, self._class_factor = np.ones(len(self.processes)), np.ones(2)
        self._shuffled: NDArray[np.int8] | None = None
        first = 0
        for run in sample.runs:
            first += self._count(sample, first, run)
        self.events = self.counts.sum(axis=(0, 3), dtype=np.int64)
        labels = np.asarray(self.process_labels)
        self.events_of_class = np.stack([self.events[:, labels == value].sum(axis=1) for value in (0, 1)], axis=1)
        self._need_classes()
        self._set_factors(train.class_weights == "balanced")
        if settings.shuffle_labels:
            self._shuffle(sample, seed, train.class_weights == "balanced")

    def __len__(self) -> int:
        return int(self.events.sum())

    def describe(self, block: Block, arrays: Arrays) -> BlockEvents:
        """Label, process, split and weights of the events of a block.

        Args:
            block: where they are, of any length. arrays: `SMALL_COLUMNS` of it.
        """
        process = arrays["process"]
        label = np.asarray(self.process_labels, np.int32)[process]
        if self._shuffled is not None:
            label = self._shuffled[block.first_row : block.first_row + len(process)].astype(np.int32)
        weight_fb = arrays["weights"].astype(np.float64).prod(axis=1) * self._fb_per_weight[process]
        plain = weight_fb if self._event_weights else np.ones(len(process))
        weight = plain * self._process_factor[process] * self._class_factor[label]
        split = assign_splits(arrays["group_id"], self._settings.train_fraction, self._settings.validation_fraction)
        return BlockEvents(label, process, split, weight_fb, weight)

    def split_counts(self) -> dict[str, Any]:
        """Events and effective events (`events.effective_events`) of every process in every split."""
        squares = np.where(self.sum_of_squares > 0, self.sum_of_squares, 1.0)
        effective = np.where(self.sum_of_squares > 0, self.sum_of_weights**2 / squares, 0.0)
        return {
            split: {
                name: {"events": int(self.events[row, index]), "effective_events": float(effective[row, index])}
                for index, name in enumerate(self.processes)
            }
            for row, split in enumerate(SPLITS)
        }

    def need_both_classes(self) -> None:
        """Raise InputError unless every split holds signal and background."""
        for split, numbers in zip(SPLITS, self.events_of_class, strict=True):
            if not numbers.all():
                raise InputError(f"{self._path}: the {split} split does not hold both classes; generate more events")

    def _count(self, sample: Sample, first: int, run: Block) -> int:
        """Add a run of blocks, the first of which has this number; return how many it has."""
        buckets = self.counts.shape[-1]
        arrays = sample.read(run, ("label", *SMALL_COLUMNS, *(("constituents_mask",) if buckets > 1 else ())))
        self._check(arrays["label"], arrays["process"])
        events = self.describe(run, arrays)
        for total, power in ((self.sum_of_weights, 1), (self.sum_of_squares, 2)):
            np.add.at(total, (events.split, events.process), events.weight_fb**power)
        number = first + np.arange(len(events.label)) // schema.CHUNK_EVENTS
        lengths = np.zeros(len(number), np.int64)
        if buckets > 1:
            lengths = longest_jet(arrays["constituents_mask"][..., : self.length_edges[-1]])
        np.add.at(self.counts, (number, events.split, events.process, length_class(lengths, self.length_edges)), 1)
        return int(number[-1]) + 1 - first

    def _check(self, label: NDArray[np.int32], process: NDArray[np.int32]) -> None:
        if len(process) and (process.min() < 0 or process.max() >= len(self.processes)):
            raise InputError(f"{self._path}: 'process' points outside the attribute 'processes'; make the files again")
        if not np.array_equal(np.asarray(self.process_labels)[process], label):
            raise InputError(f"{self._path}: 'label' contradicts the labels of the processes; make the files again")

    def _need_classes(self) -> None:
        for value, name in ((1, "signal"), (0, "background")):
            if not self.events_of_class[:, value].any():
                raise InputError(f"{self._path}: no {name} event; a classifier needs both, add a process of that label")

    def _set_factors(self, balanced: bool) -> None:
        """Mean weights of the processes where events have none of their own, then the sums of the classes."""
        events, weights = self.events.sum(axis=0), self.sum_of_weights.sum(axis=0)
        if not self._event_weights:
            self._process_factor = weights / np.maximum(events, 1)
        labels = np.asarray(self.process_labels)
        sums = np.array([weights[labels == value].sum() for value in (0, 1)])
        self._class_factor = _class_factors(sums, len(self), balanced)

    def _shuffle(self, sample: Sample, seed: int, balanced: bool) -> None:
        """Permute the labels over all events, and bring the sums of the classes to where they were."""
        labels = sample.column("label").astype(np.int8)
        self._process_factor = self._process_factor * self._class_factor[np.asarray(self.process_labels)]
        self._class_factor = np.ones(2)
        self._shuffled = np.random.default_rng((seed, 0x5AFE)).permutation(labels)
        sums, self.events_of_class = np.zeros(2), np.zeros((len(SPLITS), 2), np.int64)
        for run in sample.runs:
            events = self.describe(run, sample.read(run, SMALL_COLUMNS))
            np.add.at(sums, events.label, events.weight)
            np.add.at(self.events_of_class, (events.split, events.label), 1)
        self._class_factor = _class_factors(sums, len(self), balanced)


def fb_per_weight(sample: Sample) -> Floats:
    """`(processes,)` cross-section over the summed generator weights [fb], 0 for a process without events.

    Generator weight x tag weight x this is what an event adds to the expected number at 1/fb.
    """
    per_process = np.zeros(len(sample.header.processes))
    for name, norm in sample.normalisation.items():
        per_process[sample.header.processes.index(name)] = norm.cross_section_fb / norm.sum_of_weights
    return per_process


def _class_factors(sums: Floats, events: int, balanced: bool) -> Floats:
    """Factors `(2,)` that bring each of two sums of weights to n / 2, or both together to n; 1 where nothing sums."""
    wanted, present = (events / 2, sums) if balanced else (float(events), np.full(2, sums.sum()))
    return np.where(present > 0, wanted / np.where(present > 0, present, 1.0), 1.0)
