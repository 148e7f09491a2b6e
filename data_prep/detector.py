"""What a detector sees: tracks and calorimeter cells, or every visible particle.

`atlas_like` is a fast parametrisation whose efficiencies and resolutions follow the ATLAS card of Delphes 3
(arXiv:1307.6346). Lost tracks deposit their energy in the calorimeter, as in a particle-flow reconstruction.
There is no magnetic field, no noise and no pile-up. Units: GeV, radians.
"""

from dataclasses import dataclass, fields
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from data_prep.arrays import Ints
from data_prep.generator import Particles
from mscat_tf.constants import CHARGED_PION_MASS, ELECTRON_MASS, MUON_MASS
from mscat_tf.physics.four_vectors import Floats, from_cartesian, wrap_phi

ELECTRON, MUON, PHOTON, PION, NEUTRAL_KAON = 11, 13, 22, 211, 130
POSITIVE_NUMBER_IS_POSITIVE = (211, 321, 2212, 3222)
POSITIVE_NUMBER_IS_NEGATIVE = (11, 13, 3112, 3312, 3334)

TRACK_ABS_ETA_MAX = 2.5
TRACK_PT_MIN = 0.5
CALORIMETER_ABS_ETA_MAX = 4.9
ANGULAR_RESOLUTION = 1e-3


@dataclass(frozen=True)
class Objects:
    """Reconstructed objects of some events, flat, ordered by event.

    Attributes:
        event: `(objects,)` index of the event.
        pt, eta, phi, mass: `(objects,)` [GeV, 1, rad, GeV].
        charge: `(objects,)` in units of the positron's; 0 for calorimeter cells.
        pdg_id: `(objects,)` best guess: electron, muon, else pion for a track; photon or K0L for a cell.
    """

    event: Ints
    pt: Floats
    eta: Floats
    phi: Floats
    mass: Floats
    charge: Ints
    pdg_id: Ints

    @property
    def is_track(self) -> NDArray[np.bool_]:
        """`(objects,)` True where a tracker would measure the object."""
        return np.asarray((self.charge != 0) & (np.abs(self.eta) < TRACK_ABS_ETA_MAX) & (self.pt > TRACK_PT_MIN))

    def take(self, chosen: Ints | NDArray[np.bool_]) -> "Objects":
        """The chosen objects."""
        return Objects(*(getattr(self, field.name)[chosen] for field in fields(self)))


@dataclass(frozen=True)
class Calorimeter:
    """A grid of square cells with relative resolution `a (+) b / sqrt(E) (+) c / E`, measured in |eta| < `edge`
    by `inner = (a, b, c)` and beyond by `outer`; cells below `energy_min` or one standard deviation are dropped."""

    cell: float
    energy_min: float
    pdg_id: int
    edge: float
    inner: tuple[float, float, float]
    outer: tuple[float, float, float]


ELECTROMAGNETIC = Calorimeter(0.02, 0.5, PHOTON, 3.2, (0.0017, 0.101, 0.0), (0.0350, 0.285, 0.0))
HADRONIC = Calorimeter(0.1, 1.0, NEUTRAL_KAON, 1.7, (0.0302, 0.5205, 1.59), (0.0500, 0.706, 0.0))


def detect(particles: Particles, kind: Literal["atlas_like", "none"], rng: np.random.Generator) -> Objects:
    """Turn visible particles into reconstructed objects.

    Args:
        particles: of some events.
        kind: `atlas_like`, or `none` for the visible particles themselves within the calorimeter's reach.
        rng: every random number comes from here.
    """
    true = _true_objects(particles)
    if kind == "none":
        return true
    seen = true.is_track & (rng.random(len(true.pt)) < _track_efficiency(true.pt, true.eta))
    rest = true.take(~seen & (np.abs(true.pdg_id) != MUON))
    electromagnetic = np.isin(np.abs(rest.pdg_id), (PHOTON, ELECTRON))
    parts = [
        _tracks(true.take(seen), rng),
        _cells(rest.take(electromagnetic), ELECTROMAGNETIC, rng),
        _cells(rest.take(~electromagnetic), HADRONIC, rng),
    ]
    joined = Objects(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Objects)))
    return joined.take(np.argsort(joined.event, kind="stable"))


def charge_of(pdg_id: Ints) -> Ints:
    """Charge of particles that live long enough to reach the detector, in units of the positron's."""
    number = np.abs(pdg_id)
    positive = np.isin(number, POSITIVE_NUMBER_IS_POSITIVE).astype(np.int64)
    return np.sign(pdg_id) * (positive - np.isin(number, POSITIVE_NUMBER_IS_NEGATIVE))


def _true_objects(particles: Particles) -> Objects:
    chosen = np.flatnonzero(particles.visible)
    momentum = (getattr(particles, name)[chosen] for name in ("px", "py", "pz", "energy"))
    pdg_id = particles.pdg_id[chosen]
    true = Objects(particles.event[chosen], *from_cartesian(*momentum), charge_of(pdg_id), pdg_id)
    return true.take((np.abs(true.eta) < CALORIMETER_ABS_ETA_MAX) & (true.pt > 0.0))


def _track_efficiency(pt: Floats, eta: Floats) -> Floats:
    central = np.abs(eta) < 1.5
    return np.where(pt < 1.0, np.where(central, 0.70, 0.60), np.where(central, 0.95, 0.85))


def _tracks(true: Objects, rng: np.random.Generator) -> Objects:
    number, abs_eta = np.abs(true.pdg_id), np.abs(true.eta)
    regions = [abs_eta < 0.5, abs_eta < 1.5]
    constant, slope = np.select(regions, [0.010, 0.015], 0.025), np.select(regions, [1.0e-4, 1.5e-4], 3.5e-4)
    resolution = np.hypot(constant, slope * true.pt)
    noise = rng.standard_normal((3, len(true.pt)))
    leptons = [number == ELECTRON, number == MUON]
    return Objects(
        event=true.event,
        pt=true.pt * np.maximum(1.0 + resolution * noise[0], 0.01),
        eta=true.eta + ANGULAR_RESOLUTION * noise[1],
        phi=wrap_phi(true.phi + ANGULAR_RESOLUTION * noise[2]),
        mass=np.select(leptons, [ELECTRON_MASS, MUON_MASS], CHARGED_PION_MASS),
        charge=true.charge,
        pdg_id=np.where(np.any(leptons, axis=0), true.pdg_id, PION * true.charge),
    )


def _cells(true: Objects, calorimeter: Calorimeter, rng: np.random.Generator) -> Objects:
    """Energy summed in cells, smeared, and placed at random within its cell."""
    cell, first, energy = _sum_in_cells(true, calorimeter)
    around, along = _grid(calorimeter)
    width = 2.0 * np.pi / around
    eta = (cell // around % along + rng.random(len(cell))) * calorimeter.cell - 5.0
    phi = (cell % around + rng.random(len(cell))) * width - np.pi
    inside = (np.abs(eta) < calorimeter.edge)[:, np.newaxis]
    constant, stochastic, noise = np.where(inside, calorimeter.inner, calorimeter.outer).T
    sigma = np.sqrt((constant * energy) ** 2 + stochastic**2 * energy + noise**2)
    measured = energy + sigma * rng.standard_normal(len(energy))
    kept = (measured > calorimeter.energy_min) & (measured > sigma)
    zero = np.zeros(len(cell), np.int64)
    cells = Objects(
        first, measured / np.cosh(eta), eta, wrap_phi(phi), zero.astype(np.float64), zero, zero + calorimeter.pdg_id
    )
    return cells.take(kept)


def _sum_in_cells(true: Objects, calorimeter: Calorimeter) -> tuple[Ints, Ints, Floats]:
    around, along = _grid(calorimeter)
    row = np.floor((true.eta + 5.0) / calorimeter.cell).astype(np.int64)
    column = np.floor((true.phi + np.pi) / (2.0 * np.pi) * around).astype(np.int64) % around
    cell, place = np.unique((true.event * along + row) * around + column, return_inverse=True)
    energy = np.hypot(true.pt * np.cosh(true.eta), true.mass)
    return cell, cell // (around * along), np.bincount(place, energy, len(cell)).astype(np.float64)


def _grid(calorimeter: Calorimeter) -> tuple[int, int]:
    """Cells around the beam, and along eta from -5 to 5."""
    return round(2.0 * np.pi / calorimeter.cell), round(10.0 / calorimeter.cell)
