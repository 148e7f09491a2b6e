"""Fat jets from the references that Delphes keeps to their constituents. Units: GeV, radians.

Pure: arrays in, arrays out. What a reference is: `mscat_tf.physics.object_references`.
"""

from typing import NamedTuple

import numpy as np

from data_prep.arrays import Ints, offsets_of, rows
from data_prep.cluster import FatJetPairs
from data_prep.detector import Objects
from mscat_tf.physics.four_vectors import Cylindrical, Floats, delta_r, from_cartesian, sums_by_owner, to_cartesian


class ReferencedJets(NamedTuple):
    """Jets of some events, flat, ordered by event.

    Attributes:
        event: `(jets,)` index of the event.
        jets: pt, eta, phi, mass `(jets,)`: the vector sum of the constituents.
        constituents: `(total,)` indices of the objects. counts: `(jets,)` of each jet.
    """

    event: Ints
    jets: Cylindrical
    constituents: Ints
    counts: Ints


def summed_jets(objects: Objects, event: Ints, constituents: Ints, counts: Ints) -> ReferencedJets:
    """Jets as the vector sums of their constituents.

    Args:
        objects: of the events. event: `(jets,)`. constituents: `(total,)` indices. counts: `(jets,)`.
    """
    chosen = objects.take(constituents)
    momenta = to_cartesian(chosen.pt, chosen.eta, chosen.phi, chosen.mass)
    jet = np.repeat(np.arange(len(counts)), counts)
    sums = sums_by_owner(momenta, jet, len(counts))
    return ReferencedJets(event, from_cartesian(*sums), constituents, counts)


def leading(found: ReferencedJets, pt_min: float, jets: int) -> Ints:
    """`(events, jets)` indices of the leading jets above `pt_min` [GeV] of every event that has so many."""
    hard = np.flatnonzero(found.jets.pt > pt_min)
    hard = hard[np.lexsort((-found.jets.pt[hard], found.event[hard]))]
    _, first, number = np.unique(found.event[hard], return_index=True, return_counts=True)
    return np.asarray(hard[first[number >= jets, np.newaxis] + np.arange(jets)], np.int64)


def as_pairs(objects: Objects, found: ReferencedJets, chosen: Ints) -> FatJetPairs:
    """These jets `(events, J)` with their constituents, as `cluster.fat_jet_pairs` gives them."""
    counts = found.counts[chosen]
    members = found.constituents[rows(offsets_of(found.counts), chosen.ravel())]
    jet = np.repeat(np.arange(counts.size), counts.ravel())
    members = members[np.lexsort((-objects.pt[members], jet))]
    jets = Cylindrical(*(values[chosen] for values in found.jets))
    return FatJetPairs(found.event[chosen[:, 0]], jets, members, counts)


def farthest_constituents(objects: Objects, found: ReferencedJets) -> Floats:
    """`(jets,)` distance from the axis of each jet to its farthest constituent."""
    chosen = objects.take(found.constituents)
    eta, phi = (np.repeat(axis, found.counts) for axis in (found.jets.eta, found.jets.phi))
    farthest = np.zeros(len(found.counts))
    jet = np.repeat(np.arange(len(found.counts)), found.counts)
    np.maximum.at(farthest, jet, delta_r(chosen.eta, chosen.phi, eta, phi))
    return farthest
