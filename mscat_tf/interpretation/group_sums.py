"""Sums over groups of events, from which means with errors are made; their memory does not grow with the events."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mscat_tf.interpretation.part import Arrays, Batch

Floats = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Members:
    """Which events of a batch are summed where.

    Attributes:
        group: `(n,)` index of each event's group. groups: their number. weight: `(n,)`.
    """

    group: NDArray[np.int64]
    groups: int
    weight: NDArray[np.float64]

    @classmethod
    def of(cls, batch: Batch, processes: int) -> "Members":
        """Groups are the events of every process that are right, then those that are wrong; see `with_all`."""
        group = np.asarray(batch.process, np.int64) + processes * ~np.asarray(batch.right, bool)
        return cls(group, 2 * processes, np.asarray(batch.weight, np.float64))

    def sum(self, values: NDArray[Any]) -> NDArray[Any]:
        """Sum `(groups, ...)` of values `(n, ...)` over the events of each group, in the type of the values."""
        member = (np.arange(self.groups)[:, None] == self.group).astype(values.dtype)
        found: NDArray[Any] = (member @ values.reshape(len(values), -1)).reshape(self.groups, *values.shape[1:])
        return found


def with_all(sums: Arrays) -> Arrays:
    """Sums over the groups of `Context.groups`, from those over the groups of `Members.of`."""
    found = {}
    for name, values in sums.items():
        right, wrong = np.split(values, 2)
        found[name] = np.concatenate([right + wrong, right, wrong])
    return found


def add_to(sums: Arrays, name: str, values: NDArray[Any]) -> None:
    """Add to a sum, which begins with the first values."""
    sums[name] = sums[name] + values if name in sums else values


def ratio(total: NDArray[Any], weight: NDArray[Any], empty: float = 0.0) -> NDArray[np.float64]:
    """Total over weight, `empty` where there is no weight."""
    shape = np.broadcast_shapes(total.shape, weight.shape)
    return np.divide(total, weight, out=np.full(shape, empty), where=weight != 0)


def add_moments(sums: Arrays, name: str, values: Floats, weight: Floats, members: Members) -> None:
    """Add what `mean_and_error` needs.

    Args:
        sums: see `add_to`. name: of the quantity.
        values: `(n, ...)`. weight: of the same shape; 0 does not count, and the value may be anything then.
    """
    values, weight = np.asarray(values, np.float64), np.asarray(weight, np.float64)
    values = np.where(weight > 0, values, 0.0)
    for power in (0, 1):
        add_to(sums, f"{name}:w{power}", members.sum(weight * values**power))
    for power in (0, 1, 2):
        add_to(sums, f"{name}:ww{power}", members.sum(weight**2 * values**power))


def mean_and_error(sums: Arrays, name: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Weighted mean over events and its standard error, NaN where fewer than two (effective) events are.

    With m the mean and n = (sum w)^2 / sum w^2 the error is sqrt(sum w^2 (x - m)^2 n / (n - 1)) / sum w: that of the
    ordinary mean for equal weights (Cochran, Sampling Techniques, 3rd edition (1977), equation 6.45).
    """
    total, squares = sums[f"{name}:w0"], sums[f"{name}:ww0"]
    mean = ratio(sums[f"{name}:w1"], total, np.nan)
    scatter = sums[f"{name}:ww2"] - 2 * mean * sums[f"{name}:ww1"] + mean**2 * squares
    effective = ratio(total**2, squares)
    factor = ratio(effective, np.where(effective > 1 + 1e-9, effective - 1, 0.0), np.nan)
    return mean, np.sqrt(np.maximum(scatter, 0.0) * factor) / np.where(total > 0, total, np.nan)
