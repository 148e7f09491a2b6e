"""The test events that are explained, read in batches from any batch on: memory does not grow with their number."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mscat_tf.data import EventTable
from mscat_tf.data.blocks import Block
from mscat_tf.data.features import CONSTITUENTS, data_sets, model_inputs, with_event_columns
from mscat_tf.data.sample import Sample
from mscat_tf.errors import InputError
from mscat_tf.interpretation.attention_truth import distances
from mscat_tf.interpretation.part import Arrays, Batch, Context
from mscat_tf.schema import CONSTITUENT_COLUMNS

Logits = Callable[[Mapping[str, NDArray[Any]]], NDArray[np.float32]]
TRUTH, B_HADRONS, B_DISTANCE = "truth/", "truth/b_hadrons", "truth/b_distance"


def chosen_rows(table: EventTable, most: int, seed: int) -> NDArray[np.int64]:
    """Rows of at most `most` test events of each process, drawn at random, increasing.

    At random, because the first ones of a sample may be those of one mass.

    Raises:
        InputError: the test split holds no events, or none of signal.
    """
    rows = table.rows("test")
    if not len(rows):
        raise InputError("the test split holds no events to explain; generate more events, or read another sample")
    if not (table.label[rows] == 1).any():
        raise InputError(
            "the test split holds no signal events, so there is no decision to explain; generate more signal, or read "
            "another sample"
        )
    rng = np.random.default_rng((seed, 0xE9A1))
    found = [rng.permutation(rows[table.process[rows] == index])[:most] for index in range(len(table.processes))]
    return np.sort(np.concatenate(found))


class EventBatches:
    """Batches of chosen events.

    Args:
        sample, table: of the run. rows: increasing; see `chosen_rows`. batch_size: events at a time.
        context: which columns the network reads, and what is right.
        logits: of inputs by name, `(n,)`.
    """

    def __init__(
        self,
        sample: Sample,
        table: EventTable,
        rows: NDArray[np.int64],
        batch_size: int,
        context: Context,
        logits: Logits,
        input_names: tuple[str, ...],
    ) -> None:
        self.sample, self.table, self.rows, self.batch_size = sample, table, rows, batch_size
        self.context, self.logits = context, logits
        truth = [name for name in sample.header.optional if name.startswith(TRUTH) and sample.has(name)]
        known = data_sets((*input_names, "constituents_1"))
        self._read_names = tuple(dict.fromkeys((*known, *truth, *table.census.columns)))
        self._data_sets, self._truth = known, tuple(truth)
        self._all_columns = context.data.model_copy(update={"constituent_features": CONSTITUENT_COLUMNS})

    def __call__(self, start: int = 0) -> Iterator[Batch]:
        """Batches from number `start` on."""
        waiting: list[Arrays] = []
        for arrays in self._blocks(start * self.batch_size):
            waiting.append(arrays)
            while sum(len(part["row"]) for part in waiting) >= self.batch_size:
                together = _joined(waiting)
                yield self._batch({name: values[: self.batch_size] for name, values in together.items()})
                waiting = [{name: values[self.batch_size :] for name, values in together.items()}]
        if waiting and len(waiting[0]["row"]):
            yield self._batch(_joined(waiting))

    def _blocks(self, first: int) -> Iterator[Arrays]:
        """Data sets of the chosen events of each block, from chosen event `first` on."""
        rows = self.rows[first:]
        for block in self.sample.blocks:
            begin, end = np.searchsorted(rows, [block.first_row, block.first_row + block.stop - block.start])
            if begin == end:
                continue
            chosen = rows[begin:end] - block.first_row
            arrays = self.sample.read(block, self._read_names, self.context.data.high_level_features)
            columns = self.table.census.describe(block, arrays).event_columns
            found = {name: arrays[name][chosen] for name in (*self._data_sets, *self._truth)}
            if columns is not None:
                found = with_event_columns(found, columns[chosen])
            if B_HADRONS in self._truth:
                found[B_DISTANCE] = self._distances(block, arrays)[chosen]
            yield found | {"row": rows[begin:end]}

    def _distances(self, block: Block, arrays: Arrays) -> NDArray[np.float32]:
        raw, counts = self.sample.read_raw(block)
        return distances(raw, counts, arrays[B_HADRONS], arrays["constituents"], arrays["constituents_mask"])

    def _batch(self, arrays: Arrays) -> Batch:
        row = arrays["row"]
        truth = {name.removeprefix(TRUTH): values for name, values in arrays.items() if name.startswith(TRUTH)}
        named = {name: arrays[name] for name in self._data_sets}
        every = model_inputs({name: named[name] for name in CONSTITUENTS}, self._all_columns)
        inputs = model_inputs(named, self.context.data)
        logit, label = self.logits(inputs), self.table.label[row]
        return Batch(
            inputs=inputs,
            process=self.table.process[row],
            label=label,
            weight=self.table.weight_fb[row],
            row=row,
            logit=logit,
            right=self.context.accepted_rightly(logit, label),
            places=constituent_places(every, CONSTITUENT_COLUMNS),
            truth=truth,
        )


def constituent_places(inputs: Mapping[str, NDArray[Any]], columns: tuple[str, ...]) -> Arrays:
    """`jet_j/eta|phi|pt|mask` of inputs `constituents_j` with these columns and `mask_j`, as in `Batch.places`."""
    found: Arrays = {}
    jets = sorted(int(name.removeprefix("mask_")) for name in inputs if name.startswith("mask_"))
    for jet in jets:
        mask, cloud = inputs[f"mask_{jet}"], inputs[f"constituents_{jet}"]
        found[f"jet_{jet}/mask"] = mask
        for name in (name for name in ("eta", "phi", "pt") if name in columns):
            found[f"jet_{jet}/{name}"] = np.where(mask, cloud[..., columns.index(name)], np.float32(0))
    return found


def _joined(parts: list[Arrays]) -> Arrays:
    if len(parts) == 1:
        return parts[0]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
