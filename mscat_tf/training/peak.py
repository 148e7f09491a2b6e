"""What a device reaches at best: the measuring rod for the operations per second of a network."""

import math
import time
from functools import lru_cache
from typing import Any

import tensorflow as tf

from mscat_tf.errors import ConfigError

PRECISIONS = ("float32", "bfloat16", "float16")
_CPU_SIZES, _GPU_SIZES = (512, 1024, 2048), (2048, 4096, 8192)
_CHAIN = 4
"""Products in a row for each call, so that a GPU does not wait for Python."""
_ROUNDS, _SECONDS = 3, 0.1
"""Times each size is tried, and for how long."""


@lru_cache(maxsize=8)
def matmul_peak(precision: str = "float32", device: str | None = None) -> float:
    """Greatest sustained rate of a product of two square matrices [operations per second]; some seconds, then known.

    The best of a few sizes and rounds, each sustained for a tenth of a second or one call: what else runs on the
    machine can only make it smaller. On a CPU it is that of all threads that TensorFlow was given. On a GPU with tensor
    cores `float32` means what TensorFlow makes of it, which is TF32 unless that was switched off.

    Args:
        precision: of the matrices and of their product: `float32`, `bfloat16` or `float16`.
        device: such as `GPU:1`; None means the first GPU, or the CPU where there is none.

    Raises:
        ConfigError: unknown precision, or no such device.
    """
    if precision not in PRECISIONS:
        raise ConfigError(f"precision: '{precision}' is unknown; choose from {', '.join(PRECISIONS)}")
    name = device or ("GPU:0" if tf.config.list_logical_devices("GPU") else "CPU:0")
    # Of several workers each has its own; the name without job and task is the one here.
    known = sorted({logical.name.rpartition("/device:")[2] for logical in tf.config.list_logical_devices()})
    if name.upper() not in known:
        raise ConfigError(f"device: there is no '{name}' here; choose from {', '.join(known)}")
    with tf.device(name):
        works = {size: _chain_of_products(size, precision) for size in _sizes(name)}
    rates = [_rate(size, work) for _ in range(_ROUNDS) for size, work in works.items()]
    return max(rates)


def _sizes(device: str) -> tuple[int, ...]:
    return _GPU_SIZES if "GPU" in device.upper() else _CPU_SIZES


def _chain_of_products(size: int, precision: str) -> Any:
    """A traced function of `_CHAIN` products, each of the one before: none can be left out or run beside another."""
    start = tf.random.stateless_normal((size, size), seed=(1, size))
    factor = tf.cast(start / math.sqrt(size), precision)  # so that a product is about as large as what it is made of
    start = tf.cast(start, precision)

    def chain(factor: tf.Tensor, product: tf.Tensor) -> tf.Tensor:
        for _ in range(_CHAIN):
            product = tf.matmul(factor, product)
        return product[0, 0]

    traced = tf.function(chain, autograph=False).get_concrete_function(factor, start)

    def work() -> None:
        traced(factor, start).numpy()

    work()
    return work


def _rate(size: int, work: Any) -> float:
    """Operations per second, each multiplication with addition being two, over at least `_SECONDS`."""
    calls, started = 0, time.perf_counter()
    while (spent := time.perf_counter() - started) < _SECONDS or not calls:
        work()
        calls += 1
    return calls * _CHAIN * 2 * size**3 / spent
