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
from mscat_tf.data.choice import TRAIN, EventChoice, MassBalance, MassDeal
from mscat_tf.data.lengths import class_edges, length_class, longest_jet
from mscat_tf.data.sample import Arrays, Sample
from mscat_tf.data.splits import OTHER_MASS, SPARE, SPLITS
from mscat_tf.errors import InputError
from mscat_tf.schema import KNOWN_LOGIT, MASS

Floats = NDArray[np.float64]
_TRAINED, _OTHERS = 0, 1
"""Kinds of events with factors of their own: those of the training split, and all others."""


@dataclass(frozen=True)
class BlockEvents:
    """Columns of length n, of neighbouring events.

    Attributes:
        label: 1 signal, 0 background, permuted over the sample if `data.shuffle_labels`. process: index.
        split: index into `SPLITS`; larger numbers for events of no split, see `EventChoice`.
        weight_fb: expected events per 1/fb, generator x tag x cross-section.
        weight: of the event in a loss, see `Census`.
        event_columns: `(n, columns)` of `features.of_whole_events`, where `data.kinematic_features` has any, else None.
    """

    label: NDArray[np.int32]
    process: NDArray[np.int32]
    split: NDArray[np.int8]
    weight_fb: Floats
    weight: Floats
    event_columns: NDArray[np.float32] | None = None


class Census:
    """Numbers and weights of the events of a sample, from one pass over it.

    The weight of an event in a loss is `weight_fb x process factor x class factor`. With `class_weights: balanced` each
    class sums to n / 2 over all splits, else all events sum to n; the mean weight is one in both cases. `masses` shares
    the sum of the signal equally among its masses. With
    `event_weights: false` every event of a process has the mean weight of that process, so that processes keep their
    cross-sections. Where `data.train_events` limits the training split, its events have factors of their own, made of
    them alone; the other events keep theirs.

    Args:
        sample, settings: what is counted. seed: of the choice of `train_events`, of the masses dealt to background and,
            unless `label_seed` is set, of `settings.shuffle_labels`, which alone keeps a byte for each event.
        train: whose `class_weights`, `event_weights` and `length_buckets` count; None means the defaults.

    Attributes:
        columns: data sets of a file that `describe` needs.
        counts: `(blocks, splits, processes, length classes)` events, in the order of `sample.blocks`.
        events: `(splits + 1, processes)`; the last row is what `data.train_events` leaves out of the training split.
        sum_of_weights, sum_of_squares: of `weight_fb`, likewise [fb], [fb^2].

    Raises:
        InputError: a class is missing, the file's label contradicts its process, or the sample lacks what `settings`
            ask for.
        SchemaError: a file is damaged.
    """

    def __init__(self, sample: Sample, settings: DataSettings, seed: int, train: TrainSettings | None = None) -> None:
        train = train or TrainSettings()
        self.processes, self.process_labels = sample.header.processes, sample.header.labels
        self._path, self._settings, self._event_weights = sample.path, settings, train.event_weights
        self._balanced = train.class_weights != "natural"
        self._fb_per_weight = fb_per_weight(sample)
        self._choice = EventChoice(sample, settings, seed)
        self._mass_balance: MassBalance | None = None
        self._deal: MassDeal | None = None
        self._known: tuple[str, ...] = ()
        constituents = min(sample.header.constituents, settings.max_constituents or sample.header.constituents)
        self.length_edges = class_edges(constituents, train.length_buckets)
        shape = len(SPLITS) + 1, len(self.processes)
        self.counts = np.zeros((len(sample.blocks), len(SPLITS), shape[1], train.length_buckets), np.uint16)
        self.events = np.zeros(shape, np.int64)
        self.sum_of_weights, self.sum_of_squares = np.zeros(shape), np.zeros(shape)
        self._process_factor, self._class_factor = np.ones((2, shape[1])), np.ones((2, 2))
        self._shuffled: NDArray[np.int8] | None = None
        first = 0
        for run in sample.runs:
            first += self._count(sample, first, run)
        labels = np.asarray(self.process_labels)
        by_class = [self.events[: len(SPLITS), labels == value].sum(axis=1) for value in (0, 1)]
        self.events_of_class = np.stack(by_class, axis=1)
        self._need_classes()
        self._set_factors()
        if settings.shuffle_labels:
            self._shuffle(sample, seed if settings.label_seed is None else settings.label_seed)
        if train.class_weights == "masses":
            self._mass_balance = MassBalance(*self._masses(sample, "train.class_weights"))
        if KNOWN_LOGIT in settings.kinematic_features:
            sample.need(KNOWN_LOGIT, "data.kinematic_features asks for", "set data.preparation.known.scores=FILE")
            self._known = (KNOWN_LOGIT,)
        if MASS in settings.kinematic_features:
            self._deal = MassDeal(*self._masses(sample, "data.kinematic_features"), seed)

    @property
    def columns(self) -> tuple[str, ...]:
        """See the class."""
        mass = (MASS,) if self._mass_balance else ()
        dealt = self._deal.columns if self._deal else ()
        return tuple(dict.fromkeys((*self._choice.columns, *mass, *dealt, *self._known)))

    def __len__(self) -> int:
        return int(self.events.sum())

    def describe(self, block: Block, arrays: Arrays) -> BlockEvents:
        """Label, process, split and weights of the events of a block.

        Args:
            block: where they are, of any length. arrays: `columns` of it.
        """
        process = arrays["process"]
        own_label = label = np.asarray(self.process_labels, np.int32)[process]
        if self._shuffled is not None:
            label = self._shuffled[block.first_row : block.first_row + len(process)].astype(np.int32)
        split = self._choice.splits(arrays)
        weight_fb = arrays["weights"].astype(np.float64).prod(axis=1) * self._fb_per_weight[process]
        plain = weight_fb if self._event_weights else np.ones(len(process))
        kind = np.where(split == TRAIN, _TRAINED, _OTHERS)
        weight = plain * self._process_factor[kind, process] * self._class_factor[kind, label]
        if self._mass_balance:
            weight = weight * self._mass_balance.factors(arrays, own_label == 1)
        columns = [self._deal.masses(arrays, own_label == 1)] if self._deal else []
        columns += [arrays[name] for name in self._known]
        return BlockEvents(label, process, split, weight_fb, weight, np.stack(columns, axis=1) if columns else None)

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
                asked, advice = "", "generate more events"
                if split == SPLITS[TRAIN] and self._settings.train_events is not None:
                    asked, advice = f" with data.train_events = {self._settings.train_events}", "raise it"
                raise InputError(f"{self._path}: the {split} split{asked} does not hold both classes; {advice}")

    def _count(self, sample: Sample, first: int, run: Block) -> int:
        """Add a run of blocks, the first of which has this number; return how many it has."""
        buckets = self.counts.shape[-1]
        arrays = sample.read(run, ("label", *self.columns, *(("constituents_mask",) if buckets > 1 else ())))
        self._check(arrays["label"], arrays["process"])
        events = self.describe(run, arrays)
        used, here = events.split != OTHER_MASS, events.split < SPARE
        place = events.split[used], events.process[used]
        for total, power in ((self.events, 0), (self.sum_of_weights, 1), (self.sum_of_squares, 2)):
            np.add.at(total, place, (events.weight_fb[used] ** power).astype(total.dtype))
        number = first + np.arange(len(events.label)) // schema.CHUNK_EVENTS
        lengths = np.zeros(len(number), np.int64)
        if buckets > 1:
            lengths = longest_jet(arrays["constituents_mask"][..., : self.length_edges[-1]])
        found = number, events.split, events.process, length_class(lengths, self.length_edges)
        np.add.at(self.counts, tuple(column[here] for column in found), 1)
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

    def _rows(self, kind: int) -> slice:
        """Rows of `events` whose sums make the factors of the events of this kind."""
        alone = kind == _TRAINED and self._settings.train_events is not None
        return slice(TRAIN, TRAIN + 1) if alone else slice(None)

    def _set_factors(self) -> None:
        """Mean weights of the processes where events have none of their own, then the sums of the classes."""
        labels = np.asarray(self.process_labels)
        for kind in (_TRAINED, _OTHERS):
            events, weights = (sums[self._rows(kind)].sum(axis=0) for sums in (self.events, self.sum_of_weights))
            if not self._event_weights:
                self._process_factor[kind] = weights / np.maximum(events, 1)
            sums = np.array([weights[labels == value].sum() for value in (0, 1)])
            self._class_factor[kind] = _class_factors(sums, int(events.sum()), self._balanced)

    def _shuffle(self, sample: Sample, seed: int) -> None:
        """Permute the labels over all events, and bring the sums of the classes to where they were."""
        labels = sample.column("label").astype(np.int8)
        self._process_factor = self._process_factor * self._class_factor[:, np.asarray(self.process_labels)]
        self._class_factor = np.ones((2, 2))
        self._shuffled = np.random.default_rng((seed, 0x5AFE)).permutation(labels)
        sums, numbers = np.zeros((len(SPLITS) + 1, 2)), np.zeros((len(SPLITS) + 1, 2), np.int64)
        for run in sample.runs:
            events = self.describe(run, sample.read(run, self.columns))
            used = events.split != OTHER_MASS
            place = events.split[used], events.label[used]
            np.add.at(numbers, place, 1)
            np.add.at(sums, place, events.weight[used])
        self.events_of_class = numbers[: len(SPLITS)]
        for kind in (_TRAINED, _OTHERS):
            rows = self._rows(kind)
            number = int(self.events[rows].sum())
            self._class_factor[kind] = _class_factors(sums[rows].sum(axis=0), number, self._balanced)

    def _masses(self, sample: Sample, setting: str) -> tuple[Floats, Floats]:
        """Masses of the signal in the training split, rising, with the sums of their weights, for this setting."""
        sample.need(MASS, f"{setting} asks for", f"make it again, or change {setting}")
        found: dict[float, float] = {}
        signal = np.asarray(self.process_labels) == 1
        for run in sample.runs:
            arrays = sample.read(run, tuple(dict.fromkeys((*self.columns, MASS))))
            events = self.describe(run, arrays)
            chosen = (events.split == TRAIN) & signal[events.process]
            masses, place = np.unique(arrays[MASS][chosen], return_inverse=True)
            sums = np.bincount(place, events.weight[chosen], len(masses))
            for mass, weight in zip(masses.tolist(), sums.tolist(), strict=True):
                found[mass] = found.get(mass, 0.0) + weight
        if not found:
            self.need_both_classes()
        if not np.isfinite(list(found)).all():
            raise InputError(f"{self._path}: some signal has no 'm_H', which {setting} asks for; change {setting}")
        masses = np.array(sorted(found))
        return masses, np.array([found[mass] for mass in masses])


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
