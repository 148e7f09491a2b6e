"""B tagging by weights: the probability that an event is tagged instead of a thrown die.

Track jets are labelled by the heavy hadrons near them; each label is tagged at a rate of the configuration; the weight
of an event is the probability of enough tags in each of its two fat jets. Units: GeV, radians.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from data_prep.arrays import Ints, pad
from data_prep.cluster import TrackJets
from data_prep.generator import Particles
from mscat_tf.config.sample import BTagging, RateMap
from mscat_tf.physics.four_vectors import Floats, delta_r, from_cartesian

LIGHT, CHARM, BOTTOM = 0, 4, 5
B_HADRONS = (511, 521, 531, 541, 5122, 5132, 5232, 5332)
C_HADRONS = (411, 421, 431, 4122, 4132, 4232, 4332)
"""Heavy hadrons that decay weakly (PDG numbers): their strongly decaying parents are no flavour of their own."""


class Hadrons(NamedTuple):
    """Weakly decaying heavy hadrons: index of the event, eta, phi, pt [1, rad, GeV]; flat."""

    event: Ints
    eta: Floats
    phi: Floats
    pt: Floats

    def take(self, chosen: Ints | NDArray[np.bool_]) -> "Hadrons":
        """The chosen hadrons."""
        return Hadrons(self.event[chosen], self.eta[chosen], self.phi[chosen], self.pt[chosen])


def heavy_hadrons(particles: Particles, numbers: tuple[int, ...], pt_min: float) -> Hadrons:
    """Decayed hadrons with these PDG numbers and at least this transverse momentum [GeV]."""
    chosen = np.flatnonzero(np.isin(np.abs(particles.pdg_id), numbers) & ~particles.visible)
    axes = from_cartesian(*(getattr(particles, name)[chosen] for name in ("px", "py", "pz", "energy")))
    return Hadrons(particles.event[chosen], axes.eta, axes.phi, axes.pt).take(axes.pt > pt_min)


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


def flavours_of_ghosts(jets: int, bottom: Ints, charm: Ints) -> Ints:
    """`(jets,)` flavour of each track jet that holds a ghost of a bottom or a charm hadron; bottom wins.

    Args:
        jets: number of track jets. bottom, charm: places from `cluster.places_of_ghosts`.
    """
    flavour = np.full(jets, LIGHT, np.int64)
    flavour[charm[charm >= 0]] = CHARM
    flavour[bottom[bottom >= 0]] = BOTTOM
    return flavour


def fat_jet_of(jets: TrackJets | Hadrons, fat_eta: Floats, fat_phi: Floats, radius: float) -> Ints:
    """`(track jets,)` the nearest fat jet of its event for each track jet within `radius` of its axis, else -1.

    Args:
        jets: track jets, or hadrons. fat_eta, fat_phi: `(events, fat jets)`.
    """
    distance = delta_r(jets.eta[:, np.newaxis], jets.phi[:, np.newaxis], fat_eta[jets.event], fat_phi[jets.event])
    nearest = distance.argmin(axis=1)
    return np.where(distance[np.arange(len(nearest)), nearest] < radius, nearest, -1)


def flavours_in_fat_jets(jets: TrackJets, flavour: Ints, fat_eta: Floats, fat_phi: Floats, radius: float) -> Ints:
    """How many track jets of each flavour every fat jet holds.

    Args:
        jets: track jets. flavour: `(track jets,)`.
        fat_eta, fat_phi, radius: see `fat_jet_of`.

    Returns:
        `(events, fat jets, 3)` numbers of bottom, charm and light track jets.
    """
    fat = fat_jet_of(jets, fat_eta, fat_phi, radius)
    inside = fat >= 0
    counts = np.zeros((*fat_eta.shape, 3), np.int64)
    column = np.select([flavour == BOTTOM, flavour == CHARM], [0, 1], 2)
    np.add.at(counts, (jets.event[inside], fat[inside], column[inside]), 1)
    return counts


def rates_of(jets: TrackJets, flavour: Ints, settings: BTagging) -> Floats:
    """`(track jets,)` probability that each is tagged, from its flavour, and its pT and |eta| where there is a map."""
    found = [_rate(rate, jets) for rate in (settings.b_efficiency, settings.c_mistag, settings.light_mistag)]
    return np.select([flavour == BOTTOM, flavour == CHARM], found[:2], found[2])


def rates_in_fat_jets(jets: TrackJets, rates: Floats, fat_eta: Floats, fat_phi: Floats, radius: float) -> Floats:
    """Rates of the track jets of every fat jet, `(events, fat jets, most)`, padded with 0.

    Args:
        jets: track jets. rates: `(track jets,)`.
        fat_eta, fat_phi, radius: see `fat_jet_of`.
    """
    fat = fat_jet_of(jets, fat_eta, fat_phi, radius)
    inside = np.flatnonzero(fat >= 0)
    number = jets.event[inside] * fat_eta.shape[1] + fat[inside]
    order = np.argsort(number, kind="stable")
    padded, _ = pad(rates[inside][order], np.bincount(number, minlength=fat_eta.size))
    return padded.reshape(*fat_eta.shape, -1)


def tag_count_probabilities(rates: Floats) -> Floats:
    """Probabilities of no tag, of one, and of two or more, tags being independent; they sum to one.

    Args:
        rates: `(..., most)` of the track jets, 0 for padding.

    Returns:
        `(..., 3)`.
    """
    none, one, more = np.ones(rates.shape[:-1]), np.zeros(rates.shape[:-1]), np.zeros(rates.shape[:-1])
    for column in range(rates.shape[-1]):  # some ten track jets at most, however many events
        rate = rates[..., column]
        more += one * rate  # summed, not 1 - none - one: what cannot be tagged must be 0 exactly
        none, one = none * (1.0 - rate), one * (1.0 - rate) + none * rate
    return np.stack([none, one, more], axis=-1)


def event_probability(rates: Floats, tags_per_jet: int) -> Floats:
    """`(events,)` probability that every fat jet holds at least `tags_per_jet` (1 or 2) tagged track jets.

    Args:
        rates: `(events, fat jets, most)` from `rates_in_fat_jets`.
    """
    enough: Floats = tag_count_probabilities(rates)[..., tags_per_jet:].sum(axis=-1)
    return np.asarray(enough.prod(axis=-1))


def _rate(rate: float | RateMap, jets: TrackJets) -> Floats:
    if not isinstance(rate, RateMap):
        return np.full(len(jets.pt), rate)
    values = np.array(rate.rates)
    edges = (jets.pt, rate.pt_edges), (np.abs(jets.eta), rate.abs_eta_edges)
    bins = (np.clip(np.searchsorted(e, x, side="right") - 1, 0, len(e) - 2) for x, e in edges)
    return np.asarray(values[tuple(bins)])


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
