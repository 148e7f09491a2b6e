"""Transverse momentum, rapidity and azimuth: the coordinates in which jets are clustered. Units: GeV, radians."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from mscat_tf.physics.four_vectors import Cartesian, Floats, delta_phi


class Direction(NamedTuple):
    """Components `(pt, rapidity, phi)` [GeV, 1, rad], all of one shape."""

    pt: Floats
    rapidity: Floats
    phi: Floats


def direction(momentum: Cartesian) -> Direction:
    """Transverse momentum, rapidity and azimuth of momenta of any shape.

    The rapidity is `sign(pz) ln((E + |pz|) / m_T)` with `m_T^2 = pt^2 + m^2`, which loses no digits along the beam
    (`y = 1/2 ln((E + pz) / (E - pz))`, PDG, Review of Particle Physics, chapter "Kinematics"); a negative mass squared
    (rounding) counts as 0, and a momentum without transverse mass has rapidity 0.
    """
    pt = np.hypot(momentum.px, momentum.py)
    length = np.hypot(pt, momentum.pz)
    mass_squared = np.maximum((momentum.energy - length) * (momentum.energy + length), 0.0)
    transverse_mass = np.sqrt(pt**2 + mass_squared)
    moving = transverse_mass > 0.0
    ratio = np.where(moving, momentum.energy + np.abs(momentum.pz), 1.0) / np.where(moving, transverse_mass, 1.0)
    return Direction(pt, np.copysign(np.log(ratio), momentum.pz), np.arctan2(momentum.py, momentum.px))


def distance(rapidity_1: ArrayLike, phi_1: ArrayLike, rapidity_2: ArrayLike, phi_2: ArrayLike) -> Floats:
    """`sqrt(dy^2 + dphi^2)` with the azimuth wrapped."""
    return np.hypot(np.asarray(rapidity_1, np.float64) - np.asarray(rapidity_2, np.float64), delta_phi(phi_1, phi_2))
