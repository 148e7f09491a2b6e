"""Errors by the bootstrap over parton-level events: events of one group are drawn together."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Metric = Callable[[Floats], float]


@dataclass(frozen=True)
class Estimate:
    """A value with its bootstrap standard error; infinite or undefined replicas are left out and counted."""

    value: float
    error: float
    replicas: int

    def __str__(self) -> str:
        return f"{self.value:.4f} ± {self.error:.4f}"


def multiplicities(
    group_id: NDArray[np.uint64], stratum: NDArray[np.integer], replicas: int, seed: int
) -> Iterator[Floats]:
    """How often each event is drawn, `(n,)`, once per replica; groups are drawn within each stratum (process).

    The same arguments give the same replicas, so two networks scored on the same events can be compared in pairs.
    """
    rng = np.random.default_rng((seed, 0xB007))
    groups, member = np.unique(group_id, return_inverse=True)
    group_stratum = np.zeros(len(groups), dtype=np.int64)
    group_stratum[member] = stratum
    pools = [np.flatnonzero(group_stratum == value) for value in np.unique(group_stratum)]
    for _ in range(replicas):
        counts = np.zeros(len(groups))
        for pool in pools:
            counts[pool] = np.bincount(rng.integers(len(pool), size=len(pool)), minlength=len(pool))
        yield counts[member]


def bootstrap(
    metric: Metric, weight: Floats, group_id: NDArray[np.uint64], stratum: NDArray[np.integer], replicas: int, seed: int
) -> Estimate:
    """Value of `metric(weight)` and its standard deviation over resampled weights.

    Args:
        metric: a function of the event weights, everything else held fixed; ValueError marks an undefined replica.
        weight, group_id, stratum: `(n,)`.
        replicas, seed: how many resamplings, and from which seed.
    """
    values = []
    for counts in multiplicities(group_id, stratum, replicas, seed):
        try:
            values.append(metric(weight * counts))
        except ValueError:
            continue
    finite = np.array([v for v in values if np.isfinite(v)])
    error = float(np.std(finite, ddof=1)) if len(finite) > 1 else float("nan")
    return Estimate(metric(weight), error, len(finite))
