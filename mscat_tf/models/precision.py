"""In which precision networks compute."""

from collections.abc import Iterator
from contextlib import contextmanager

import keras

POLICIES = {"float32": "float32", "bfloat16": "mixed_bfloat16"}


@contextmanager
def precision(name: str) -> Iterator[None]:
    """Networks built inside the block compute in this precision; their weights are float32 in any case.

    Args:
        name: a key of `POLICIES`, as `train.precision`.
    """
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(POLICIES[name])
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
