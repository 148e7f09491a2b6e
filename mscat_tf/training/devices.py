"""Logical devices, one GPU or the CPU split so that replication can be exercised without more, and threads."""

import logging

import tensorflow as tf

from mscat_tf.cores import usable_cores
from mscat_tf.errors import ConfigError

log = logging.getLogger(__name__)


def split_first_device(parts: int) -> None:
    """Make so many logical devices of the first GPU, or of the CPU where there is none.

    Raises:
        ConfigError: TensorFlow uses the device already.
    """
    kind = "GPU" if tf.config.list_physical_devices("GPU") else "CPU"
    device = tf.config.list_physical_devices(kind)[0]
    wanted = [_part(kind) for _ in range(parts)]
    if len(tf.config.get_logical_device_configuration(device) or []) == parts:
        return
    try:
        tf.config.set_logical_device_configuration(device, wanted)
    except RuntimeError as error:
        raise ConfigError(
            f"train.logical_devices = {parts}: TensorFlow already uses the {kind}; "
            "start a new Python process (or restart the Jupyter kernel) and set it before anything else"
        ) from error


def share_cores(parts: int) -> None:
    """Let so many operations run at the same time, each on its share of the cores this process may use.

    Without it all operations share one pool of threads and wait for each other's pieces. Where TensorFlow is in use
    already, threads stay as they are: slower, and nothing else.
    """
    for_each = max(1, len(usable_cores()) // parts)
    try:
        tf.config.threading.set_inter_op_parallelism_threads(parts)
        tf.config.threading.set_intra_op_parallelism_threads(for_each)
    except RuntimeError:
        log.info("TensorFlow is in use already: train.parallel_parts = %d finds its threads as they are", parts)


def _part(kind: str) -> tf.config.LogicalDeviceConfiguration:
    memory_megabytes = 2048 if kind == "GPU" else None
    return tf.config.LogicalDeviceConfiguration(memory_limit=memory_megabytes)
