"""Training, validation and test split by a hash of the parton-level event: blind to file order and sample size."""

import numpy as np
from numpy.typing import NDArray

SPLITS = ("train", "validation", "test")
SPARE, OTHER_MASS = len(SPLITS), len(SPLITS) + 1
"""Of no split: training events beyond `data.train_events`, and signal of a mass that settings of `data` leave out."""


def uniform_hash(identifiers: NDArray[np.uint64]) -> NDArray[np.float64]:
    """Map identifiers to numbers in [0, 1) that look uniform and independent.

    Finaliser of SplitMix64: Steele, Lea, Flood, OOPSLA 2014, figure 15.
    """
    x = np.asarray(identifiers, dtype=np.uint64).copy()
    x += np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    x ^= x >> np.uint64(31)
    return (x >> np.uint64(11)).astype(np.float64) / 2.0**53


def assign_splits(group_id: NDArray[np.uint64], train_fraction: float, validation_fraction: float) -> NDArray[np.int8]:
    """Index into `SPLITS` for each event, `(n,)`; events of one group are never separated."""
    u = uniform_hash(group_id)
    return (u >= train_fraction).astype(np.int8) + (u >= train_fraction + validation_fraction).astype(np.int8)
