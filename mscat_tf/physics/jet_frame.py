"""The jet frame: constituents of a fat jet as seen from its own centre and principal axis.

One function for signal and background alike: it never sees a label. Steps (after arXiv:2401.00452; signs and
ranges are ours, see docs/physics.md):

1. shift to the centroid weighted with transverse momentum, azimuth wrapped;
2. rotate by `-theta`, where `theta = 1/2 atan2(2 C_ep, C_ee - C_pp)` is the angle from the eta axis to the principal
   axis of the weighted covariance `C`: afterwards the principal axis lies along eta;
3. mirror eta where there is more energy at eta < 0 than at eta > 0;
4. order by transverse momentum, keep the hardest, pad with zeros.

`theta` is defined modulo pi and only eta is mirrored, so a jet rotated by any angle comes back the same up to a mirror
in phi.
"""

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mscat_tf.physics.four_vectors import Floats, to_cartesian, wrap_phi

CONSTITUENTS_AT_ONCE = 10_000
"""Few enough that the arrays of one step stay in the cache of a core: twice as fast as all jets together."""


class JetFrame(NamedTuple):
    """Jets in their own frame.

    Attributes:
        constituents: `(..., keep, 4)` eta, phi [rad], pt [GeV] and log pt; zeros where `mask` is False.
        mask: `(..., keep)` True where a constituent is real.
        theta: `(...)` angle of the principal axis in the laboratory, in (-pi/2, pi/2] [rad].
        multiplicity: `(...)` constituents before the cut at `keep`.
    """

    constituents: Floats
    mask: NDArray[np.bool_]
    theta: Floats
    multiplicity: NDArray[np.int64]


def to_jet_frame(
    pt: ArrayLike, eta: ArrayLike, phi: ArrayLike, energy: ArrayLike, mask: ArrayLike, keep: int
) -> JetFrame:
    """Bring padded jets into their own frames.

    Args:
        pt, energy: `(..., constituents)` in the laboratory [GeV].
        eta, phi: `(..., constituents)` in the laboratory [1, rad].
        mask: `(..., constituents)` True where real; what stands elsewhere is ignored.
        keep: constituents kept, hardest first.
    """
    mask = np.asarray(mask, dtype=np.bool_)
    flat_pt, flat_eta, flat_phi, flat_energy = (np.asarray(v, np.float64)[mask] for v in (pt, eta, phi, energy))
    frames = to_jet_frames(flat_pt, flat_eta, flat_phi, flat_energy, mask.sum(axis=-1).ravel(), keep)
    return _shaped(frames, mask.shape[:-1])


def to_jet_frames(
    pt: ArrayLike, eta: ArrayLike, phi: ArrayLike, energy: ArrayLike, counts: ArrayLike, keep: int
) -> JetFrame:
    """Bring jets into their own frames, all constituents one jet after the other.

    Args:
        pt, energy: `(total,)` in the laboratory [GeV].
        eta, phi: `(total,)` in the laboratory [1, rad].
        counts: `(jets,)` constituents of each jet.
        keep: constituents kept, hardest first.

    Returns:
        Frames of shape `(jets, ...)`.
    """
    flat = tuple(np.asarray(values, np.float64) for values in (pt, eta, phi, energy))
    counts = np.asarray(counts, np.int64)
    mask = np.arange(keep) < counts[:, np.newaxis]
    frame = JetFrame(np.empty((len(counts), keep, 4)), mask, np.zeros(len(counts)), counts)
    ends = np.cumsum(counts)
    for first, last in _pieces(ends):
        jets, rows = slice(first, last), slice(ends[first] - counts[first], ends[last - 1])
        piece = JetFrame(frame.constituents[jets], mask[jets], frame.theta[jets], counts[jets])
        _fill(piece, *(values[rows] for values in flat))
    return frame


def frames_of_events(
    pt: ArrayLike, eta: ArrayLike, phi: ArrayLike, mass: ArrayLike, counts: ArrayLike, keep: int
) -> JetFrame:
    """The frames of all jets of some events: samples, and scores within an analysis, are made by this alike.

    Args:
        pt, mass: `(total,)` of the constituents in the laboratory, one jet after the other [GeV].
        eta, phi: `(total,)` in the laboratory [1, rad].
        counts: `(events, jets)` constituents of each jet. keep: constituents kept, hardest first.

    Returns:
        Frames of shape `(events, jets, ...)`.
    """
    counts = np.asarray(counts, np.int64)
    frames = to_jet_frames(pt, eta, phi, to_cartesian(pt, eta, phi, mass).energy, counts.ravel(), keep)
    return _shaped(frames, counts.shape)


def _shaped(frames: JetFrame, shape: tuple[int, ...]) -> JetFrame:
    """Frames `(jets, ...)` as `(*shape, ...)`."""
    return JetFrame(
        frames.constituents.reshape(*shape, *frames.constituents.shape[1:]),
        frames.mask.reshape(*shape, *frames.mask.shape[1:]),
        frames.theta.reshape(shape),
        frames.multiplicity.reshape(shape),
    )


def _pieces(ends: NDArray[np.int64]) -> list[tuple[int, int]]:
    """Ranges of jets with about `CONSTITUENTS_AT_ONCE` constituents; `ends` sums these up over the jets."""
    total = int(ends[-1]) if len(ends) else 0
    cuts = np.searchsorted(ends, np.arange(CONSTITUENTS_AT_ONCE, total, CONSTITUENTS_AT_ONCE))
    edges = np.unique([0, *cuts, len(ends)]).tolist()
    return list(pairwise(edges))


def _fill(frame: JetFrame, pt: Floats, eta: Floats, phi: Floats, energy: Floats) -> None:
    """Write the frames of the jets whose constituents these are."""
    counts = frame.multiplicity[frame.multiplicity > 0]
    if len(counts) == 0:
        frame.constituents[:] = 0.0
        return
    starts = np.cumsum(counts) - counts
    jet = np.repeat(np.arange(len(counts)), counts)
    pt, eta, phi, energy = hardest_first(pt, eta, phi, energy, starts, jet)
    x, y = centred(pt, eta, phi, starts, jet)
    theta = principal_angle(pt, x, y, starts)
    x, y = rotated(x, y, np.cos(theta)[jet], np.sin(theta)[jet])
    below = np.add.reduceat(np.sign(x) * energy, starts) < 0.0
    x *= np.where(below, -1.0, 1.0)[jet]
    frame.theta[frame.multiplicity > 0] = theta
    place(frame, x, y, pt)


def place(frame: JetFrame, x: Floats, y: Floats, pt: Floats) -> None:
    """Copy the hardest constituents of each jet into the rectangle; padding is a row of zeros after the last."""
    padding = len(pt)
    rows = np.zeros((padding + 1, 4))
    rows[:-1, 0], rows[:-1, 1], rows[:-1, 2] = x, y, pt
    rows[:-1, 3] = np.log(np.where(pt > 0.0, pt, 1.0))
    starts = np.cumsum(frame.multiplicity) - frame.multiplicity
    source = starts[:, np.newaxis] + np.arange(frame.mask.shape[1])
    source[~frame.mask] = padding
    np.take(rows, source, axis=0, out=frame.constituents, mode="clip")  # the other modes make a copy first


def principal_angle(weight: Floats, x: Floats, y: Floats, starts: NDArray[np.int64]) -> Floats:
    """Angle of the principal axis of the weighted covariance about the origin, in (-pi/2, pi/2] [rad].

    Args:
        weight, x, y: `(total,)`, one jet after the other. starts: `(jets,)` first place of each jet.
    """
    weighted = weight * x
    c_xx, c_xy = np.add.reduceat(weighted * x, starts), np.add.reduceat(weighted * y, starts)
    c_yy = np.add.reduceat(weight * y * y, starts)
    angle = 0.5 * np.arctan2(2.0 * c_xy + 0.0, c_xx - c_yy + 0.0)  # + 0.0: atan2 tells -0.0 from 0.0
    return np.where(angle <= -0.5 * np.pi, 0.5 * np.pi, angle)


def hardest_first(
    pt: Floats, eta: Floats, phi: Floats, energy: Floats, starts: NDArray[np.int64], jet: NDArray[np.intp]
) -> tuple[Floats, Floats, Floats, Floats]:
    """Order by transverse momentum within each jet; jets of our own simulation come in it."""
    rising = pt[1:] > pt[:-1]
    rising[starts[1:] - 1] = False
    if not rising.any():
        return pt, eta, phi, energy
    order = np.lexsort((-pt, jet))
    return pt[order], eta[order], phi[order], energy[order]


def centred(
    pt: Floats, eta: Floats, phi: Floats, starts: NDArray[np.int64], jet: NDArray[np.intp]
) -> tuple[Floats, Floats]:
    """Distances from the centroid; azimuths are first measured from the hardest constituent, away from the seam."""
    total = np.add.reduceat(pt, starts)
    total[total == 0.0] = 1.0
    y = wrapped(phi - phi[starts][jet])
    mean_eta, mean_y = (np.add.reduceat(pt * values, starts) / total for values in (eta, y))
    return eta - mean_eta[jet], wrapped(y - mean_y[jet])


def wrapped(phi: Floats) -> Floats:
    """`wrap_phi`, in place, only where it is needed: its remainder is slow."""
    outside = np.flatnonzero(np.abs(phi) >= np.pi)
    phi[outside] = wrap_phi(phi[outside])
    return phi


def rotated(x: Floats, y: Floats, cosine: Floats, sine: Floats) -> tuple[Floats, Floats]:
    """By minus the angle whose cosine and sine these are."""
    turned = cosine * x
    turned += sine * y
    y = cosine * y
    y -= sine * x
    return turned, y
