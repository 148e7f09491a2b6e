"""B tagging by weights: the probability that an event is tagged instead of a thrown die.

Track jets are labelled by the heavy hadrons near them; each label is tagged at a rate of the configuration; the weight
of an event is the probability of enough tags in each of its two fat jets. Units: GeV, radians.
"""

from typing import NamedTuple

import numpy as np

from data_prep.arrays import Ints, pad
from data_prep.cluster import TrackJets
from data_prep.generator import Particles
from mscat_tf.config.sample import BTagging
from mscat_tf.physics.four_vectors import Floats, delta_r, from_cartesian

LIGHT, CHARM, BOTTOM = 0, 4, 5
B_HADRONS = (511, 521, 531, 541, 5122, 5132, 5232, 5332)
C_HADRONS = (411, 421, 431, 4122, 4132, 4232, 4332)
"""Heavy hadrons that decay weakly (PDG numbers): their strongly decaying parents are no flavour of their own."""


class Hadrons(NamedTuple):
    """Weakly decaying heavy hadrons: index of the event, eta, phi [rad]; flat."""

    event: Ints
    eta: Floats
    phi: Floats


def heavy_hadrons(particles: Particles, numbers: tuple[int, ...], pt_min: float) -> Hadrons:
    """Decayed hadrons with these PDG numbers and at least this transverse momentum [GeV]."""
    chosen = np.flatnonzero(np.isin(np.abs(particles.pdg_id), numbers) & ~particles.visible)
    axes = from_cartesian(*(getattr(particles, name)[chosen] for name in ("px", "py", "pz", "energy")))
    hard = axes.pt > pt_min
    return Hadrons(particles.event[chosen][hard], axes.eta[hard], axes.phi[hard])


def flavours(jets: TrackJets, events: int, bottom: Hadrons, charm: Hadrons, radius: float) -> Ints:
    """`(jets,)` flavour of each track jet: 5 or 4 where it is the nearest to such a hadron within `radius`, else 0.

    Args:
        jets: ordered by event. events: their number.
        bottom, charm: hadrons of the same events; bottom wins over charm.
    """
    flavour = np.full(len(jets.event), LIGHT, np.int64)
    flavour[_nearest(jets, events, charm, radius)] = CHARM
    flavour[_nearest(jets, events, bottom, radius)] = BOTTOM
    return flavour


def flavours_in_fat_jets(jets: TrackJets, flavour: Ints, fat_eta: Floats, fat_phi: Floats, radius: float) -> Ints:
    """How many track jets of each flavour every fat jet holds.

    Each track jet belongs to the nearest fat jet of its event, if it lies within `radius` of its axis.

    Args:
        jets: track jets. flavour: `(track jets,)`.
        fat_eta, fat_phi: `(events, fat jets)`.

    Returns:
        `(events, fat jets, 3)` numbers of bottom, charm and light track jets.
    """
    distance = delta_r(jets.eta[:, np.newaxis], jets.phi[:, np.newaxis], fat_eta[jets.event], fat_phi[jets.event])
    nearest = distance.argmin(axis=1)
    inside = distance[np.arange(len(nearest)), nearest] < radius
    counts = np.zeros((*fat_eta.shape, 3), np.int64)
    column = np.select([flavour == BOTTOM, flavour == CHARM], [0, 1], 2)
    np.add.at(counts, (jets.event[inside], nearest[inside], column[inside]), 1)
    return counts


def tag_probability(counts: Ints, settings: BTagging) -> Floats:
    """Probability that every fat jet of an event holds at least `tags_per_jet` tagged track jets.

    Tags are independent, so the number of tags is the sum of three binomials (one for each flavour), of which only
    the probabilities of none and of one are needed.

    Args:
        counts: `(events, fat jets, 3)` from `flavours_in_fat_jets`.

    Returns:
        `(events,)`.
    """
    rates = np.array([settings.b_efficiency, settings.c_mistag, settings.light_mistag])
    none = (1.0 - rates) ** counts
    one = counts * rates * (1.0 - rates) ** np.maximum(counts - 1, 0)
    too_few = none.prod(axis=-1)
    if settings.tags_per_jet == 2:
        others = [none[..., 1] * none[..., 2], none[..., 0] * none[..., 2], none[..., 0] * none[..., 1]]
        too_few = too_few + np.sum(one * np.stack(others, axis=-1), axis=-1)
    return np.asarray(np.maximum(1.0 - too_few, 0.0).prod(axis=-1))


def _nearest(jets: TrackJets, events: int, hadrons: Hadrons, radius: float) -> Ints:
    """Indices of the track jets that are the nearest of their event to some hadron, and within `radius` of it."""
    counts = np.bincount(jets.event, minlength=events)
    (eta, real), (phi, _) = pad(jets.eta, counts), pad(jets.phi, counts)
    if len(hadrons.event) == 0 or real.shape[1] == 0:
        return np.empty(0, np.int64)
    event = hadrons.event
    distance = delta_r(eta[event], phi[event], hadrons.eta[:, np.newaxis], hadrons.phi[:, np.newaxis])
    distance = np.where(real[event], distance, np.inf)
    nearest = distance.argmin(axis=1)
    close = distance[np.arange(len(event)), nearest] < radius
    first = np.cumsum(counts) - counts
    return np.asarray((first[event] + nearest)[close], np.int64)
