"""Blocks of jets of like size, so that work on pairs of constituents holds little memory and few pairs of padding.

Axes: `(jets, constituents)`; a constituent is where the transverse momentum is above 0.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mscat_tf.physics.four_vectors import Floats, delta_phi

Indices = NDArray[np.intp]


def lengths(pt: Floats) -> Indices:
    """`(jets,)` places up to the last constituent, that one counted: 0 for an empty jet."""
    real = pt > 0.0
    if not pt.shape[-1]:
        return np.zeros(len(pt), np.intp)
    return np.where(real.any(axis=-1), pt.shape[-1] - np.argmax(real[:, ::-1], axis=-1), 0)


def blocks_of_like_size(length: NDArray[Any], pairs_at_once: int) -> Iterator[tuple[Indices, int]]:
    """Jets in blocks, the longest first; empty jets stand in none.

    Args:
        length: `(jets,)`, as `lengths` finds it.
        pairs_at_once: a block of b jets up to length n holds `b n^2` pairs, no more than this unless b is 1.

    Yields:
        Indices of the jets of a block, and the greatest length in it.
    """
    order = np.argsort(-length, kind="stable")[: np.count_nonzero(length)]
    start = 0
    while start < len(order):
        longest = int(length[order[start]])
        chosen = order[start : start + max(1, pairs_at_once // longest**2)]
        yield chosen, longest
        start += len(chosen)


def unwrapped(pt: Floats, eta: Floats, phi: Floats) -> tuple[Floats, Floats]:
    """Directions as points of the plane: eta, and the azimuth within pi of that of the hardest constituent.

    Args:
        pt, eta, phi: `(jets, constituents)`; where pt is 0 the others may be anything.

    Returns:
        `(jets, constituents)` each, the hardest constituent's own direction in padding.
    """
    hardest = np.argmax(pt, axis=-1)[:, np.newaxis]
    real = pt > 0.0
    eta_0, phi_0 = (np.take_along_axis(values, hardest, axis=-1) for values in (eta, phi))
    return np.where(real, eta, eta_0), phi_0 + np.where(real, delta_phi(phi, phi_0), 0.0)
