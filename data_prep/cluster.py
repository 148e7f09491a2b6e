"""Jets by the anti-kT algorithm of FastJet (arXiv:0802.1189, arXiv:1111.6097). Units: GeV, radians."""

from dataclasses import fields, replace
from typing import Any, NamedTuple

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from data_prep import extras
from data_prep.arrays import Ints, offsets_of
from data_prep.detector import Objects
from mscat_tf.physics.four_vectors import Cartesian, Cylindrical, Floats, from_cartesian, to_cartesian

GHOST_PT = 1e-18
"""Transverse momentum of a ghost [GeV]: it moves no jet."""

COMPONENTS = ("px", "py", "pz", "E")
"""FastJet's names of those of a momentum."""


class FatJetPairs(NamedTuple):
    """The J leading fat jets of every event that has so many; a pair unless other numbers are asked for.

    Attributes:
        event: `(pairs,)` index of the event.
        jets: pt, eta, phi, mass `(pairs, J)`, the leading one first.
        constituents: `(total,)` indices of the objects of all jets, hardest first in each.
        counts: `(pairs, J)` constituents of each jet.
    """

    event: Ints
    jets: Cylindrical
    constituents: Ints
    counts: Ints


class TrackJets(NamedTuple):
    """Track jets of some events, flat, ordered by event.

    Attributes:
        event: `(jets,)` index of the event. eta, phi, pt: `(jets,)` [1, rad, GeV].
    """

    event: Ints
    eta: Floats
    phi: Floats
    pt: Floats


def fat_jet_pairs(objects: Objects, events: int, radius: float, pt_min: float, jets: int = 2) -> FatJetPairs:
    """The leading fat jets of each event that has so many.

    Args:
        objects: reconstructed objects, ordered by event.
        events: number of events, those without objects included.
        radius: of the anti-kT algorithm. pt_min: jets below are dropped [GeV].
        jets: how many, J.

    Raises:
        MissingExtraError: fastjet is not installed.
    """
    sequence, first = _cluster(objects, events, radius)
    found, members = sequence.inclusive_jets(min_pt=pt_min), sequence.constituent_index(min_pt=pt_min)
    enough = np.flatnonzero(ak.to_numpy(ak.num(found)) >= jets)
    found, members = found[enough], members[enough]
    leading = ak.argsort(found.px**2 + found.py**2, ascending=False, stable=True)[:, :jets]
    found, members = found[leading], members[leading]
    momentum = (ak.to_numpy(found[name]).reshape(-1, jets).astype(np.float64) for name in COMPONENTS)
    counts = ak.to_numpy(ak.flatten(ak.num(members, axis=2))).reshape(-1, jets).astype(np.int64)
    flat = ak.to_numpy(ak.flatten(members, axis=None)).astype(np.int64)
    flat += np.repeat(first[enough], counts.sum(axis=1))
    jet = np.repeat(np.arange(counts.size), counts.ravel())
    return FatJetPairs(enough, from_cartesian(*momentum), flat[np.lexsort((-objects.pt[flat], jet))], counts)


def track_jets(tracks: Objects, events: int, radius: float, pt_min: float) -> TrackJets:
    """Jets of charged tracks, the objects of b tagging.

    Args:
        tracks: ordered by event. events, radius, pt_min: as for `fat_jet_pairs`.
    """
    jets = _cluster(tracks, events, radius)[0].inclusive_jets(min_pt=pt_min)
    counts = ak.to_numpy(ak.num(jets))
    flat = ak.flatten(jets, axis=1)
    axes = from_cartesian(*(ak.to_numpy(flat[name]) for name in COMPONENTS))
    return TrackJets(np.repeat(np.arange(len(counts)), counts), axes.eta, axes.phi, axes.pt)


def places_of_ghosts(tracks: Objects, ghosts: Objects, events: int, radius: float, pt_min: float) -> Ints:
    """Which track jet each ghost is clustered into (ghost association, arXiv:0707.1378).

    Args:
        tracks, events, radius, pt_min: as for `track_jets`, whose jets these are.
        ghosts: ordered by event; only their directions matter.

    Returns:
        `(ghosts,)` place of the jet among those of `track_jets`, -1 for none.
    """
    soft = replace(ghosts, pt=np.full_like(ghosts.pt, GHOST_PT), mass=np.zeros_like(ghosts.mass))
    both = Objects(*(np.concatenate([getattr(part, f.name) for part in (tracks, soft)]) for f in fields(Objects)))
    order = np.argsort(both.event, kind="stable")
    sequence, first = _cluster(both.take(order), events, radius)
    members = sequence.constituent_index(min_pt=pt_min)
    sizes = ak.to_numpy(ak.flatten(ak.num(members, axis=2))).astype(np.int64)
    event = np.repeat(np.arange(events), ak.to_numpy(ak.sum(ak.num(members, axis=2), axis=1)))
    place = np.full(len(both.pt), -1, np.int64)
    place[first[event] + ak.to_numpy(ak.flatten(members, axis=None)).astype(np.int64)] = np.repeat(
        np.arange(len(sizes)), sizes
    )
    unsorted = np.empty_like(place)
    unsorted[order] = place
    return unsorted[len(tracks.pt) :]


def _cluster(objects: Objects, events: int, radius: float) -> tuple[Any, NDArray[np.int64]]:
    """FastJet's result for all events at once, and the first object of each event."""
    fastjet = extras.fastjet()
    counts = np.bincount(objects.event, minlength=events).astype(np.int64)
    definition = fastjet.JetDefinition(fastjet.antikt_algorithm, radius)
    return fastjet.ClusterSequence(as_momenta(objects, counts), definition), offsets_of(counts)[:-1]


def as_momenta(objects: Objects, counts: Ints) -> Any:
    """The objects as a jagged array of so many momenta each, which FastJet reads."""
    return jagged(to_cartesian(objects.pt, objects.eta, objects.phi, objects.mass), counts)


def jagged(momenta: Cartesian, counts: Ints) -> Any:
    """Flat momenta as a jagged array of so many each, which FastJet reads."""
    fields = dict(zip(COMPONENTS, momenta, strict=True))
    return ak.unflatten(ak.zip(fields, with_name="Momentum4D"), counts)
