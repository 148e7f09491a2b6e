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

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mscat_tf.physics.four_vectors import Floats, delta_phi, wrap_phi


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
    mask = _at_least(np.asarray(mask, dtype=np.bool_), keep)
    pt, eta, phi, energy = (
        np.where(mask, _at_least(np.asarray(values, np.float64), keep), 0.0) for values in (pt, eta, phi, energy)
    )
    eta, phi = _centred(pt, eta, phi, mask)
    theta = principal_angle(pt, eta, phi)
    eta, phi = _rotated(eta, phi, -theta)
    eta = np.where(_heavier_below(eta, energy), -eta, eta)
    return JetFrame(*_hardest(pt, eta, phi, mask, keep), theta, mask.sum(axis=-1))


def principal_angle(weight: Floats, eta: Floats, phi: Floats) -> Floats:
    """Angle of the principal axis of the weighted covariance about the origin, in (-pi/2, pi/2] [rad].

    Args:
        weight, eta, phi: `(..., constituents)`; padding has weight 0.
    """
    c_ee, c_pp, c_ep = (np.sum(weight * product, axis=-1) for product in (eta * eta, phi * phi, eta * phi))
    angle = 0.5 * np.arctan2(2.0 * c_ep + 0.0, c_ee - c_pp + 0.0)  # + 0.0: atan2 tells -0.0 from 0.0
    return np.where(angle <= -0.5 * np.pi, 0.5 * np.pi, angle)


def _at_least(values: NDArray[Any], width: int) -> NDArray[Any]:
    """The last axis padded with zeros to this width."""
    missing = max(width - values.shape[-1], 0)
    return np.pad(values, [(0, 0)] * (values.ndim - 1) + [(0, missing)])


def _centred(pt: Floats, eta: Floats, phi: Floats, mask: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Distances from the centroid; azimuths are first measured from the hardest constituent, away from the seam."""
    hardest = np.argmax(pt, axis=-1)[..., np.newaxis]
    phi = delta_phi(phi, np.take_along_axis(phi, hardest, axis=-1))
    total = pt.sum(axis=-1, keepdims=True)
    share = np.divide(pt, total, out=np.zeros_like(pt), where=total > 0.0)
    eta = eta - np.sum(share * eta, axis=-1, keepdims=True)
    phi = wrap_phi(phi - np.sum(share * phi, axis=-1, keepdims=True))
    return np.where(mask, eta, 0.0), np.where(mask, phi, 0.0)


def _rotated(eta: Floats, phi: Floats, angle: Floats) -> tuple[Floats, Floats]:
    cosine, sine = np.cos(angle)[..., np.newaxis], np.sin(angle)[..., np.newaxis]
    return cosine * eta - sine * phi, sine * eta + cosine * phi


def _heavier_below(eta: Floats, energy: Floats) -> NDArray[np.bool_]:
    below = np.sum(np.where(eta < 0.0, energy, 0.0), axis=-1, keepdims=True)
    above = np.sum(np.where(eta > 0.0, energy, 0.0), axis=-1, keepdims=True)
    return np.asarray(below > above)


def _hardest(
    pt: Floats, eta: Floats, phi: Floats, mask: NDArray[np.bool_], keep: int
) -> tuple[Floats, NDArray[np.bool_]]:
    order = np.argsort(np.where(mask, -pt, np.inf), axis=-1, kind="stable")[..., :keep]
    pt, eta, phi = (np.take_along_axis(values, order, axis=-1) for values in (pt, eta, phi))
    kept = np.take_along_axis(mask, order, axis=-1)
    log_pt = np.log(pt, out=np.zeros_like(pt), where=kept & (pt > 0.0))
    return np.stack([eta, phi, pt, log_pt], axis=-1), kept
