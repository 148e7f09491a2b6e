"""Where the b hadrons of each fat jet are: the truth with which explanations are compared. Units: GeV, radians."""

import numpy as np

from data_prep.arrays import Ints
from data_prep.btag import B_HADRONS
from data_prep.cluster import FatJetPairs
from data_prep.generator import Particles
from mscat_tf.physics.four_vectors import Floats, delta_r, from_cartesian

KEPT = 2
"""Of each jet: a Higgs boson has two."""


def b_hadrons_in_jets(particles: Particles, pairs: FatJetPairs, radius: float, pt_min: float) -> Floats:
    """Directions in the laboratory of the two hardest weakly decaying b hadrons of every fat jet.

    A hadron belongs to the nearest fat jet whose axis is within `radius`.

    Args:
        particles: generated. pairs: the J fat jets of n events. pt_min: hadrons below are left out [GeV].

    Returns:
        `(n, J, 4)`: eta and phi of the hardest, eta and phi of the next; NaN where there is none.
    """
    event, eta, phi = _hardest_first(particles, pt_min)
    row_of = np.full(int(max(event.max(initial=-1), pairs.event.max(initial=-1))) + 1, -1)
    row_of[pairs.event] = np.arange(len(pairs.event))
    selected = row_of[event] >= 0
    row, eta, phi = row_of[event][selected], eta[selected], phi[selected]
    distance = delta_r(eta[:, None], phi[:, None], pairs.jets.eta[row], pairs.jets.phi[row])
    jets = pairs.jets.eta.shape[1]
    nearest = distance.argmin(axis=1)
    inside = distance[np.arange(len(nearest)), nearest] < radius
    slot, eta, phi = row[inside] * jets + nearest[inside], eta[inside], phi[inside]
    order = np.argsort(slot, kind="stable")  # the hardest of each jet stays first
    counts = np.bincount(slot, minlength=len(pairs.event) * jets)
    rank = np.arange(len(slot)) - np.repeat(np.cumsum(counts) - counts, counts)
    kept = rank < KEPT
    found = np.full((len(pairs.event) * jets, KEPT, 2), np.nan)
    found[slot[order][kept], rank[kept]] = np.stack([eta[order], phi[order]], axis=-1)[kept]
    return found.reshape(len(pairs.event), jets, 2 * KEPT)


def _hardest_first(particles: Particles, pt_min: float) -> tuple[Ints, Floats, Floats]:
    """Event, eta and phi of all b hadrons, by falling transverse momentum."""
    chosen = np.flatnonzero(np.isin(np.abs(particles.pdg_id), B_HADRONS) & ~particles.visible)
    axes = from_cartesian(*(getattr(particles, name)[chosen] for name in ("px", "py", "pz", "energy")))
    order = np.argsort(-axes.pt, kind="stable")
    order = order[axes.pt[order] > pt_min]
    return particles.event[chosen][order], axes.eta[order], axes.phi[order]
