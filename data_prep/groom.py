"""Grooming of fat jets: trimming (Krohn, Thaler, Wang, arXiv:0912.1342) and soft drop (Larkoski, Marzani, Soyez,
Thaler, arXiv:1402.2657). Units: GeV, radians.

Both decide which constituents stay; the groomed jet is their sum. Both fat jets of an event are the hardest two before
grooming, and are ordered again by their transverse momentum after it.
"""

from typing import Any, NamedTuple

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from data_prep import extras
from data_prep.arrays import Ints, offsets_of, rows
from data_prep.cluster import FatJetPairs, as_momenta
from data_prep.detector import Objects
from mscat_tf.config.sample import FatJets, GroomSettings
from mscat_tf.physics.four_vectors import Cylindrical, Floats, from_cartesian, sums_by_owner, to_cartesian

UNBOUNDED_RADIUS = 1000.0
"""Radius of Cambridge/Aachen that joins all of a jet: FastJet's largest."""

Booleans = NDArray[np.bool_]


class TrimmingSubjets(NamedTuple):
    """Constituents of all jets, `(total,)` each: `kept` True in subjets that hold enough of the jet's transverse
    momentum, `leading` in the subjet with most of it.
    """

    kept: Booleans
    leading: Booleans


def groom(pairs: FatJetPairs, objects: Objects, fat_jets: FatJets) -> FatJetPairs:
    """The fat jets after the grooming that the settings ask for.

    Args:
        pairs: as clustered.
        objects: that they were clustered from.
        fat_jets: `groom`, its parameters, and the radius of the jets.

    Raises:
        MissingExtraError: fastjet is not installed.
    """
    if fat_jets.groom == "none" or len(pairs.event) == 0:
        return pairs
    members = objects.take(pairs.constituents)
    jagged = as_momenta(members, pairs.counts.ravel())
    if fat_jets.groom == "trim":
        kept = trimming_subjets(jagged, pairs.jets.pt.ravel(), fat_jets.grooming).kept
    else:
        kept = _kept_by_soft_drop(jagged, fat_jets.grooming, fat_jets.radius)
    return _ordered(_groomed(pairs, members, kept))


def trimming_subjets(jagged: Any, pt: Floats, settings: GroomSettings) -> TrimmingSubjets:
    """Constituents of the kT subjets of trimming.

    Args:
        jagged: constituents of each jet, as `data_prep.cluster.as_momenta` gives them.
        pt: `(jets,)` transverse momentum of the jets [GeV]. settings: radius of the subjets, share of `pt` they need.

    Raises:
        MissingExtraError: fastjet is not installed.
    """
    fastjet = extras.fastjet()
    definition = fastjet.JetDefinition(fastjet.kt_algorithm, settings.subjet_radius)
    sequence = fastjet.ClusterSequence(jagged, definition)
    subjets, members = sequence.inclusive_jets(), sequence.constituent_index()
    of_subjet, counts = np.hypot(subjets.px, subjets.py), ak.to_numpy(ak.num(jagged))
    hard, leading = of_subjet > settings.pt_fraction_min * pt, ak.argmax(of_subjet, axis=1, keepdims=True)

    def among(chosen: Any) -> Booleans:
        flags = np.zeros(counts.sum(), np.bool_)
        flags[ak.to_numpy(ak.flatten(chosen + offsets_of(counts)[:-1], axis=None))] = True
        return flags

    return TrimmingSubjets(among(members[hard]), among(members[leading]))


def _kept_by_soft_drop(jagged: Any, settings: GroomSettings, radius: float) -> Booleans:
    """`(total,)` True for the constituents that soft drop leaves, `z > z_cut (Delta R / radius)^beta`."""
    fastjet = extras.fastjet()
    definition = fastjet.JetDefinition(fastjet.cambridge_algorithm, UNBOUNDED_RADIUS)
    groomed = fastjet.ClusterSequence(jagged, definition).exclusive_jets_softdrop_grooming(
        njets=1, beta=settings.beta, symmetry_cut=settings.z_cut, symmetry_measure="scalar_z", R0=radius
    )
    return np.isin(_identities(jagged), _identities(groomed.constituents))  # FastJet returns momenta, not indices


def _identities(jagged: Any) -> NDArray[Any]:
    """One value per constituent that no other one shares: its jet and its exact momentum."""
    counts = ak.to_numpy(ak.num(jagged))
    jet = np.repeat(np.arange(len(counts), dtype=np.float64), counts)
    columns = [jet, *(ak.to_numpy(ak.flatten(jagged[name])) for name in ("px", "py", "pz"))]
    return np.ascontiguousarray(np.stack(columns, axis=-1)).view("f8,f8,f8,f8").ravel()


def _groomed(pairs: FatJetPairs, members: Objects, kept: Booleans) -> FatJetPairs:
    """Jets as sums of the constituents that stay."""
    jet = np.repeat(np.arange(pairs.counts.size), pairs.counts.ravel())[kept]
    left = members.take(kept)
    momentum = to_cartesian(left.pt, left.eta, left.phi, left.mass)
    shape = pairs.counts.shape
    sums = (values.reshape(shape) for values in sums_by_owner(momentum, jet, pairs.counts.size))
    counts = np.bincount(jet, minlength=pairs.counts.size).reshape(shape)
    return FatJetPairs(pairs.event, from_cartesian(*sums), pairs.constituents[kept], counts)


def _ordered(pairs: FatJetPairs) -> FatJetPairs:
    """The same jets, the harder one of each event first."""
    order = np.argsort(-pairs.jets.pt, axis=1, kind="stable")
    flat: Ints = (order + order.shape[1] * np.arange(len(order))[:, np.newaxis]).ravel()
    jets = Cylindrical(*(np.take_along_axis(values, order, axis=1) for values in pairs.jets))
    members = rows(offsets_of(pairs.counts.ravel()), flat)
    counts = np.take_along_axis(pairs.counts, order, axis=1)
    return FatJetPairs(pairs.event, jets, pairs.constituents[members], counts)
