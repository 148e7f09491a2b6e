"""The jet frame compiled by Numba: one pass over the constituents of each jet. `jet_frame` says what the steps are.

Importing this module imports Numba, so `jet_frame` does it on first use. The compiled code is kept beside this file, or
in the user's cache folder where that cannot be written.
"""

import math
from collections.abc import Callable
from typing import Any

import numba
import numpy as np


def _compiled(function: Callable[..., Any]) -> Any:
    try:
        return numba.njit(cache=True, error_model="numpy")(function)
    except RuntimeError:  # no folder that could keep the compiled code: compile it in every process
        return numba.njit(error_model="numpy")(function)


@_compiled
def _wrapped(phi: float) -> float:
    """Azimuth brought into (-pi, pi]; the remainder is slow, and most azimuths are there already."""
    if -math.pi < phi <= math.pi:
        return phi
    wrapped = math.pi - (math.pi - phi) % (2.0 * math.pi)
    return math.pi if wrapped <= -math.pi else wrapped


@_compiled
def _principal_angle(c_ee: float, c_pp: float, c_ep: float) -> float:
    """From the eta axis to the principal axis of this covariance, in (-pi/2, pi/2] [rad]."""
    angle = 0.5 * math.atan2(2.0 * c_ep + 0.0, c_ee - c_pp + 0.0)  # + 0.0: atan2 tells -0.0 from 0.0
    return 0.5 * math.pi if angle <= -0.5 * math.pi else angle


@_compiled
def _centre(pt: Any, eta: Any, phi: Any, x: Any, y: Any) -> None:
    """Distances from the centroid; azimuths are first measured from the hardest constituent, away from the seam."""
    origin, total, mean_x, mean_y = phi[np.argmax(pt)], 0.0, 0.0, 0.0
    for i in range(len(pt)):
        x[i], y[i] = eta[i], _wrapped(phi[i] - origin)
        total += pt[i]
        mean_x += pt[i] * x[i]
        mean_y += pt[i] * y[i]
    if total > 0.0:
        mean_x, mean_y = mean_x / total, mean_y / total
    for i in range(len(pt)):
        x[i], y[i] = x[i] - mean_x, _wrapped(y[i] - mean_y)


@_compiled
def _turn(pt: Any, energy: Any, x: Any, y: Any) -> float:
    """Rotate the principal axis onto eta, and mirror eta where there is more energy below; return the angle."""
    c_ee = c_pp = c_ep = below = above = 0.0
    for i in range(len(pt)):
        c_ee += pt[i] * x[i] * x[i]
        c_pp += pt[i] * y[i] * y[i]
        c_ep += pt[i] * x[i] * y[i]
    theta: float = _principal_angle(c_ee, c_pp, c_ep)
    cosine, sine = math.cos(theta), math.sin(theta)
    for i in range(len(pt)):
        x[i], y[i] = cosine * x[i] + sine * y[i], cosine * y[i] - sine * x[i]
        if x[i] < 0.0:
            below += energy[i]
        elif x[i] > 0.0:
            above += energy[i]
    if below > above:
        for i in range(len(pt)):
            x[i] = -x[i]
    return theta


@_compiled
def _hardest_first(pt: Any) -> Any:
    """Order by descending transverse momentum, equal ones as they are; jets of our own simulation come in it."""
    for i in range(1, len(pt)):
        if not pt[i] <= pt[i - 1]:
            return np.argsort(-pt, kind="mergesort")  # the stable one
    return np.arange(len(pt))


@_compiled
def jet_frames(pt: Any, eta: Any, phi: Any, energy: Any, offsets: Any, constituents: Any, mask: Any, theta: Any) -> None:
    """Fill the frames of jagged jets.

    Args:
        pt, eta, phi, energy: `(total,)` constituents of all jets, one jet after the other.
        offsets: `(jets + 1,)` jet i owns `offsets[i]` to `offsets[i + 1]`.
        constituents, mask, theta: filled, `(jets, keep, 4)`, `(jets, keep)` and `(jets,)`, all zero before.
    """
    keep = mask.shape[1]
    longest = np.max(offsets[1:] - offsets[:-1])
    x, y = np.empty(longest), np.empty(longest)
    for jet in range(len(theta)):
        start, stop = offsets[jet], offsets[jet + 1]
        if start == stop:
            continue
        own_pt = pt[start:stop]
        _centre(own_pt, eta[start:stop], phi[start:stop], x, y)
        theta[jet] = _turn(own_pt, energy[start:stop], x, y)
        order = _hardest_first(own_pt)
        for place in range(min(keep, stop - start)):
            i = order[place]
            row = constituents[jet, place]
            row[0], row[1], row[2] = x[i], y[i], own_pt[i]
            row[3] = math.log(own_pt[i]) if own_pt[i] > 0.0 else 0.0
            mask[jet, place] = True
