"""The jet frame by whole-array NumPy operations on padded jets: the oracle of the jagged one."""

import numpy as np

from mscat_tf.physics.four_vectors import delta_phi, wrap_phi
from mscat_tf.physics.jet_frame import JetFrame


def jet_frame(pt, eta, phi, energy, mask, keep):
    """Bring padded jets into their own frames, as `mscat_tf.physics.to_jet_frame` does.

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


def principal_angle(weight, eta, phi):
    """Angle of the principal axis of the weighted covariance about the origin, in (-pi/2, pi/2] [rad].

    Args:
        weight, eta, phi: `(..., constituents)`; padding has weight 0.
    """
    c_ee, c_pp, c_ep = (np.sum(weight * product, axis=-1) for product in (eta * eta, phi * phi, eta * phi))
    angle = 0.5 * np.arctan2(2.0 * c_ep + 0.0, c_ee - c_pp + 0.0)  # + 0.0: atan2 tells -0.0 from 0.0
    return np.where(angle <= -0.5 * np.pi, 0.5 * np.pi, angle)


def _at_least(values, width):
    """The last axis padded with zeros to this width."""
    missing = max(width - values.shape[-1], 0)
    return np.pad(values, [(0, 0)] * (values.ndim - 1) + [(0, missing)])


def _centred(pt, eta, phi, mask):
    """Distances from the centroid; azimuths are first measured from the hardest constituent, away from the seam."""
    hardest = np.argmax(pt, axis=-1)[..., np.newaxis]
    phi = delta_phi(phi, np.take_along_axis(phi, hardest, axis=-1))
    total = pt.sum(axis=-1, keepdims=True)
    share = np.divide(pt, total, out=np.zeros_like(pt), where=total > 0.0)
    eta = eta - np.sum(share * eta, axis=-1, keepdims=True)
    phi = wrap_phi(phi - np.sum(share * phi, axis=-1, keepdims=True))
    return np.where(mask, eta, 0.0), np.where(mask, phi, 0.0)


def _rotated(eta, phi, angle):
    cosine, sine = np.cos(angle)[..., np.newaxis], np.sin(angle)[..., np.newaxis]
    return cosine * eta - sine * phi, sine * eta + cosine * phi


def _heavier_below(eta, energy):
    below = np.sum(np.where(eta < 0.0, energy, 0.0), axis=-1, keepdims=True)
    above = np.sum(np.where(eta > 0.0, energy, 0.0), axis=-1, keepdims=True)
    return np.asarray(below > above)


def _hardest(pt, eta, phi, mask, keep):
    order = np.argsort(np.where(mask, -pt, np.inf), axis=-1, kind="stable")[..., :keep]
    pt, eta, phi = (np.take_along_axis(values, order, axis=-1) for values in (pt, eta, phi))
    kept = np.take_along_axis(mask, order, axis=-1)
    log_pt = np.log(pt, out=np.zeros_like(pt), where=kept & (pt > 0.0))
    return np.stack([eta, phi, pt, log_pt], axis=-1), kept
