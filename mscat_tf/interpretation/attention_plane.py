"""Where in the jet the attention from outside goes: in the (eta, phi) plane of the jet frame, and by rank in pT.

Means over heads and events. A jet without constituents counts in no mean. What is shown is attention, not what is
read: a key may be looked at and its value be zero.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mscat_tf.interpretation.group_sums import Members, add_moments, add_to, mean_and_error, ratio
from mscat_tf.interpretation.part import Arrays

Floats = NDArray[np.floating[Any]]
HALF_WIDTH = 1.0
"""Of the plane, in eta and phi [rad]: the radius of the fat jets."""


def plane_edges(bins: int) -> NDArray[np.float64]:
    """Edges `(bins + 1,)` in eta and in phi [rad]."""
    return np.linspace(-HALF_WIDTH, HALF_WIDTH, bins + 1)


def add_to_plane(
    sums: Arrays, name: str, attention: Floats, places: Mapping[str, Floats], bins: int, members: Members
) -> None:
    """Add the events of one batch to the plane `name`.

    Args:
        sums: see `add_to`. attention: `(n, readers, constituents)`.
        places: `eta`, `phi`, `mask` `(n, constituents)`. bins: in eta and phi.
    """
    cell, inside = cells(places["eta"], places["phi"], bins)
    mask = np.asarray(places["mask"], bool)
    weight = members.weight * mask.any(axis=1)
    place = members.group[:, None] * bins**2 + cell
    factor = weight[:, None] * (mask & inside)
    size = members.groups * bins**2
    filled = [np.bincount(place.ravel(), (factor * row).ravel(), size) for row in attention.swapaxes(0, 1)]
    shape = (len(filled), members.groups, bins, bins)
    add_to(sums, f"{name}:filled", np.reshape(filled, shape).swapaxes(0, 1))
    add_to(sums, f"{name}:weight", members.sum(weight))


def plane_density(sums: Arrays, name: str) -> NDArray[np.float64]:
    """Attention per unit area, `(groups, readers, bins, bins)` with eta first [1 / rad]; 0 for a group without events.

    The integral over the plane is the share of attention that goes to the constituents of the jet (within the plane).
    """
    filled = sums[f"{name}:filled"]
    area = (2 * HALF_WIDTH / filled.shape[-1]) ** 2
    return ratio(filled, sums[f"{name}:weight"][:, None, None, None]) / area


def cells(eta: Floats, phi: Floats, bins: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Cell `eta bin * bins + phi bin` of each constituent, and whether it lies in the plane."""
    scaled = [np.floor((values + HALF_WIDTH) / (2 * HALF_WIDTH) * bins) for values in (eta, phi)]
    inside = np.all([(axis >= 0) & (axis < bins) for axis in scaled], axis=0)
    first, second = (np.where(inside, axis, 0).astype(np.int64) for axis in scaled)
    return first * bins + second, inside


def add_ranks(sums: Arrays, name: str, attention: Floats, places: Mapping[str, Floats], members: Members) -> None:
    """Add the events of one batch to the attention by rank in transverse momentum.

    Besides it the same for attention that is spread evenly over all real constituents of the jet that gets it, to
    compare with: readers that ignore momentum have the two alike.

    Args:
        sums: see `add_to`. attention: `(n, readers, constituents)`. places: `pt` [GeV], `mask` `(n, constituents)`.
    """
    mask = np.asarray(places["mask"], bool)
    order = np.argsort(np.where(mask, -places["pt"], np.inf), axis=1, kind="stable")
    ranked = np.take_along_axis(attention, order[:, None, :], axis=2)
    real = np.take_along_axis(mask, order, axis=1)
    weight = np.broadcast_to((members.weight[:, None] * real)[:, None, :], ranked.shape)
    add_moments(sums, f"{name}:rank", ranked, weight, members)
    even = attention.sum(axis=2) / np.maximum(mask.sum(axis=1), 1)[:, None]
    add_moments(sums, f"{name}:even", np.broadcast_to(even[..., None], ranked.shape), weight, members)


def rank_arrays(sums: Arrays, name: str) -> Arrays:
    """`rank/<name>`, `rank_error/<name>`, `rank_even/<name>` `(groups, readers, constituents)`.

    Means over the events that have a constituent of the rank; NaN where none has.
    """
    (rank, error), (even, _) = mean_and_error(sums, f"{name}:rank"), mean_and_error(sums, f"{name}:even")
    return {f"rank/{name}": rank, f"rank_error/{name}": error, f"rank_even/{name}": even}
