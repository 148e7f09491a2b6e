"""What a detector sees: tracks and calorimeter cells, or every visible particle.

A card (`data_prep.detector_card`) says how well; the steps are those of Delphes 3 (arXiv:1307.6346). All particles
deposit in the calorimeters, so that what tracking loses is still measured there. There is no magnetic field, no noise
and no pile-up. Units: GeV, radians.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from data_prep.arrays import Ints
from data_prep.detector_card import Calorimeter, DetectorCard, EnergyShares, Species, Tracker, region_of
from data_prep.energy_flow import Flow, Hits, energy_flow, log_normal
from data_prep.generator import Particles
from mscat_tf.constants import CHARGED_PION_MASS, ELECTRON_MASS, MUON_MASS
from mscat_tf.physics.four_vectors import Floats, from_cartesian, wrap_phi

ELECTRON, MUON, PHOTON, PION, NEUTRAL_KAON = 11, 13, 22, 211, 130
POSITIVE_NUMBER_IS_POSITIVE = (211, 321, 2212, 3222)
POSITIVE_NUMBER_IS_NEGATIVE = (11, 13, 3112, 3312, 3334)

PARTICLE_LEVEL_ABS_ETA_MAX = 4.9
"""Reach of `none`, as of most calorimeters at the LHC; chosen by us."""

TRACK_ABS_ETA_MAX = 2.5
TRACK_PT_MIN = 0.5
"""Tracks that go into track jets, for every detector (ATL-PHYS-PUB-2014-013) [GeV]."""


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


def detect(particles: Particles, card: DetectorCard | None, rng: np.random.Generator) -> Objects:
    """Turn visible particles into reconstructed objects.

    Args:
        particles: of some events.
        card: of the detector; None gives the visible particles themselves in |eta| < 4.9.
        rng: every random number comes from here.
    """
    true = _true_objects(particles)
    if card is None:
        return true.take(np.abs(true.eta) < PARTICLE_LEVEL_ABS_ETA_MAX)
    efficiency = _by_species(card.tracker, true, _efficiency)
    seen = (true.charge != 0) & (rng.random(len(true.pt)) < efficiency)
    found = true.take(seen)
    resolution = _by_species(card.tracker, found, _momentum_resolution)
    tracks = _tracks(found, resolution, card.tracker, rng)
    cells = []
    for calorimeter, pdg_id in ((card.electromagnetic, PHOTON), (card.hadronic, NEUTRAL_KAON)):
        flow = _flow(true, found, tracks, resolution, calorimeter, rng)
        tracks = replace(tracks, pt=tracks.pt * flow.scale)
        cells.append(_neutral_objects(flow, pdg_id))
    parts = (tracks, *cells)
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
    return true.take(true.pt > 0.0)


def _by_species(tracker: Tracker, true: Objects, quantity: Callable[[Species, Floats, Floats], Floats]) -> Floats:
    """`(objects,)` a function of |eta| and pT with the numbers of each object's own species."""
    number = np.abs(true.pdg_id)
    values = np.zeros(len(true.pt))
    groups = {ELECTRON: tracker.electrons, MUON: tracker.muons}
    for species, chosen in [
        *((numbers, number == lepton) for lepton, numbers in groups.items()),
        (tracker.hadrons, ~np.isin(number, list(groups))),
    ]:
        values[chosen] = quantity(species, np.abs(true.eta[chosen]), true.pt[chosen])
    return values


def _efficiency(species: Species, abs_eta: Floats, pt: Floats) -> Floats:
    probability = np.zeros(len(pt))
    region = region_of(species.efficiency, abs_eta)
    for index, entry in enumerate(species.efficiency):
        here = region == index
        steps = np.array([0.0, *entry.value])
        probability[here] = steps[np.searchsorted(entry.pt_above, pt[here])]
    return probability


def _momentum_resolution(species: Species, abs_eta: Floats, pt: Floats) -> Floats:
    terms = np.array([(region.constant, region.slope) for region in species.momentum])
    constant, slope = terms[region_of(species.momentum, abs_eta)].T
    return np.asarray(np.hypot(constant, slope * pt))


def _tracks(true: Objects, resolution: Floats, tracker: Tracker, rng: np.random.Generator) -> Objects:
    number = np.abs(true.pdg_id)
    leptons = [number == ELECTRON, number == MUON]
    angles = tracker.angular_resolution * rng.standard_normal((2, len(true.pt)))
    return Objects(
        event=true.event,
        pt=log_normal(true.pt, resolution * true.pt, rng),
        eta=true.eta + angles[0],
        phi=wrap_phi(true.phi + angles[1]),
        mass=np.select(leptons, [ELECTRON_MASS, MUON_MASS], CHARGED_PION_MASS),
        charge=true.charge,
        pdg_id=np.where(np.any(leptons, axis=0), true.pdg_id, PION * true.charge),
    )


def _flow(
    true: Objects,
    found: Objects,
    tracks: Objects,
    resolution: Floats,
    calorimeter: Calorimeter,
    rng: np.random.Generator,
) -> Flow:
    """Energy flow in one calorimeter; a track points to the cell that its particle hit."""
    left = _energy(true) * _shares(true, calorimeter.energy_shares)
    measured = _energy(tracks) * _shares(found, calorimeter.energy_shares)
    deposits = Hits(true.event, true.eta, true.phi, left, np.zeros(len(left)))
    charged = Hits(found.event, found.eta, found.phi, measured, measured * resolution)
    return energy_flow(deposits, charged, calorimeter, rng)


def _shares(true: Objects, shares: EnergyShares) -> Floats:
    number = np.abs(true.pdg_id)
    kinds = [number == kind for kind in (ELECTRON, PHOTON, MUON)]
    return np.select(kinds, [shares.electrons, shares.photons, shares.muons], shares.hadrons)


def _energy(objects: Objects) -> Floats:
    return np.asarray(np.hypot(objects.pt * np.cosh(objects.eta), objects.mass))


def _neutral_objects(flow: Flow, pdg_id: int) -> Objects:
    zero = np.zeros(len(flow.event), np.int64)
    pt = flow.energy / np.cosh(flow.eta)
    return Objects(flow.event, pt, flow.eta, flow.phi, zero.astype(np.float64), zero, zero + pdg_id)
