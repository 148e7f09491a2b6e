"""Four-vector arithmetic in float64. Units: GeV and radians. The last axis holds the objects of one event.

Source of the formulas: PDG, Review of Particle Physics, chapter "Kinematics".
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


class Cartesian(NamedTuple):
    """Components `(px, py, pz, energy)` [GeV], all of one shape."""

    px: Floats
    py: Floats
    pz: Floats
    energy: Floats


class Cylindrical(NamedTuple):
    """Components `(pt, eta, phi, mass)` [GeV, 1, rad, GeV], all of one shape."""

    pt: Floats
    eta: Floats
    phi: Floats
    mass: Floats


def to_cartesian(pt: ArrayLike, eta: ArrayLike, phi: ArrayLike, mass: ArrayLike) -> Cartesian:
    """Components along the axes, in float64.

    Args:
        pt, mass: transverse momentum and mass [GeV], any shape that broadcasts.
        eta, phi: pseudorapidity and azimuth [rad].
    """
    pt, eta, phi, mass = (np.asarray(values, dtype=np.float64) for values in (pt, eta, phi, mass))
    energy = np.sqrt(mass**2 + (pt * np.cosh(eta)) ** 2)
    return Cartesian(pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta), energy)


def from_cartesian(px: ArrayLike, py: ArrayLike, pz: ArrayLike, energy: ArrayLike) -> Cylindrical:
    """Inverse of `to_cartesian`. A negative mass squared (rounding) gives mass 0; no transverse momentum, eta 0.

    Args:
        px, py, pz, energy: components [GeV] of one shape.
    """
    px, py, pz, energy = (np.asarray(values, dtype=np.float64) for values in (px, py, pz, energy))
    pt = np.hypot(px, py)
    eta = np.where(pt > 0.0, np.arcsinh(pz / np.where(pt > 0.0, pt, 1.0)), 0.0)
    momentum = np.hypot(pt, pz)
    mass_squared = (energy - momentum) * (energy + momentum)
    return Cylindrical(pt, eta, np.arctan2(py, px), np.sqrt(np.maximum(mass_squared, 0.0)))


def add_four_vectors(pt: ArrayLike, eta: ArrayLike, phi: ArrayLike, mass: ArrayLike) -> Cylindrical:
    """Sum of the objects along the last axis; padding has `pt = mass = 0`.

    Args:
        pt, eta, phi, mass: `(..., objects)` [GeV, 1, rad, GeV].

    Returns:
        `(...)` each, summed in float64 since `E^2 - p^2` cancels badly in float32.
    """
    return from_cartesian(*(component.sum(axis=-1) for component in to_cartesian(pt, eta, phi, mass)))


def sums_by_owner(momenta: Cartesian, owner: NDArray[np.integer], owners: int) -> Cartesian:
    """`(owners,)` sums of the momenta `(total,)` that belong to each; 0 for an owner without.

    Args:
        momenta: one after the other. owner: `(total,)` number of the owner of each, below `owners`.
    """
    return Cartesian(*(np.asarray(np.bincount(owner, values, owners), np.float64) for values in momenta))


def invariant_mass(pt: ArrayLike, eta: ArrayLike, phi: ArrayLike, mass: ArrayLike) -> Floats:
    """Invariant mass `(...)` [GeV] of the sum of the objects along the last axis.

    >>> invariant_mass([50.0, 50.0], [0.0, 0.0], [0.0, np.pi], [0.0, 0.0]).round(9).item()
    100.0
    """
    return add_four_vectors(pt, eta, phi, mass).mass


def wrap_phi(phi: ArrayLike) -> Floats:
    """Azimuth brought into (-pi, pi].

    >>> wrap_phi([np.pi, -np.pi, 3 * np.pi]).round(6).tolist()
    [3.141593, 3.141593, 3.141593]
    """
    wrapped = np.pi - np.mod(np.pi - np.asarray(phi, dtype=np.float64), 2.0 * np.pi)
    return np.where(wrapped <= -np.pi, np.pi, wrapped)


def delta_phi(first: ArrayLike, second: ArrayLike) -> Floats:
    """`first - second`, wrapped into (-pi, pi]."""
    return wrap_phi(np.asarray(first, dtype=np.float64) - np.asarray(second, dtype=np.float64))


def delta_r(eta_1: ArrayLike, phi_1: ArrayLike, eta_2: ArrayLike, phi_2: ArrayLike) -> Floats:
    """Distance `sqrt(d_eta^2 + d_phi^2)` with the azimuth wrapped."""
    return np.hypot(np.asarray(eta_1, dtype=np.float64) - np.asarray(eta_2, dtype=np.float64), delta_phi(phi_1, phi_2))
