"""Batches of a stream as a tf.data data set."""

from collections.abc import Iterator
from typing import Any

import tensorflow as tf

from mscat_tf.config import DataSettings
from mscat_tf.data.sample import Sample
from mscat_tf.data.stream import Element, EventStream
from mscat_tf.errors import MscatError


def distributed_dataset(stream: EventStream, strategy: tf.distribute.Strategy, start: int, endless: bool) -> Any:
    """What each replica of `strategy` takes, step by step.

    A single replica on the CPU takes from the data set itself: nothing has to be moved to a device, and the iterators
    over devices, each with a tuner of its own, may take as long to end as they were in use, up to a minute.
    """
    if strategy.num_replicas_in_sync == 1 and not tf.config.list_logical_devices("GPU"):
        return stream.dataset(start, None, endless)
    return strategy.distribute_datasets_from_function(lambda context: stream.dataset(start, context, endless))


def stream_dataset(
    stream: EventStream, start: int, context: tf.distribute.InputContext | None, endless: bool
) -> tf.data.Dataset:
    """See `EventStream.dataset`."""
    worker, workers, replicas = 0, 1, 1
    if context is not None:
        worker, workers = context.input_pipeline_id, context.num_input_pipelines
        replicas = context.num_replicas_in_sync // workers

    stream.place(worker, workers, replicas)  # refuses here, not in the background

    def generate() -> Iterator[Element]:
        try:
            yield from stream.batches(start, worker, workers, replicas, endless)
        except MscatError as error:
            stream.error = error
            raise

    size = stream.batch_size // (workers * replicas)
    signature = _signature(stream.sample, stream.settings, stream.input_names, size, stream.tokens)
    data = tf.data.Dataset.from_generator(generate, output_signature=signature)
    if endless:  # else the workers ask each other before every step whether anybody has data left
        data = data.apply(tf.data.experimental.assert_cardinality(tf.data.INFINITE_CARDINALITY))
    return data.with_options(dataset_options()).prefetch(4 * replicas)


def dataset_options() -> tf.data.Options:
    """In the order of the events, shared out by ourselves, without TensorFlow's tuner."""
    options = tf.data.Options()
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.OFF
    options.deterministic = True
    options.autotune.enabled = False  # there is nothing to tune, and a data set that ends may wait for the tuner
    return options


def _signature(
    sample: Sample, settings: DataSettings, input_names: tuple[str, ...], size: int, constituents: int | None
) -> Any:
    header = sample.header
    tree, inner = (size, header.declusterings), (size, header.subjets)
    variables = header.high_level if settings.high_level_features is None else settings.high_level_features
    known = {
        "kinematics": tf.TensorSpec((size, header.tokens, len(settings.kinematic_features)), tf.float32),
        "event_shapes": tf.TensorSpec((size, len(settings.event_shapes)), tf.float32),
    }
    for jet in range(1, header.jets + 1):
        cloud = (size, constituents, len(settings.constituent_features))
        known[f"constituents_{jet}"] = tf.TensorSpec(cloud, tf.float32)
        known[f"mask_{jet}"] = tf.TensorSpec((size, constituents), tf.bool)
        known[f"lund_{jet}"] = tf.TensorSpec((*tree, len(settings.declustering_features)), tf.float32)
        known[f"lund_mask_{jet}"] = tf.TensorSpec(tree, tf.bool)
        known[f"lund_parent_{jet}"] = tf.TensorSpec(tree, tf.int32)
        known[f"subjets_{jet}"] = tf.TensorSpec((*inner, len(settings.subjet_features)), tf.float32)
        known[f"subjets_mask_{jet}"] = tf.TensorSpec(inner, tf.bool)
        known[f"high_level_{jet}"] = tf.TensorSpec((size, len(variables)), tf.float32)
    scalar = tf.TensorSpec((size,), tf.float32)
    return {name: known[name] for name in input_names}, scalar, scalar, tf.TensorSpec((size,), tf.int64)
