"""Shapes of jets on plain NumPy arrays, distances in the plane of rapidity and azimuth. Units: GeV, radians.

Axes: `(jets, constituents)`; padding stands last and has transverse momentum 0, so it drops out of every sum. `z_i` is
the share of constituent i in the scalar sum of transverse momenta. A ratio whose denominator vanishes is 0.
"""

import numpy as np

from mscat_tf.physics.directions import distance
from mscat_tf.physics.four_vectors import Floats

VANISHING = 1e-9
"""A denominator below counts as 0: rounding of the axes of subjets leaves some 1e-15 of it."""

PAIRS_AT_ONCE = 100_000
"""Pairs of constituents held in memory at once: 0.8 MB for each array of them, which stays in the cache of a core."""


def shares(pt: Floats) -> Floats:
    """`z_i`, of the shape of `pt`."""
    return np.asarray(pt / pt.sum(axis=-1, keepdims=True), np.float64)


def angularity(pt: Floats, distances: Floats, beta: float) -> Floats:
    """`(jets,)` `sum z_i theta_i^beta`, with `theta_i` the distance from the jet's axis over a radius R = 1.

    beta = 1 is the girth (Gallicchio, Schwartz, arXiv:1106.3076), beta = 1/2 the Les Houches angularity (Gras et al.,
    arXiv:1704.03878, with kappa = 1).

    Args:
        pt, distances: `(jets, constituents)`.
    """
    return np.asarray((shares(pt) * distances**beta).sum(axis=-1), np.float64)


def pt_dispersion(pt: Floats) -> Floats:
    """`(jets,)` `sqrt(sum pT_i^2) / sum pT_i`: 1 for a single constituent, `1 / sqrt(n)` for n equal ones.

    CMS, JME-13-002; its square is the angularity of arXiv:1704.03878 with kappa = 2 and beta = 0.
    """
    return np.asarray(np.sqrt((shares(pt) ** 2).sum(axis=-1)), np.float64)


def subjettiness(pt: Floats, rapidity: Floats, phi: Floats, axes: tuple[Floats, Floats]) -> Floats:
    """N-subjettiness for beta = 1 and R0 = 1 about given axes, `sum z_i min_A Delta R_iA`.

    Thaler, Van Tilburg, arXiv:1011.2268.

    Args:
        pt, rapidity, phi: `(jets, constituents)`.
        axes: rapidity and azimuth of the axes, `(jets, N)` each.

    Returns:
        `(jets,)`.
    """
    y, azimuth = (values[:, np.newaxis, :] for values in axes)
    nearest = distance(rapidity[:, :, np.newaxis], phi[:, :, np.newaxis], y, azimuth).min(axis=-1)
    return np.asarray((shares(pt) * nearest).sum(axis=-1), np.float64)


def energy_correlations(pt: Floats, rapidity: Floats, phi: Floats) -> tuple[Floats, Floats]:
    """Energy correlation functions for beta = 1, divided by powers of the scalar sum of transverse momenta.

    Two points `e2 = sum_(i<j) z_i z_j R_ij`, three points `e3 = sum_(i<j<k) z_i z_j z_k R_ij R_ik R_jk` (Larkoski,
    Salam, Thaler, arXiv:1305.0007; normalised as in Larkoski, Moult, Neill, arXiv:1409.6298). With the matrix
    `M_ij = sqrt(z_i z_j) R_ij`, whose diagonal is zero, the latter is `trace(M^3) / 6`.

    Args:
        pt, rapidity, phi: `(jets, constituents)`.

    Returns:
        e2 and e3, `(jets,)` each.
    """
    present = (pt > 0.0).sum(axis=-1)
    order = np.argsort(-present, kind="stable")  # like sizes together: the cost grows with the cube of the largest
    z, e2, e3 = shares(pt), np.zeros(len(pt)), np.zeros(len(pt))
    start = 0
    while start < len(pt):
        longest = int(present[order[start]])
        chosen = order[start : start + max(1, PAIRS_AT_ONCE // longest**2)]
        e2[chosen], e3[chosen] = _correlations(*(values[chosen, :longest] for values in (z, rapidity, phi)))
        start += len(chosen)
    return e2, e3


def ratio(above: Floats, below: Floats) -> Floats:
    """`above / below`, 0 where `below` is less than `VANISHING`."""
    safe = below >= VANISHING
    return np.where(safe, above, 0.0) / np.where(safe, below, 1.0)


def _correlations(z: Floats, rapidity: Floats, phi: Floats) -> tuple[Floats, Floats]:
    apart = distance(
        rapidity[:, :, np.newaxis], phi[:, :, np.newaxis], rapidity[:, np.newaxis, :], phi[:, np.newaxis, :]
    )
    root = np.sqrt(z)
    matrix = root[:, :, np.newaxis] * root[:, np.newaxis, :] * apart
    square = np.einsum(
        "bij,bkj->bik", matrix, matrix
    )  # `@` starts threads for each jet, which costs more than they give
    return np.einsum("bij,bi,bj->b", matrix, root, root) / 2.0, (square * matrix).sum(axis=(1, 2)) / 6.0
