"""Two-point energy correlation spectrum of jets. Units: GeV, radians. Axes: `(jets, constituents)`, padding has pT 0.

Lim, Nojiri, arXiv:1807.03312; for the subsets a and b see Chakraborty, Lim, Nojiri, Takeuchi, arXiv:2003.11787.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mscat_tf.physics.four_vectors import Floats
from mscat_tf.physics.jet_blocks import Indices, blocks_of_like_size, lengths

PAIRS_AT_ONCE = 50_000
"""Pairs of constituents held in memory at once: 0.4 MB for each array of them, which stays in the cache of a core."""

Mask = NDArray[np.bool_]


def correlation_spectra(
    pt: Floats, rapidity: Floats, phi: Floats, subsets: Sequence[tuple[Mask, Mask]], bin_width: float, bins: int
) -> Floats:
    """`S2_ab(R) = sum_(i in a, j in b) pT_i pT_j delta(R - R_ij)`, integrated over bins of R.

    Both orders of a pair count, and so does `i = j` at R = 0: without that the first bin would change when a particle
    splits into two collinear ones. Bin k holds `k w <= R < (k + 1) w`, but the last one has no upper edge, so that the
    sum over the bins is `(sum_a pT)(sum_b pT)`, to rounding.

    Args:
        pt, rapidity, phi: `(jets, constituents)` [GeV, 1, rad]; where pt is 0 the others may be anything.
        subsets: pairs of subsets (a, b), each a mask `(jets, constituents)`. The distances are found once for all.
        bin_width: w.
        bins: how many.

    Returns:
        `(jets, subsets, bins)` [GeV^2], 0 for an empty jet.
    """
    found = np.zeros((len(pt), len(subsets), bins))
    for chosen, longest in blocks_of_like_size(lengths(pt), PAIRS_AT_ONCE):
        momenta, *directions = (values[chosen, :longest] for values in (pt, rapidity, phi))
        y, azimuth = (np.where(momenta > 0.0, values, 0.0) for values in directions)
        place = _bins(y, azimuth, bin_width, bins)
        for number, masks in enumerate(subsets):
            first, second = (momenta * mask[chosen, :longest] for mask in masks)
            products = first[:, :, np.newaxis] * second[:, np.newaxis, :]
            summed = np.bincount(place, products.ravel(), minlength=len(chosen) * bins)
            found[chosen, number] = summed.reshape(-1, bins)
    return found


def _bins(rapidity: Floats, phi: Floats, bin_width: float, bins: int) -> Indices:
    """`(jets * constituents^2,)` bin of each pair, counted on from jet to jet.

    In place, and with the square root instead of `hypot`: this is where the time goes.
    """
    squared = rapidity[:, :, np.newaxis] - rapidity[:, np.newaxis, :]
    squared *= squared
    around = np.abs(phi[:, :, np.newaxis] - phi[:, np.newaxis, :])
    np.minimum(around, 2.0 * np.pi - around, out=around)
    around *= around
    squared += around
    place = (np.sqrt(squared, out=squared) / bin_width).astype(np.intp)
    np.minimum(place, bins - 1, out=place)
    place += bins * np.arange(len(phi))[:, np.newaxis, np.newaxis]
    return place.ravel()
