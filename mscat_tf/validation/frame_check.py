"""The jet frame made again from `raw/constituents` must be what `constituents` holds.

The file keeps float32, so a jet on a knife edge may fall to the other side when its frame is made again: sums of energy
that balance at eta = 0 (mirror), a principal axis at +-pi/2 (half a turn), a nearly round jet (any angle). Such jets
are held to what is well defined: the mirror images are allowed, the angle's tolerance grows with its own error.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mscat_tf.physics import to_cartesian, to_jet_frame
from mscat_tf.physics.jet_frame import JetFrame
from mscat_tf.schema import KINEMATIC_COLUMNS
from mscat_tf.validation.blocks import EventBlock
from mscat_tf.validation.event_checks import Faults, angle_differs

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

ANGLE_ROUNDING = 2e-6
"""Relative error of the covariance from float32 coordinates: the axis of a jet of gap g and trace t is known to
`ANGLE_ROUNDING * t / g` [rad]."""
DISTANCE = 1e-4
"""Tolerance of eta and phi."""


class Again(NamedTuple):
    """Frames of `(n J)` jets made again, and how far they can be trusted.

    Attributes:
        frame: cut at P constituents. slack: tolerance of the angle [rad].
        balanced: energies on the two sides of eta = 0 are equal within a thousandth, or within what sits on the line.
    """

    frame: JetFrame
    slack: Floats
    balanced: Bools


def jet_frame(block: EventBlock) -> Faults:
    """Frame, mask, multiplicity and theta of each jet, made again."""
    if block.raw is None or block.raw_counts is None or not np.isfinite(block.raw).all():
        return {}
    again = _again(block.raw[:, :4].astype(np.float64), block.raw_counts, block.header.constituents)
    jets = block.raw_counts.shape
    cloud = block["constituents"].astype(np.float64).reshape(-1, block.header.constituents, 4)
    mask = block["constituents_mask"].reshape(-1, block.header.constituents)
    theta = block["kinematics"][:, : jets[1], KINEMATIC_COLUMNS.index("theta")].astype(np.float64).ravel()
    faults = {
        "constituents are not the jet frame of raw/constituents": _coordinates_differ(again, cloud, mask),
        "pt of constituents is not that of raw/constituents": _momenta_differ(again.frame, cloud),
        "theta is not the angle of raw/constituents": angle_differs(theta, again.frame.theta, again.slack),
    }
    return {name: np.any(bad.reshape(jets), axis=1) for name, bad in faults.items()}


def _again(raw: Floats, counts: NDArray[np.int64], keep: int) -> Again:
    """Frames from `(rows, 4)` pt, eta, phi, mass of jets with `(n, J)` rows each."""
    pt, eta, phi, mass = _padded(raw, counts.ravel())
    real = np.arange(pt.shape[1]) < counts.reshape(-1, 1)
    energy = to_cartesian(pt, eta, phi, mass).energy
    frame = to_jet_frame(pt, eta, phi, energy, real, max(pt.shape[1], 1))
    energy = np.take_along_axis(energy, np.argsort(np.where(real, -pt, np.inf), axis=1, kind="stable"), axis=1)
    x, y, weight, _ = np.moveaxis(frame.constituents, -1, 0)
    trace = np.sum(weight * (x**2 + y**2), axis=1)
    gap = np.hypot(np.sum(weight * (x**2 - y**2), axis=1), np.sum(2.0 * weight * x * y, axis=1))
    slack = DISTANCE + ANGLE_ROUNDING * np.divide(trace, gap, out=np.full_like(trace, np.inf), where=gap > 0.0)
    on_the_line = np.sum(np.where(np.abs(x) < DISTANCE, energy, 0.0), axis=1)
    balanced = np.abs(np.sum(np.sign(x) * energy, axis=1)) <= 1e-3 * energy.sum(axis=1) + on_the_line
    missing = max(keep - pt.shape[1], 0)
    cloud = np.pad(frame.constituents, ((0, 0), (0, missing), (0, 0)))[:, :keep]
    mask = np.pad(frame.mask, ((0, 0), (0, missing)))[:, :keep]
    return Again(frame._replace(constituents=cloud, mask=mask), slack, balanced)


def _padded(rows: Floats, counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Rows of jets one after another -> `(columns, jets, longest)`, zeros behind."""
    real = np.arange(counts.max(initial=1)) < counts[:, np.newaxis]
    padded = np.zeros((rows.shape[1], *real.shape))
    padded[:, real] = rows.T
    return padded


def _coordinates_differ(again: Again, cloud: Floats, mask: Bools) -> Bools:
    """`(jets,)`: mirror images in eta and phi are tried only where the jet is on the knife edge for them."""
    found, wanted = cloud[..., :2], again.frame.constituents[..., :2]
    size = np.abs(wanted).max(axis=(1, 2), initial=0.0)
    allowed = DISTANCE + np.minimum(again.slack, np.pi) * size
    at_the_seam = 0.5 * np.pi - np.abs(again.frame.theta) < again.slack
    anywhere = np.ones(len(cloud), np.bool_)
    best = np.full(len(cloud), np.inf)
    for flip_eta, balanced in ((1.0, anywhere), (-1.0, again.balanced)):
        for flip_phi, turned in ((1.0, anywhere), (-1.0, at_the_seam)):
            distance = np.abs(found - wanted * [flip_eta, flip_phi]).max(axis=(1, 2), initial=0.0)
            best = np.where(balanced & turned, np.minimum(best, distance), best)
    return np.asarray((mask != again.frame.mask).any(axis=1) | (best > allowed))


def _momenta_differ(frame: JetFrame, cloud: Floats) -> Bools:
    found, wanted = cloud[..., 2], frame.constituents[..., 2]
    return np.asarray((np.abs(found - wanted) > 1e-5 * np.abs(wanted)).any(axis=1))
