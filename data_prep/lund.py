"""Lund declusterings of jets: the whole Cambridge/Aachen tree, softer branches too. Units: GeV, radians.

Dreyer, Salam, Soyez, arXiv:1807.04758; the tree as input of a network: Dreyer, Qu, arXiv:2012.08526.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from data_prep.arrays import Ints
from data_prep.recluster import Trees
from mscat_tf.physics.four_vectors import Cartesian, Floats
from mscat_tf.physics.lund_plane import lund_coordinates
from mscat_tf.schema import LUND_COLUMNS

_LN_KT = LUND_COLUMNS.index("ln_kt")


class _Declusterings(NamedTuple):
    """Every sum of every tree, in a rectangle of which a jet of c constituents fills c - 1 places.

    Attributes:
        coordinates: `(jets, longest, 5)`. branches: `(jets, longest, 2)` places of the declusterings of both branches,
            -1 where the branch is a constituent. roots: `(jets,)` place of the jet's first declustering, -1 for none.
    """

    coordinates: Floats
    branches: Ints
    roots: Ints


def lund_arrays(trees: Trees, keep: int) -> dict[str, NDArray[Any]]:
    """The hardest declusterings of each jet that hang together.

    From the root on, the declustering with the largest kT is taken among those whose parent is taken already. So
    parents stand before children, and those kept form a tree however few they are.

    Args:
        trees: Cambridge/Aachen trees of the jets. keep: declusterings kept of each jet at most, D.

    Returns:
        `lund/declusterings` `(jets, D, 5)` by `mscat_tf.physics.lund_plane.lund_coordinates`, zeros where there is
        none; `lund/mask` `(jets, D)` True where real; `lund/parent` `(jets, D)` place of the declustering that made
        the branch which this one splits, -1 for the root and where there is none.
    """
    every = _declusterings(trees)
    chosen, parent = _best_first(every, keep)
    mask = chosen >= 0
    jet = np.arange(len(chosen))[:, np.newaxis]
    values = np.zeros((*mask.shape, len(LUND_COLUMNS)), np.float32)
    if mask.any():
        values = np.where(mask[..., np.newaxis], every.coordinates[jet, chosen], 0.0).astype(np.float32)
    return {"lund/declusterings": values, "lund/mask": mask, "lund/parent": parent.astype(np.int32)}


def primary_declusterings(trees: Trees) -> tuple[Floats, NDArray[np.bool_]]:
    """The declusterings along the harder branch of each jet, from the first one on.

    Args:
        trees: Cambridge/Aachen trees of the jets.

    Returns:
        `(jets, most, 5)` by `mscat_tf.physics.lund_plane.lund_coordinates`, zeros where there is none, and the mask
        `(jets, most)`.
    """
    along, at = [], trees.offsets[1:] - 1
    while np.any(is_sum := trees.branches[at, 0] >= 0):
        along.append(np.where(is_sum, at, -1))
        at = np.where(is_sum, trees.branches[at, 0], at)
    places = np.stack([*along, np.full(len(at), -1)], axis=1)[:, : len(along)]
    mask = places >= 0
    values = np.zeros((*mask.shape, len(LUND_COLUMNS)))
    values[mask] = _coordinates(trees, places[mask])
    return values, mask


def _coordinates(trees: Trees, sums: Ints) -> Floats:
    """`(sums, 5)` of the pieces that are sums."""
    return lund_coordinates(
        *(Cartesian(*(values[trees.branches[sums, i]] for values in trees.momentum)) for i in (0, 1))
    )


def _declusterings(trees: Trees) -> _Declusterings:
    sums = np.flatnonzero(trees.branches[:, 0] >= 0)
    first_sum = trees.offsets[:-1] + trees.counts
    jet = np.repeat(np.arange(len(trees.counts)), trees.counts - 1)
    place = sums - first_sum[jet]
    shape = (len(trees.counts), int(trees.counts.max(initial=1)) - 1)
    coordinates = np.zeros((*shape, len(LUND_COLUMNS)))
    coordinates[jet, place] = _coordinates(trees, sums)
    branches = np.full((*shape, 2), -1, np.int64)
    branches[jet, place] = np.maximum(trees.branches[sums] - first_sum[jet][:, np.newaxis], -1)
    return _Declusterings(coordinates, branches, trees.counts - 2)


def _best_first(every: _Declusterings, keep: int) -> tuple[Ints, Ints]:
    """`(jets, keep)` places of the declusterings taken, in order, and the order number of their parents; else -1."""
    jets, longest = every.branches.shape[:2]
    chosen, parent = (np.full((jets, keep), -1, np.int64) for _ in range(2))
    open_kt = np.full((jets, longest), -np.inf)
    parent_of = np.full((jets, longest), -1, np.int64)
    row = np.flatnonzero(every.roots >= 0)
    open_kt[row, every.roots[row]] = every.coordinates[row, every.roots[row], _LN_KT]
    for step in range(min(keep, longest)):
        best = open_kt.argmax(axis=1)
        row = np.flatnonzero(open_kt[np.arange(jets), best] > -np.inf)
        best = best[row]
        chosen[row, step], parent[row, step] = best, parent_of[row, best]
        open_kt[row, best] = -np.inf
        branch = every.branches[row, best]
        at, side = np.nonzero(branch >= 0)
        opened = branch[at, side]
        open_kt[row[at], opened] = every.coordinates[row[at], opened, _LN_KT]
        parent_of[row[at], opened] = step
    return chosen, parent
