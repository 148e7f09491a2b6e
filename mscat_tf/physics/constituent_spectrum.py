"""Spectrum of the constituents' transverse momenta. Units: GeV. Axes: `(jets, constituents)`, padding has pT 0."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mscat_tf.physics.four_vectors import Floats

CONSTITUENTS_AT_ONCE = 100_000
"""Constituents, padding counted, held in memory at once."""


class Spectra(NamedTuple):
    """Of each jet and subset, `(jets, subsets, bins)` each.

    Attributes:
        counts: constituents in the bin.
        sums: their scalar sum of transverse momenta [GeV].
    """

    counts: Floats
    sums: Floats


def constituent_spectra(pt: Floats, subsets: Sequence[NDArray[np.bool_]], edges: ArrayLike) -> Spectra:
    """How many constituents, and how much transverse momentum, lie in each bin of transverse momentum.

    The first and the last bin are open, so the counts of a subset add up to its multiplicity and the sums to its scalar
    sum. Neither is infrared and collinear safe. With the shares `pT_i / sum pT` in place of pt the bins are those of z
    (fragmentation function).

    Args:
        pt: `(jets, constituents)`, 0 in padding.
        subsets: masks `(jets, constituents)`, e.g. all, charged, neutral; a few, for memory grows as `2^subsets`.
        edges: `(bins - 1,)` edges between the bins, ascending; bin k holds `edges[k - 1] <= pT < edges[k]`.
    """
    inner = np.asarray(edges, np.float64)
    found = np.zeros((2, len(pt), len(subsets), len(inner) + 1))
    at_once = max(1, CONSTITUENTS_AT_ONCE // max(1, pt.shape[-1]))
    for start in range(0, len(pt), at_once):
        block = slice(start, start + at_once)
        found[:, block] = _block(pt[block], [mask[block] for mask in subsets], inner)
    return Spectra(*found)


def _block(pt: Floats, subsets: Sequence[NDArray[np.bool_]], inner: Floats) -> Floats:
    """`(2, jets, subsets, bins)` counts and sums.

    Every constituent is binned once, by which of the subsets hold it, and the subsets are sums of those classes.
    """
    real, bins, classes = pt > 0.0, len(inner) + 1, 2 ** len(subsets)
    momenta = pt[real]
    place = np.zeros(len(momenta), np.min_scalar_type(bins))
    for edge in inner:  # a comparison takes less time than a step of a binary search
        place += momenta >= edge
    held = np.zeros(pt.shape, np.min_scalar_type(classes))
    for number, mask in enumerate(subsets):
        held += mask * held.dtype.type(2**number)
    cell = held[real] * np.intp(pt.shape[0] * bins) + place
    cell += np.repeat(bins * np.arange(len(pt)), np.count_nonzero(real, axis=-1))
    size = classes * len(pt) * bins
    both = np.bincount(cell, minlength=size).astype(np.float64), np.bincount(cell, momenta, size)
    member = np.arange(classes) >> np.arange(len(subsets))[:, np.newaxis] & 1
    summed = [member.astype(np.float64) @ cells.reshape(classes, -1) for cells in both]
    return np.stack(summed).reshape(2, len(subsets), len(pt), bins).swapaxes(1, 2)
