"""Shapes of jets on plain NumPy arrays, distances in the plane of rapidity and azimuth. Units: GeV, radians.

Axes: `(jets, constituents)`; padding stands last and has transverse momentum 0, so it drops out of every sum. `z_i` is
the share of constituent i in the scalar sum of transverse momenta. A ratio whose denominator vanishes is 0.
"""

import numpy as np

from mscat_tf.physics.directions import distance
from mscat_tf.physics.four_vectors import Floats
from mscat_tf.physics.jet_blocks import blocks_of_like_size, lengths

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


def subjettiness(pt: Floats, rapidity: Floats, phi: Floats, axes: tuple[Floats, Floats], beta: float = 1.0) -> Floats:
    """N-subjettiness for R0 = 1 about given axes, `sum z_i min_A Delta R_iA^beta`.

    Thaler, Van Tilburg, arXiv:1011.2268.

    Args:
        pt, rapidity, phi: `(jets, constituents)`.
        axes: rapidity and azimuth of the axes, `(jets, N)` each. beta: angular exponent.

    Returns:
        `(jets,)`.
    """
    y, azimuth = (values[:, np.newaxis, :] for values in axes)
    nearest = distance(rapidity[:, :, np.newaxis], phi[:, :, np.newaxis], y, azimuth).min(axis=-1)
    return angularity(pt, nearest, beta)


def energy_correlations(pt: Floats, rapidity: Floats, phi: Floats, beta: float = 1.0) -> tuple[Floats, Floats]:
    """Energy correlation functions, divided by powers of the scalar sum of transverse momenta.

    Two points `e2 = sum_(i<j) z_i z_j R_ij^beta`, three points `e3 = sum_(i<j<k) z_i z_j z_k (R_ij R_ik R_jk)^beta`
    (Larkoski, Salam, Thaler, arXiv:1305.0007; normalised as in Larkoski, Moult, Neill, arXiv:1409.6298). With the
    matrix `M_ij = sqrt(z_i z_j) R_ij^beta`, whose diagonal is zero, the latter is `trace(M^3) / 6`.

    Args:
        pt, rapidity, phi: `(jets, constituents)`. beta: angular exponent, above 0.

    Returns:
        e2 and e3, `(jets,)` each.
    """
    z, e2, e3 = shares(pt), np.zeros(len(pt)), np.zeros(len(pt))
    for chosen, longest in blocks_of_like_size(lengths(pt), PAIRS_AT_ONCE):
        shares_of, y, azimuth = (values[chosen, :longest] for values in (z, rapidity, phi))
        e2[chosen], e3[chosen] = _correlations(shares_of, y, azimuth, beta)
    return e2, e3


def ratio(above: Floats, below: Floats) -> Floats:
    """`above / below`, 0 where `below` is less than `VANISHING`."""
    safe = below >= VANISHING
    return np.where(safe, above, 0.0) / np.where(safe, below, 1.0)


def _correlations(z: Floats, rapidity: Floats, phi: Floats, beta: float) -> tuple[Floats, Floats]:
    apart = distance(
        rapidity[:, :, np.newaxis], phi[:, :, np.newaxis], rapidity[:, np.newaxis, :], phi[:, np.newaxis, :]
    )
    root = np.sqrt(z)
    matrix = root[:, :, np.newaxis] * root[:, np.newaxis, :] * apart**beta
    square = np.einsum("bij,bkj->bik", matrix, matrix)  # `@` starts threads for each jet: they cost more than they give
    return np.einsum("bij,bi,bj->b", matrix, root, root) / 2.0, (square * matrix).sum(axis=(1, 2)) / 6.0
