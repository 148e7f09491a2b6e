"""Length classes: batches of events with about equally many constituents are cut to the longest of their class."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


def class_edges(constituents: int, classes: int) -> Ints:
    """Greatest length of each class, `(classes,)`: ceil(P k / n) for k = 1..n.

    >>> class_edges(50, 4).tolist()
    [13, 25, 38, 50]
    """
    return -(-constituents * np.arange(1, classes + 1) // classes)


def longest_jet(mask: NDArray[np.bool_]) -> Ints:
    """Slots that the longest jet of each event needs, `(n,)`: up to its last real constituent; of mask `(n, J, P)`."""
    any_jet: NDArray[np.bool_] = np.any(mask, axis=1)
    last = mask.shape[-1] - np.argmax(any_jet[:, ::-1], axis=1)
    return np.where(np.any(any_jet, axis=1), last, 0)


def length_class(lengths: NDArray[Any], edges: Ints) -> Ints:
    """The shortest class that holds each of these lengths."""
    return np.searchsorted(edges, lengths, side="left")
