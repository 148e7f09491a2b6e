"""The jet frame with each of its steps as it is, left out, or as the released code has it.

`mscat_tf.physics.jet_frame` makes the samples; this makes their constituents anew for an audit of what a step does.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mscat_tf.physics.four_vectors import Floats
from mscat_tf.physics.jet_frame import JetFrame, centred, hardest_first, place, principal_angle, rotated, wrapped
from mscat_tf.physics.released_preparation import half_wrong_angle, opposite_signs


class FrameSteps(NamedTuple):
    """Words of `mscat_tf.config.preparation.Preparation`; the defaults are `to_jet_frames`."""

    shift: str = "centroid"
    rotate: str = "principal"
    flip: str = "energy"
    order: str = "pt"


def to_prepared_frames(
    pt: ArrayLike, eta: ArrayLike, phi: ArrayLike, energy: ArrayLike, counts: ArrayLike, keep: int, steps: FrameSteps
) -> JetFrame:
    """Bring jets into their frames by these steps, all constituents one jet after the other.

    Args:
        pt, energy: `(total,)` in the laboratory [GeV].
        eta, phi: `(total,)` in the laboratory [1, rad].
        counts: `(jets,)` constituents of each jet.
        keep: constituents kept, those that stand first in the order of `steps`.
        steps: what is done.

    Returns:
        Frames of shape `(jets, ...)`; `theta` is that of `half_wrong_angle` where jets are turned by it.
    """
    flat = [np.asarray(values, np.float64) for values in (pt, eta, phi, energy)]
    counts = np.asarray(counts, np.int64)
    mask = np.arange(keep) < counts[:, np.newaxis]
    frame = JetFrame(np.zeros((len(counts), keep, 4)), mask, np.zeros(len(counts)), counts)
    some = counts[counts > 0]
    if len(some) == 0:
        return frame
    starts, jet = np.cumsum(some) - some, np.repeat(np.arange(len(some)), some)
    if steps.order == "pt":
        flat = list(hardest_first(flat[0], flat[1], flat[2], flat[3], starts, jet))
    weight, height, azimuth, strength = flat
    x, y = centred(weight, height, azimuth, starts, jet)
    middle = height[starts] - x[starts], azimuth[starts] - y[starts]
    x, y, theta = _turned(steps.rotate, weight, x, y, starts, jet)
    x, y = _mirrored(steps.flip, weight, strength, x, y, starts, jet)
    if steps.shift == "none":
        x, y = x + middle[0][jet], wrapped(y + middle[1][jet])
    frame.theta[counts > 0] = theta
    place(frame, x, y, weight)
    return frame


def _turned(
    rotate: str, weight: Floats, x: Floats, y: Floats, starts: NDArray[np.int64], jet: NDArray[np.intp]
) -> tuple[Floats, Floats, Floats]:
    """Coordinates after the rotation, and its angle."""
    if rotate == "half_wrong":
        angle = half_wrong_angle(weight, x, y, starts)
        return *rotated(x, y, np.cos(angle)[jet], -np.sin(angle)[jet]), angle
    angle = principal_angle(weight, x, y, starts)
    if rotate == "none":
        return x, y, angle
    return *rotated(x, y, np.cos(angle)[jet], np.sin(angle)[jet]), angle


def _mirrored(
    flip: str,
    weight: Floats,
    energy: Floats,
    x: Floats,
    y: Floats,
    starts: NDArray[np.int64],
    jet: NDArray[np.intp],
) -> tuple[Floats, Floats]:
    if flip == "energy":
        below = np.add.reduceat(np.sign(x) * energy, starts) < 0.0
        return x * np.where(below, -1.0, 1.0)[jet], y
    if flip == "opposite":
        of_x, of_y = opposite_signs(weight, x, y, starts)
        return x * of_x[jet], y * of_y[jet]
    return x, y
