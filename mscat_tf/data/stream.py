"""Batches of one split, out of core: the same for any number of workers and replicas, and from any step on."""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mscat_tf.config import DataSettings
from mscat_tf.config.training import TrainSettings
from mscat_tf.data.census import Census
from mscat_tf.data.features import data_sets, model_inputs
from mscat_tf.data.order import EventOrder, Floats
from mscat_tf.data.sample import Arrays, Sample
from mscat_tf.data.splits import SPLITS
from mscat_tf.data.symmetries import draw_symmetries, transformed
from mscat_tf.data.windows import Part, WindowReader
from mscat_tf.errors import ConfigError, InputError, MscatError

if TYPE_CHECKING:
    import tensorflow as tf

Element = tuple[Arrays, NDArray[np.float32], NDArray[np.float32], NDArray[np.int64]]
_SYMMETRIES = 7


class EventStream:
    """Batches of a split as what each replica takes: `(inputs, label, share, row)`.

    inputs by name; label, share `(b,)` float32; row `(b,)` int64, of the sample. The share is the event's weight over
    the number of events of the global batch, so that the sum of share x loss over all replicas is the weighted mean.
    A batch at the end of a pass (of its length class) is filled up: there the row is -1, the share 0, all masks False,
    and the other inputs those of a real event.

    Args:
        sample, census, settings: what is read; the census must be made with the same `train`.
        split: `train`, `validation` or `test`. input_names: of the model; nothing else is read.
        batch_size: events of a global batch, over all workers and replicas.
        shuffle_seed: the order depends on it and on the pass; None keeps the order of the sample.
        train: its `sampling`, `lanes`, `length_buckets` and `symmetries` are followed; None means none of them.

    Attributes:
        steps: batches of a pass. pass_events: events of a pass, copies counted.
        error: the last error in the background that a user can mend; TensorFlow hands on its text only.

    Raises:
        ConfigError: batch, lanes or sampling do not fit each other or the sample.
        InputError: the split holds no event.
        ValueError: the census was made with other `length_buckets`.
    """

    def __init__(
        self,
        sample: Sample,
        census: Census,
        settings: DataSettings,
        split: str,
        input_names: tuple[str, ...],
        batch_size: int,
        shuffle_seed: int | None = None,
        train: TrainSettings | None = None,
    ) -> None:
        self.sample, self.settings, self.input_names, self.batch_size = sample, settings, input_names, batch_size
        self.error: MscatError | None = None
        index = SPLITS.index(split)
        if not census.events[index].any():
            raise InputError(f"{sample.path}: the {split} split holds no event; generate more events")
        counts = census.counts[:, index]
        if train is not None and counts.shape[-1] != train.length_buckets:
            raise ValueError("the census was made with other length_buckets")
        if train is None or train.length_buckets == 1:
            counts = counts.sum(axis=-1, dtype=np.int64, keepdims=True)
        classes = counts.shape[-1]
        self._edges = census.length_edges if classes > 1 else census.length_edges[-1:]
        copies = process_copies(census, index, train.sampling if train else "natural")
        self._order = EventOrder(
            counts.reshape(len(counts), -1).astype(np.int64),
            sample.blocks.shards,
            np.tile(np.arange(classes), len(census.processes)),
            np.repeat(copies, classes),
            batch_size,
            train.lanes if train else 1,
            shuffle_seed,
        )
        variables = settings.high_level_features
        self._reader = WindowReader(sample, census, index, data_sets(input_names), self._order, variables)
        self._symmetries = train is not None and train.symmetries
        self.steps, self.pass_events = self._order.steps, int(self._order.events.sum())

    @property
    def tokens(self) -> int | None:
        """Constituents of each jet in a batch; None where it differs from batch to batch."""
        return None if len(self._edges) > 1 else int(self._edges[-1])

    def batches(
        self, start: int = 0, worker: int = 0, workers: int = 1, replicas: int = 1, endless: bool = False
    ) -> Iterator[Element]:
        """Elements of `batch_size / (workers x replicas)` events; `replicas` in a row are this worker's step.

        Args:
            start: step to begin with, counted over all passes. worker, workers: of the processes, this one.
            replicas: of each process. endless: pass after pass, each in its own order; else to the end of this pass.

        Raises:
            ConfigError: the batch or the lanes cannot be dealt to so many.
            InputError, SchemaError: an event cannot be used or read.
        """
        lanes, share = self.place(worker, workers, replicas)
        size = self.batch_size // (workers * replicas)
        with ThreadPoolExecutor(1, thread_name_prefix="mscat-read") as background:
            sources = [self._reader.parts(lane, start, endless, background) for lane in lanes]
            for parts in zip(*sources, strict=True):
                whole = self._gather(parts, lanes, share)
                for first in range(0, size * replicas, size):
                    yield _rows(whole, slice(first, first + size))

    def dataset(
        self, start: int = 0, context: "tf.distribute.InputContext | None" = None, endless: bool = False
    ) -> "tf.data.Dataset":
        """The same elements as a tf.data data set, which prefetches; of the worker and replicas that `context` names.

        Errors inside come out as TensorFlow's: use it within `own_errors`.

        Raises:
            ConfigError: the batch or the lanes cannot be dealt to so many.
        """
        from mscat_tf.data.pipeline import stream_dataset

        return stream_dataset(self, start, context, endless)

    @contextmanager
    def own_errors(self) -> Iterator[None]:
        """Raise our own error in place of the one that TensorFlow makes of it."""
        try:
            yield
        except Exception as error:
            if self.error is not None and not isinstance(error, MscatError):
                raise self.error from None
            raise

    def place(self, worker: int, workers: int, replicas: int) -> tuple[range, slice]:
        """Lanes of a worker, and its share of each lane's part of a batch; see `batches`.

        Raises:
            ConfigError: the batch or the lanes cannot be dealt to so many.
        """
        if self.batch_size % (workers * replicas):
            raise ConfigError(
                f"a batch of {self.batch_size} events cannot be dealt evenly to {workers * replicas} devices; set "
                f"train.batch_size to a multiple of {workers * replicas}"
            )
        lanes, size = self._order.lanes, self._order.piece
        if lanes == 1:
            size //= workers
            return range(1), slice(worker * size, (worker + 1) * size)
        if lanes % workers:
            raise ConfigError(
                f"train.lanes = {lanes} cannot be dealt evenly to {workers} worker processes; set it to {workers}, a "
                "multiple of it, or 1"
            )
        lanes //= workers
        return range(worker * lanes, (worker + 1) * lanes), slice(0, size)

    def _gather(self, parts: tuple[Part, ...], lanes: range, share: slice) -> Element:
        """Look up the events of one step of this worker."""
        number, step = parts[0].number, parts[0].step
        real = parts[0].real if self._order.lanes == 1 else self._order.real_events(step)
        columns = _looked_up([(part.window.columns, part.places[share]) for part in parts])
        padding = np.concatenate([np.arange(len(part.places))[share] >= part.real for part in parts])
        found = model_inputs(columns, self.settings)
        inputs = {name: self._cut(name, found[name], parts[0].length_class) for name in self.input_names}
        if self._symmetries:
            size, seed = self._order.piece, self._order.seed or 0
            rngs = [np.random.default_rng((seed, number, step, lane, _SYMMETRIES)) for lane in lanes]
            drawn = [[values[share] for values in draw_symmetries(size, rng)] for rng in rngs]
            inputs = transformed(inputs, self.settings, *map(np.concatenate, zip(*drawn, strict=True)))
        if padding.any():
            for name in (name for name in inputs if "mask" in name):
                inputs[name] = inputs[name] & ~padding[:, np.newaxis]
        weight = np.where(padding, 0.0, columns["weight"] / real).astype("f4")
        return inputs, columns["label"], weight, np.where(padding, -1, columns["row"])

    def _cut(self, name: str, array: NDArray[Any], length_class: int) -> NDArray[Any]:
        """Constituents and their masks, to the length of their class."""
        if len(self._edges) > 1 and name.startswith(("constituents_", "mask_")):
            return array[:, : self._edges[length_class]]
        return array


def process_copies(census: Census, split: int, sampling: str | Mapping[str, float]) -> Floats:
    """Times that an event of each process comes in a pass on average, `(processes,)`; a pass keeps its length.

    Args:
        census: numbers of events. split: index into `SPLITS`. sampling: see `TrainSettings.sampling`.

    Raises:
        ConfigError: shares are given for other processes than those of the sample.
    """
    events = census.events[split].astype(np.float64)
    if sampling == "natural":
        return np.ones(len(events))
    if isinstance(sampling, Mapping):
        if set(sampling) != set(census.processes):
            raise ConfigError(
                f"train.sampling gives shares of {', '.join(sorted(sampling))}, but the sample holds "
                f"{', '.join(census.processes)}; give one for each"
            )
        wanted = np.array([sampling[name] for name in census.processes])
    else:
        labels = np.asarray(census.process_labels)
        present = [np.count_nonzero((labels == label) & (events > 0)) for label in labels]
        wanted = 1.0 / np.maximum(present, 1)
    wanted = np.where(events > 0, wanted, 0.0)
    return np.where(events > 0, wanted / wanted.sum() * events.sum() / np.maximum(events, 1.0), 1.0)


def _looked_up(parts: list[tuple[Arrays, NDArray[np.int64]]]) -> Arrays:
    """These places of the columns of each part, one part after the other."""
    size = sum(len(places) for _, places in parts)
    found = {name: np.empty((size, *array.shape[1:]), array.dtype) for name, array in parts[0][0].items()}
    first = 0
    for columns, places in parts:
        for name, array in columns.items():
            np.take(array, places, axis=0, out=found[name][first : first + len(places)], mode="clip")
        first += len(places)
    return found


def _rows(element: Element, part: slice) -> Element:
    inputs, label, share, row = element
    return {name: array[part] for name, array in inputs.items()}, label[part], share[part], row[part]
