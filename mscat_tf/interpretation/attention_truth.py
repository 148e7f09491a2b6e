"""Attention by the distance of constituents to the b hadrons of their jet.

Of each jet that has a b hadron: the share of the attention to the jet that goes to constituents in a range of distances
to the nearest b hadron, beside the share of constituents there, and of transverse momentum. A reader that follows
momentum alone has the shares of momentum; one that finds b hadrons has more at small distances.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mscat_tf.interpretation.group_sums import Members, add_moments, mean_and_error
from mscat_tf.interpretation.part import Arrays
from mscat_tf.physics.four_vectors import delta_r
from mscat_tf.schema import CONSTITUENT_COLUMNS, RAW_COLUMNS

Floats = NDArray[np.floating[Any]]
Mask = NDArray[np.bool_]
EDGES = (0.0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.6, 0.8, 1.0, 1.5)
"""Of the distance in (eta, phi); the last bin also holds what is farther."""
PT, ETA, PHI = (RAW_COLUMNS.index(name) for name in ("pt", "eta", "phi"))
ROUNDING = 1e-4
"""Relative difference up to which momenta of a token and of a raw constituent are the same."""


def distances(raw: Floats, counts: NDArray[Any], hadrons: Floats, tokens: Floats, mask: Mask) -> NDArray[np.float32]:
    """Distance `(n, J, P)` of each token to the nearest b hadron of its jet, NaN for padding and without hadrons.

    Taken in the laboratory, where a distance is the same as in the jet frame, which is shifted, turned and mirrored.
    The i-th token is the i-th hardest raw constituent; where their momenta differ, as in samples with unsorted tokens,
    the distance is NaN.

    Args:
        raw: `(total, columns)` all constituents of n events, hardest first in each jet. counts: `(n, J)`.
        hadrons: `(n, J, 4)` of the data set `truth/b_hadrons`.
        tokens: `(n, J, P, columns)` of the data set `constituents`. mask: `(n, J, P)`.
    """
    starts = (np.cumsum(counts) - counts.ravel()).reshape(counts.shape)
    place = np.where(mask, starts[..., None] + np.arange(mask.shape[2]), 0)
    if not len(raw):
        return np.full(mask.shape, np.nan, np.float32)
    found = raw[place]
    pt = tokens[..., CONSTITUENT_COLUMNS.index("pt")]
    same = mask & (np.abs(found[..., PT] - pt) <= ROUNDING * pt)
    eta, phi = hadrons[:, :, None, 0::2], hadrons[:, :, None, 1::2]
    each = delta_r(found[..., ETA, None], found[..., PHI, None], eta, phi)
    nearest = np.min(np.where(np.isnan(each), np.inf, each), axis=-1)
    return np.where(same & np.isfinite(nearest), nearest, np.nan).astype(np.float32)


def add_by_distance(sums: Arrays, name: str, attention: Floats, distance: Floats, pt: Floats, members: Members) -> None:
    """Add the events of one batch.

    Args:
        sums: see `add_to`. attention: `(n, readers, constituents)`. distance: see `distances`.
        pt: `(n, constituents)` [GeV], 0 for padding.
    """
    known = ~np.isnan(distance)
    bins = np.clip(np.searchsorted(EDGES, distance, "right") - 1, 0, len(EDGES) - 2)
    inside = known[..., None] & (bins[..., None] == np.arange(len(EDGES) - 1))
    kinds = {"truth": attention, "truth_pt": pt[:, None], "truth_number": known[:, None].astype(np.float64)}
    for kind, values in kinds.items():
        filled = np.einsum("erp,epb->erb", values, inside)
        total = filled.sum(axis=-1, keepdims=True)
        share = filled / np.where(total > 0, total, 1.0)
        weight = np.broadcast_to(members.weight[:, None, None] * (total > 0), share.shape)
        add_moments(sums, f"{name}:{kind}", share, weight, members)


def distance_arrays(sums: Arrays, name: str) -> Arrays:
    """`truth/<name>` `(groups, readers, bins)`, `truth_pt/<name>`, `truth_number/<name>` `(groups, 1, bins)`; errors.

    Errors are `truth_error/<name>` and so on. NaN for a group without b hadrons.
    """
    found: Arrays = {}
    for kind in ("truth", "truth_pt", "truth_number"):
        found[f"{kind}/{name}"], found[f"{kind}_error/{name}"] = mean_and_error(sums, f"{name}:{kind}")
    return found
