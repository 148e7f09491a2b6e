"""Scores of any sample, batch by batch: memory does not grow with the number of events."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mscat_tf.config import DataSettings
from mscat_tf.data import Sample
from mscat_tf.data.blocks import Blocks
from mscat_tf.data.census import fb_per_weight
from mscat_tf.data.splits import SPLITS, assign_splits
from mscat_tf.errors import InputError
from mscat_tf.inference.score_files import check_ending, score_file
from mscat_tf.inference.scorer import Scorer, score_of
from mscat_tf.provenance import library_versions
from mscat_tf.schema import WEIGHT_COLUMNS

Arrays = dict[str, NDArray[Any]]

READ_EVENTS = 4096
"""Events that are read at once, at least: 7 MB of constituents in two jets of 50."""

PIECE_EVENTS = 65_536
"""Events whose scores are written at once, about: one row group of a Parquet file."""

_COPIED = ("event_id", "group_id", "label", "process")


def predict(
    scorer: Scorer,
    sample: Sample,
    out: Path,
    about: Mapping[str, Any],
    data: DataSettings,
    progress: Callable[[int], None] = lambda _: None,
) -> int:
    """Write the scores of every event of a sample, in its order.

    Args:
        scorer: what gives logits. sample: of our schema.
        out: file to write; its ending is its format, see `mscat_tf.inference.score_files`.
        about: attributes of the file besides processes, labels and versions. data: how the training split its events.
        progress: is told the number of events done.

    Returns:
        The number of events.

    Raises:
        InputError: the network cannot read the sample, it is empty, or it holds NaN.
        OutputError: `out` cannot be written.
        SchemaError: a file is damaged. In all cases nothing is left at `out` that was not there before.
    """
    check_ending(out)
    scorer.check(sample)
    if len(sample) == 0:
        raise InputError(f"{sample.path}: holds no events, so there is nothing to predict; check the path")
    header = {"processes": sample.header.processes, "process_labels": sample.header.labels, "splits": SPLITS}
    about = {"sample": str(sample.path), **about, **header, "versions": library_versions()}
    with score_file(out, len(sample), about) as append:
        waiting, written, done = [], 0, 0
        for columns in _columns(scorer, sample, data):
            waiting.append(columns)
            done += len(columns["score"])
            progress(done)
            if done - written >= PIECE_EVENTS or done == len(sample):
                append(_joined(waiting))
                waiting, written = [], done
    return done


def scores(scorer: Scorer, events: str | Path | Sample | Mapping[str, NDArray[Any]]) -> NDArray[np.float32]:
    """Scores `(n,)` of events that fit into memory.

    Args:
        scorer: what gives logits.
        events: a sample or its path; or arrays by name: data sets of the schema with all their columns, or the inputs
            of the network.

    Raises:
        InputError: the network cannot read them.
    """
    if isinstance(events, str | Path):
        with Sample(events) as sample:
            return scores(scorer, sample)
    if isinstance(events, Sample):
        scorer.check(events)
        parts = [scorer.logits(arrays) for arrays in _batches(events, scorer, scorer.data_sets)]
    else:
        read = scorer.data_sets if events.keys() >= {*scorer.data_sets} else tuple(events)
        arrays = {name: _finite(name, events[name]) for name in read}
        starts = range(0, _events_of(arrays), scorer.batch_size)
        parts = [
            scorer.logits({k: v[start : start + scorer.batch_size] for k, v in arrays.items()}) for start in starts
        ]
    return score_of(np.concatenate([np.zeros(0, np.float32), *parts]))


def _events_of(arrays: Arrays) -> int:
    """Their common number; InputError where they differ: some would be left out, or mixed."""
    lengths = {name: len(values) for name, values in arrays.items()}
    if len(set(lengths.values())) > 1:
        listed = ", ".join(f"'{name}' {length}" for name, length in lengths.items())
        raise InputError(f"events: the arrays hold different numbers of events ({listed}); give the same events in all")
    return next(iter(lengths.values()), 0)


def _finite(name: str, values: Any) -> NDArray[Any]:
    array = np.asarray(values)
    if not np.isfinite(array).all():
        raise InputError(f"events: '{name}' holds NaN or infinity; remove these events")
    return array


def _columns(scorer: Scorer, sample: Sample, data: DataSettings) -> Iterator[Arrays]:
    """Columns of the file for each batch."""
    per_weight = fb_per_weight(sample)
    names = tuple(dict.fromkeys((*scorer.data_sets, *_COPIED, "weights")))
    for arrays in _batches(sample, scorer, names):
        logit, weights = scorer.logits(arrays), arrays["weights"]
        yield {
            **{name: arrays[name] for name in _COPIED},
            "split": assign_splits(arrays["group_id"], data.train_fraction, data.validation_fraction),
            **{f"weight_{name}": weights[:, index] for index, name in enumerate(WEIGHT_COLUMNS)},
            "weight_fb": weights.astype(np.float64).prod(axis=1) * per_weight[arrays["process"]],
            "logit": logit,
            "score": score_of(logit),
        }


def _batches(sample: Sample, scorer: Scorer, names: tuple[str, ...]) -> Iterator[Arrays]:
    """Arrays of neighbouring events as many as the scorer takes, across the ends of files; the last ones are fewer."""
    rest: list[Arrays] = []
    size = scorer.batch_size
    for block in Blocks([header.events for header in sample.headers], max(size, READ_EVENTS)):
        joined = _joined([*rest, sample.read(block, names, scorer.high_level)])
        if block.stop == sample.headers[block.shard].events:
            sample.close()  # the file is done, and HDF5 keeps a cache for each that is open
        events = len(joined[names[0]])
        full = events - events % size
        for start in range(0, full, size):
            yield {name: values[start : start + size] for name, values in joined.items()}
        rest = [{name: values[full:] for name, values in joined.items()}] if full < events else []
    yield from rest


def _joined(parts: list[Arrays]) -> Arrays:
    if len(parts) == 1:
        return parts[0]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
