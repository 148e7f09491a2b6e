"""Batches of events in NumPy: out of core, shuffled by blocks within a window, the same for the same (seed, epoch)."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mscat_tf.config import DataSettings
from mscat_tf.data.features import ALWAYS, model_inputs
from mscat_tf.data.sample import Block, Sample

Arrays = dict[str, NDArray[Any]]
WINDOW_BLOCKS = 64
"""Blocks of up to 256 events that are mixed at once: 16 384 events, 27 MB for 2 x 50 constituents."""


def batches(
    sample: Sample,
    rows: NDArray[np.int64],
    settings: DataSettings,
    batch_size: int,
    shuffle: tuple[int, int] | None = None,
    names: tuple[str, ...] = ALWAYS,
) -> Iterator[tuple[NDArray[np.int64], Arrays]]:
    """Give each of `rows` once, as (rows of the sample, model inputs), `batch_size` at a time, the last one shorter.

    Args:
        sample: where to read. rows: increasing rows wanted. settings: which columns.
        batch_size: events per batch.
        shuffle: (seed, epoch), or None for the sample's order. The order of the blocks is a random permutation;
            within a window of `WINDOW_BLOCKS` blocks events are permuted freely. A sample that fits into one window
            (16 384 events) is shuffled perfectly.
        names: data sets to read, see `mscat_tf.data.features.data_sets`.
    """
    wanted = np.zeros(len(sample), dtype=bool)
    wanted[rows] = True
    rng = None if shuffle is None else np.random.default_rng((*shuffle, 0xB10C))
    order = np.arange(len(sample.blocks)) if rng is None else rng.permutation(len(sample.blocks))
    rest: tuple[NDArray[np.int64], Arrays] | None = None
    for start in range(0, len(order), WINDOW_BLOCKS):
        window = [sample.blocks[i] for i in order[start : start + WINDOW_BLOCKS]]
        found, inputs = _read_window(sample, window, wanted, settings, names)
        if rng is not None:
            mixed = rng.permutation(len(found))
            found, inputs = found[mixed], {name: array[mixed] for name, array in inputs.items()}
        if rest is not None:
            found = np.concatenate([rest[0], found])
            inputs = {name: np.concatenate([rest[1][name], array]) for name, array in inputs.items()}
        full = len(found) - len(found) % batch_size
        for first in range(0, full, batch_size):
            part = slice(first, first + batch_size)
            yield found[part], {name: array[part] for name, array in inputs.items()}
        rest = found[full:], {name: array[full:] for name, array in inputs.items()}
    if rest is not None and len(rest[0]):
        yield rest


def _read_window(
    sample: Sample, window: list[Block], wanted: NDArray[np.bool_], settings: DataSettings, names: tuple[str, ...]
) -> tuple[NDArray[np.int64], Arrays]:
    parts, found = [], []
    for block in window:
        chosen = wanted[block.rows]
        if chosen.any():
            arrays = sample.read(block, names)
            parts.append({name: array[chosen] for name, array in arrays.items()})
            found.append(block.rows[chosen])
    if not parts:
        parts = [{name: array[:0] for name, array in sample.read(window[0], names).items()}]
        found = [np.zeros(0, dtype=np.int64)]
    together = {name: np.concatenate([part[name] for part in parts]) for name in names}
    return np.concatenate(found), model_inputs(together, settings)
