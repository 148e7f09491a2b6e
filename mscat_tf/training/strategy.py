"""Which devices train: every visible one, mirrored, or the first."""

import logging
from functools import lru_cache

import tensorflow as tf

from mscat_tf.config import TrainSettings
from mscat_tf.errors import ConfigError

log = logging.getLogger(__name__)


def make_strategy(settings: TrainSettings) -> tf.distribute.Strategy:
    """The strategy of `train.strategy` over all GPUs, or the CPU, or logical parts of it; one object per process.

    Two MirroredStrategy objects in one process number their collective operations alike, and TensorFlow 2.21 then
    fails on the second network with "Shape mismatch in the collective instance".

    Raises:
        ConfigError: the batch cannot be shared equally, or devices were already in use with another number of parts.
    """
    if settings.logical_devices > 1:
        _split_first_device(settings.logical_devices)
    gpus = tf.config.list_logical_devices("GPU")
    devices = [device.name for device in gpus or tf.config.list_logical_devices("CPU")]
    if settings.strategy == "one_device":
        return tf.distribute.OneDeviceStrategy(devices[0])
    if settings.batch_size % len(devices):
        raise ConfigError(
            f"train.batch_size = {settings.batch_size} cannot be shared equally by {len(devices)} devices; "
            f"choose a multiple of {len(devices)}"
        )
    return _mirrored(tuple(devices))


@lru_cache(maxsize=1)
def _mirrored(devices: tuple[str, ...]) -> tf.distribute.Strategy:
    log.info("MirroredStrategy over %s", ", ".join(devices))
    return tf.distribute.MirroredStrategy(list(devices))


def _split_first_device(parts: int) -> None:
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


def _part(kind: str) -> tf.config.LogicalDeviceConfiguration:
    memory_megabytes = 2048 if kind == "GPU" else None
    return tf.config.LogicalDeviceConfiguration(memory_limit=memory_megabytes)
