"""Which devices train: every visible one of this machine, those of all workers, or the first."""

import logging
from functools import lru_cache

import tensorflow as tf

from mscat_tf.config import TrainSettings
from mscat_tf.errors import ConfigError
from mscat_tf.training.cluster import multi_worker_strategy
from mscat_tf.training.devices import share_cores, split_first_device

log = logging.getLogger(__name__)


def make_strategy(settings: TrainSettings) -> tf.distribute.Strategy:
    """The strategy of `train.strategy` over all GPUs, or the CPU, or logical parts of it; one object per process.

    Two MirroredStrategy objects in one process number their collective operations alike, and TensorFlow 2.21 then
    fails on the second network with "Shape mismatch in the collective instance".

    Raises:
        ConfigError: the batch cannot be shared equally, devices were already in use with another number of parts, or
            the other workers cannot be reached.
    """
    if settings.parallel_parts > 1:
        share_cores(settings.parallel_parts)
    if settings.strategy == "multi_worker":  # before anything asks TensorFlow for devices
        strategy = multi_worker_strategy(settings)
    else:
        devices = _devices(settings)
        one = settings.strategy == "one_device"
        strategy = tf.distribute.OneDeviceStrategy(devices[0]) if one else _mirrored(devices)
    replicas = strategy.num_replicas_in_sync
    parts = settings.accumulation * settings.parallel_parts
    if settings.batch_size % (replicas * parts):
        wanted = f"{parts} parts each" if parts > 1 else "equal parts"
        raise ConfigError(
            f"train.batch_size = {settings.batch_size} cannot be shared by {replicas} devices in {wanted}; choose a "
            f"multiple of {replicas * parts}"
        )
    return strategy


def _devices(settings: TrainSettings) -> tuple[str, ...]:
    if settings.logical_devices > 1:
        split_first_device(settings.logical_devices)
    gpus = tf.config.list_logical_devices("GPU")
    return tuple(device.name for device in gpus or tf.config.list_logical_devices("CPU"))


@lru_cache(maxsize=1)
def _mirrored(devices: tuple[str, ...]) -> tf.distribute.Strategy:
    log.info("MirroredStrategy over %s", ", ".join(devices))
    return tf.distribute.MirroredStrategy(list(devices))
