"""Jagged arrays as flat values and counts: offsets, padding, rows of chosen events."""

from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

Scalar = TypeVar("Scalar", bound=np.generic)
Ints = NDArray[np.int64]


def offsets_of(counts: Ints) -> Ints:
    """`(n + 1,)` start of each row, and the end: row i owns `offsets[i]` to `offsets[i + 1]`.

    >>> offsets_of(np.array([2, 0, 3])).tolist()
    [0, 2, 2, 5]
    """
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(counts, dtype=np.int64)])


def pad(values: NDArray[Scalar], counts: Ints) -> tuple[NDArray[Scalar], NDArray[np.bool_]]:
    """Flat values as a rectangle `(rows, longest row)` filled with zeros, and its mask.

    >>> pad(np.array([1, 2, 3]), np.array([1, 2]))[0].tolist()
    [[1, 0], [2, 3]]
    """
    mask = np.arange(counts.max(initial=0)) < counts[:, np.newaxis]
    padded = np.zeros(mask.shape, values.dtype)
    padded[mask] = values
    return padded, mask


def rows(offsets: Ints, chosen: Ints) -> Ints:
    """Places in the flat values of the chosen rows, in their order.

    >>> rows(np.array([0, 2, 2, 5]), np.array([2, 0])).tolist()
    [2, 3, 4, 0, 1]
    """
    counts = offsets[chosen + 1] - offsets[chosen]
    within = np.arange(counts.sum()) - np.repeat(offsets_of(counts)[:-1], counts)
    return np.asarray(np.repeat(offsets[chosen], counts) + within, np.int64)


def concatenated(parts: list[dict[str, NDArray[Any]]]) -> dict[str, NDArray[Any]]:
    """Dictionaries of arrays joined along the first axis."""
    return {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}
