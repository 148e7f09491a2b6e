"""Minkowski functionals of the union of discs about the constituents of a jet, exactly. Units: GeV, radians.

The three functionals of a set in the plane (Hadwiger): area, length of the boundary, Euler number (pieces minus holes).
Dilated constituents: Chakraborty, Lim, Nojiri, Takeuchi, arXiv:2003.11787; Lim, Nojiri, arXiv:2010.13469.

The boundary of the union consists of those arcs of each circle that no other disc covers. With the free arcs from t0 to
t1 of a circle about c (all sums over all free arcs of all circles):

* length = `sum r (t1 - t0)`;
* area = `1/2 sum [r^2 (t1 - t0) + r c_x (sin t1 - sin t0) - r c_y (cos t1 - cos t0)]` (Green);
* `2 pi` Euler number = `sum [(t1 - t0) - 2 asin(d / 2r)]` (Gauss and Bonnet: an arc turns by its angle; at a corner,
  where a free arc of one circle ends and one of a circle at distance d begins, the boundary turns back by
  `2 asin(d / 2r)`).

Discs are closed. So that rounding has no say in whether discs touch (towers on a grid do), each radius is enlarged by
`TOUCHING` of itself. Axes: `(jets, constituents)`, padding has pT 0.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mscat_tf.physics.four_vectors import Floats
from mscat_tf.physics.jet_blocks import Indices, blocks_of_like_size, lengths, unwrapped

PAIRS_AT_ONCE = 40_000
"""Pairs of constituents held in memory at once: 0.3 MB for each of a dozen arrays, so that they stay in a cache."""

TOUCHING = 1e-9
"""Share of itself by which each radius is enlarged."""

COINCIDENT = 1e-9
"""Constituents nearer than this are one point [rad]."""

TURN = 2.0 * np.pi

ABSENT = 1e3
"""Added to the angle of an arc that is not there, so that it stands behind all others: cheaper than to choose."""


class Functionals(NamedTuple):
    """`(jets, thresholds, radii)` each: area [rad^2], length of the boundary [rad], Euler number."""

    area: Floats
    length: Floats
    euler: Floats


def disc_functionals(
    pt: Floats, eta: Floats, phi: Floats, radii: Sequence[float], thresholds: Sequence[float]
) -> Functionals:
    """Minkowski functionals of the union of discs of each radius about the constituents above each threshold.

    Radius 0 gives area and length 0 and, as Euler number, the number of distinct points: the multiplicity, with
    constituents of one direction counted once.

    Args:
        pt, eta, phi: `(jets, constituents)` [GeV, 1, rad]; where pt is 0 the others may be anything. Constituents must
            lie within pi of the hardest one in azimuth.
        radii: not below 0 [rad].
        thresholds: a constituent counts if its pt is greater than this [GeV].

    Returns:
        All 0 where no constituent is above the threshold.
    """
    found = np.zeros((3, len(pt), len(thresholds), len(radii)))
    for chosen, longest in blocks_of_like_size(lengths(pt), PAIRS_AT_ONCE):
        pairs = _Pairs(*_hardest_first(*(values[chosen, :longest] for values in (pt, eta, phi))))
        for row, threshold in enumerate(thresholds):
            counted = pairs.distinct & (pairs.pt > threshold)
            jet, point = np.nonzero(counted)
            counted = counted[:, : point.max(initial=0) + 1]
            for column in np.argsort(radii):
                values, outer = _union(pairs, counted, jet, point, radii[column] * (1.0 + TOUCHING))
                found[:, chosen, row, column] = values
                jet, point = jet[outer], point[outer]
    return Functionals(*found)


def _hardest_first(pt: Floats, eta: Floats, phi: Floats) -> tuple[Floats, Floats, Floats]:
    """Constituents in the order of pt, so that a threshold keeps the first ones; see `unwrapped` for the directions."""
    order = np.argsort(-pt, axis=-1, kind="stable")
    pt, eta, phi = (np.take_along_axis(values, order, axis=-1) for values in (pt, eta, phi))
    return pt, *unwrapped(pt, eta, phi)


class _Pairs:
    """What the pairs of constituents of a block of jets have for every radius and threshold.

    Attributes:
        pt, x, y: `(jets, n)`.
        apart, angle: `(jets, n, n)` distance, and azimuth of the second as seen from the first.
        distinct: `(jets, n)` is no padding, and no harder constituent has its direction.
    """

    def __init__(self, pt: Floats, x: Floats, y: Floats) -> None:
        self.pt, self.x, self.y = pt, x, y
        across, up = (values[:, np.newaxis, :] - values[:, :, np.newaxis] for values in (x, y))
        self.apart, self.angle = np.sqrt(across**2 + up**2), np.arctan2(up, across)
        before = np.tri(pt.shape[1], k=-1, dtype=np.bool_)
        self.distinct = (pt > 0.0) & ~((self.apart < COINCIDENT) & before).any(axis=-1)


def _union(
    pairs: _Pairs, counted: NDArray[np.bool_], jet: Indices, point: Indices, radius: float
) -> tuple[Floats, NDArray[np.bool_]]:
    """Functionals of the union of the discs about the counted points.

    The free arcs of a circle shrink as all radii grow: a direction is free until it leaves the point's Voronoi cell. So
    circles without free arcs need not be looked at again for a larger radius, but their discs cover others.

    Args:
        counted: `(jets, n)`. jet, point: `(circles,)` of those that may have free arcs.

    Returns:
        `(3, jets)` area, length and Euler number; `(circles,)` whether it has a free arc.
    """
    within = np.s_[: counted.shape[1]]
    apart = pairs.apart[jet, point, within]
    near = (apart <= 2.0 * radius) & (apart >= COINCIDENT) & counted[jet, within]
    several = np.count_nonzero(near, axis=-1)
    met, outer = np.flatnonzero(several), several == 0
    angle = pairs.angle[jet[met], point[met], within]
    arc, start, stop, turned = _free_arcs(near[met], several[met], apart[met], angle, radius)
    owner, x, y = (values[met[arc]] for values in (jet, pairs.x[jet, point], pairs.y[jet, point]))
    shift = x * (np.sin(stop) - np.sin(start)) - y * (np.cos(stop) - np.cos(start))
    area, turn, corners = (
        np.bincount(owner, weights, minlength=len(counted)) for weights in (radius * shift, stop - start, turned)
    )
    turn = turn + TURN * np.bincount(jet[outer], minlength=len(counted))
    euler = np.rint((turn - corners) / TURN) + 0.0
    outer[met[arc]] = True
    return np.stack([(radius**2 * turn + area) / 2.0, radius * turn, euler]), outer


def _free_arcs(
    near: NDArray[np.bool_], several: Indices, apart: Floats, angle: Floats, radius: float
) -> tuple[Indices, Floats, Floats, Floats]:
    """Arcs of each circle that no other disc covers.

    With the beginnings and the ends of the covered arcs each sorted by themselves, there is a free arc before the k-th
    beginning where the k-th smallest end lies before it: then all arcs that began earlier have ended.

    Args:
        near: `(circles, n)` discs that meet the circle's own one. several: `(circles,)` how many, at least 1.
        apart, angle: `(circles, n)` as in `_Pairs`.

    Returns:
        `(arcs,)` number of the circle, beginning and end of the arc, and the angle `2 asin(d / 2r)` by which the
        boundary turns back at its end.
    """
    half = np.arccos(np.minimum(apart / max(2.0 * radius, np.finfo(np.float64).tiny), 1.0))
    begin = angle - half
    begin += TURN * (begin < -np.pi) + ABSENT * ~near
    begins, ends = np.sort(begin, axis=-1), np.sort(begin + 2.0 * half, axis=-1)
    last = (ends[np.arange(len(ends)), several - 1] - TURN)[:, np.newaxis]
    free = (begins < ABSENT / 2.0) & (begins > last)
    free[:, 1:] &= begins[:, 1:] > ends[:, :-1]
    circle, place = np.divmod(np.flatnonzero(free), free.shape[1])
    start = np.maximum(np.where(place > 0, ends[circle, place - 1], -np.inf), last[circle, 0])
    stop = begins[circle, place]
    neighbour = np.argmax(begin[circle] == stop[:, np.newaxis], axis=-1)
    return circle, start, stop, np.pi - 2.0 * half[circle, neighbour]
