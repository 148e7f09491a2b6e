"""Batches as a tf.data data set, distributed over the replicas of a strategy."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from mscat_tf.config import DataSettings
from mscat_tf.data.batches import batches
from mscat_tf.data.events import EventTable
from mscat_tf.data.features import data_sets
from mscat_tf.data.sample import Sample
from mscat_tf.data.symmetries import throw_symmetries


def dataset(
    sample: Sample,
    table: EventTable,
    rows: NDArray[np.int64],
    settings: DataSettings,
    batch_size: int,
    input_names: tuple[str, ...],
    shuffle: tuple[int, int] | None = None,
    symmetries: bool = False,
) -> tf.data.Dataset:
    """`(inputs, label, share, row)` per batch: inputs by name, label and share `(batch,)` float32, row int64.

    The share is the event's weight divided by the number of events of the (global) batch: shares sum to a mean.

    Args:
        sample, table, rows, settings, batch_size, shuffle: see `mscat_tf.data.batches.batches`.
        input_names: the model's inputs; others are not sent to it.
        symmetries: throw the symmetries of the collision for every event (`mscat_tf.data.symmetries`), by `shuffle`.
    """

    def generate() -> Iterator[tuple[dict[str, NDArray[Any]], Any, Any, Any]]:
        rng = np.random.default_rng((*(shuffle or ()), 0x5E77))
        for found, inputs in batches(sample, rows, settings, batch_size, shuffle, data_sets(input_names)):
            seen = throw_symmetries(inputs, settings, rng) if symmetries else inputs
            wanted = {name: seen[name] for name in input_names}
            share = table.weight[found] / len(found)
            yield wanted, table.label[found].astype("f4"), share.astype("f4"), found

    data = tf.data.Dataset.from_generator(generate, output_signature=_signature(sample, settings, input_names))
    options = tf.data.Options()
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.OFF
    options.deterministic = True
    return data.with_options(options).prefetch(2)


def _signature(sample: Sample, settings: DataSettings, input_names: tuple[str, ...]) -> Any:
    header = sample.header
    constituents = min(header.constituents, settings.max_constituents or header.constituents)
    tree = (None, header.declusterings)
    known = {
        "kinematics": tf.TensorSpec((None, header.tokens, len(settings.kinematic_features)), tf.float32),
        "event_shapes": tf.TensorSpec((None, len(settings.event_shapes)), tf.float32),
    }
    for jet in range(1, header.jets + 1):
        cloud = (None, constituents, len(settings.constituent_features))
        known[f"constituents_{jet}"] = tf.TensorSpec(cloud, tf.float32)
        known[f"mask_{jet}"] = tf.TensorSpec((None, constituents), tf.bool)
        known[f"lund_{jet}"] = tf.TensorSpec((*tree, len(settings.declustering_features)), tf.float32)
        known[f"lund_mask_{jet}"] = tf.TensorSpec(tree, tf.bool)
        known[f"lund_parent_{jet}"] = tf.TensorSpec(tree, tf.int32)
    scalar = tf.TensorSpec((None,), tf.float32)
    return {name: known[name] for name in input_names}, scalar, scalar, tf.TensorSpec((None,), tf.int64)
