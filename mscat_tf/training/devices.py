"""Logical devices: one GPU, or the CPU, split so that replication can be exercised without more of them."""

import tensorflow as tf

from mscat_tf.errors import ConfigError


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


def _part(kind: str) -> tf.config.LogicalDeviceConfiguration:
    memory_megabytes = 2048 if kind == "GPU" else None
    return tf.config.LogicalDeviceConfiguration(memory_limit=memory_megabytes)
