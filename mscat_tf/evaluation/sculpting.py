"""Does a cut on the score change the shape of the background? Jensen-Shannon distance, against what chance alone gives.

A cut that leaves a peak where the signal is takes the sidebands away from an analysis. The distance is never zero with
few events, so it is given beside that of masses dealt at random among the background events.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mscat_tf.data.events import effective_events
from mscat_tf.evaluation.bootstrap import multiplicities
from mscat_tf.evaluation.efficiency import quantiles

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

BINS = 10
"""Of equal background before the cut."""


def distance(first: Floats, second: Floats) -> float:
    """Jensen-Shannon distance of two histograms: the root of the divergence in bits, 0 for one shape, 1 for no overlap.

    J. Lin, IEEE Trans. Inf. Theory 37 (1991) 145; a metric: Endres, Schindelin, ibid. 49 (2003) 1858.
    """
    p, q = first / first.sum(), second / second.sum()
    m = (p + q) / 2
    divergence = sum(float(np.sum(x[x > 0] * np.log2(x[x > 0] / m[x > 0]))) for x in (p, q)) / 2
    return float(np.sqrt(max(divergence, 0.0)))


def sculpting(
    values: Floats, weight: Floats, group: NDArray[np.uint64], passed: Bools, replicas: int, seed: int
) -> dict[str, Any]:
    """Distance between all background events and those that pass, with its error and what chance gives.

    Args:
        values: `(n,)` a mass. weight: `(n,)`, not negative. group: `(n,)`, events drawn together. passed: `(n,)`.
        replicas, seed: of the bootstrap, and of the permutations.

    Returns:
        `distance` and its bootstrap `error`; `by_chance`, the mean of the permutations, `by_chance_95`, which one in
        twenty exceeds, and `p_value`, the share of them that reach the distance; None where nothing passes.
    """
    inner = np.unique(quantiles(values, weight, np.linspace(0, 1, BINS + 1)[1:-1]))
    cell = np.searchsorted(inner, values, side="left")
    found: dict[str, Any] = {"effective_events": _effective(weight * passed, group)}
    observed = _of_cut(cell, weight, passed, len(inner) + 1)
    if observed is None:
        return {**found, **dict.fromkeys(("distance", "error", "by_chance", "by_chance_95", "p_value"))}
    one_stratum = np.zeros(len(group), np.int64)
    drawn = (
        _of_cut(cell, weight * counts, passed, len(inner) + 1)
        for counts in multiplicities(group, one_stratum, replicas, seed)
    )
    resampled = [value for value in drawn if value is not None]
    dealt = np.array([_of_cut(cells, weight, passed, len(inner) + 1) for cells in _dealt(cell, group, replicas, seed)])
    return {
        **found,
        "distance": observed,
        "error": float(np.std(resampled, ddof=1)),
        "by_chance": float(dealt.mean()),
        "by_chance_95": float(np.quantile(dealt, 0.95)),
        "p_value": float((1 + np.sum(dealt >= observed)) / (1 + replicas)),
    }


def _of_cut(cell: Ints, weight: Floats, passed: Bools, bins: int) -> float | None:
    after = np.bincount(cell, weight * passed, bins).astype(np.float64)
    return distance(np.bincount(cell, weight, bins).astype(np.float64), after) if after.sum() > 0 else None


def _effective(weight: Floats, group: NDArray[np.uint64]) -> float:
    """Effective number, where events of a group count as one."""
    return effective_events(np.bincount(_members(group), weight).astype(np.float64))


def _members(group: NDArray[np.uint64]) -> Ints:
    return np.unique(group, return_inverse=True)[1]


def _dealt(cell: Ints, group: NDArray[np.uint64], replicas: int, seed: int) -> Any:
    """Bins dealt anew, once per replica: every group gets those of another one, as far as it has so many events.

    With one event in each group it is a permutation, with which the test is exact; weights and scores stay.
    """
    rng = np.random.default_rng((seed, 0x5C01))
    member = _members(group)
    order = np.argsort(member, kind="stable")
    sizes = np.bincount(member)
    starts = np.cumsum(sizes) - sizes
    rank = np.empty(len(cell), np.int64)
    rank[order] = np.arange(len(cell)) - np.repeat(starts, sizes)
    for _ in range(replicas):
        other = rng.permutation(len(sizes))[member]
        yield cell[order[starts[other] + rank % sizes[other]]]
