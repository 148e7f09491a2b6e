"""Errors by the bootstrap over parton-level events: events of one group are drawn together."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Metric = Callable[[Floats], float]
Metrics = Callable[[Floats], Floats]


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


@dataclass(frozen=True)
class Replicas:
    """Several metrics of the sample, `value` `(k,)`, and of its resamplings, `resampled` `(replicas, k)`.

    A replica in which they are undefined is a row of NaN.
    """

    value: Floats
    resampled: Floats

    def estimate(self, index: int) -> Estimate:
        """One metric with its error."""
        values = self.resampled[:, index]
        finite = values[np.isfinite(values)]
        error = float(np.std(finite, ddof=1)) if len(finite) > 1 else float("nan")
        return Estimate(float(self.value[index]), error, len(finite))

    def band(self, columns: slice, confidence: float) -> tuple[Floats, Floats]:
        """Quantiles of some finite metrics that leave equal tails, `(columns,)` each; NaN if no replica is defined."""
        defined = self.resampled[~np.isnan(self.resampled).any(axis=1), columns]
        if len(defined) == 0:
            return np.full_like(self.value[columns], np.nan), np.full_like(self.value[columns], np.nan)
        low, high = np.quantile(defined, [(1 - confidence) / 2, (1 + confidence) / 2], axis=0)
        return low, high


def resample(
    metrics: Metrics,
    weight: Floats,
    group_id: NDArray[np.uint64],
    stratum: NDArray[np.integer],
    replicas: int,
    seed: int,
) -> Replicas:
    """Several metrics at once on the same resampled weights, so each replica pays for one sorted curve alone.

    Args:
        metrics: a function of the event weights that gives `(k,)`; ValueError marks an undefined replica.
        weight, group_id, stratum: `(n,)`. replicas, seed: how many resamplings, and from which seed.
    """
    value = np.asarray(metrics(weight), dtype=np.float64)
    resampled = np.full((replicas, len(value)), np.nan)
    for row, counts in enumerate(multiplicities(group_id, stratum, replicas, seed)):
        with contextlib.suppress(ValueError):
            resampled[row] = metrics(weight * counts)
    return Replicas(value, resampled)


def bootstrap(
    metric: Metric, weight: Floats, group_id: NDArray[np.uint64], stratum: NDArray[np.integer], replicas: int, seed: int
) -> Estimate:
    """Value of `metric(weight)` and its standard deviation over resampled weights.

    Args:
        metric: a function of the event weights, everything else held fixed; ValueError marks an undefined replica.
        weight, group_id, stratum: `(n,)`.
        replicas, seed: how many resamplings, and from which seed.
    """
    found = resample(lambda w: np.array([metric(w)]), weight, group_id, stratum, replicas, seed)
    return found.estimate(0)
