"""Faults of the preparation released with arXiv:2401.00452, made again from their description to measure what they do.

They are B6 to B8 of `docs/audit.md`. All jets stand one after the other: `(total,)` values of the constituents,
`(jets,)` `starts` where each begins. Units: GeV, radians.
"""

import numpy as np
from numpy.typing import NDArray

from mscat_tf.physics.four_vectors import Floats

Ints = NDArray[np.int64]


def half_wrong_angle(weight: Floats, x: Floats, y: Floats, starts: Ints) -> Floats:
    """B7: `arctan2(u_1, v_1)` of the first components of the leading eigenvector u and the other one v, in (-pi, pi].

    Turning by it is meant to bring the principal axis onto y. The right angle is `arctan2(u_1, u_2)`. The
    eigenvectors are those of `numpy.linalg.eig`, which lists an orthogonal pair `(c, s), (-s, c)`; where it lists the
    leading one second (as it does for `C_yy > C_xx`) v_1 = u_2 and the angle is right, else v_1 = -u_2 and the axis,
    at angle a to x, comes to lie at 2 a + pi / 2.

    Args:
        weight, x, y: `(total,)`. starts: `(jets,)`.
    """
    total = np.add.reduceat(weight, starts)
    total[total == 0.0] = 1.0
    xx, xy, yy = (np.add.reduceat(weight * square, starts) / total for square in (x * x, x * y, y * y))
    covariance = np.stack([np.stack([xx, xy], axis=-1), np.stack([xy, yy], axis=-1)], axis=-2)
    values, vectors = np.linalg.eig(covariance)
    falling = np.argsort(values, axis=-1)[:, ::-1]
    first = np.take_along_axis(vectors[:, 0], falling, axis=-1)
    return np.asarray(np.arctan2(first[:, 0], first[:, 1]))


def opposite_signs(weight: Floats, x: Floats, y: Floats, starts: Ints) -> tuple[Floats, Floats]:
    """B8: factors of x and y, `(jets,)` each, that bring the heavier side to x < 0 and to y > 0.

    Args:
        weight, x, y: `(total,)`. starts: `(jets,)`.
    """
    right, up = (np.add.reduceat(weight * np.sign(axis), starts) for axis in (x, y))
    return np.where(right > 0.0, -1.0, 1.0), np.where(up < 0.0, -1.0, 1.0)


def foreign_azimuths(counts: Ints, foreign: Floats, foreign_counts: Ints) -> Floats:
    """B6: the azimuths of another jet, place by place; 0, as in its padding, beyond its last constituent.

    Args:
        counts: `(jets,)` constituents. foreign, foreign_counts: azimuths `(foreign total,)` of as many other jets
            `(jets,)`.

    Returns:
        `(total,)` for the constituents of the jets themselves.
    """
    place = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    there = place < np.repeat(foreign_counts, counts)
    azimuths = np.zeros(len(place))
    begin = np.repeat(np.cumsum(foreign_counts) - foreign_counts, counts)
    azimuths[there] = foreign[(begin + place)[there]]
    return azimuths
