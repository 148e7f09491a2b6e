"""Where the b hadrons of each fat jet are: the truth with which explanations are compared. Units: GeV, radians."""

import numpy as np

from data_prep.arrays import offsets_of
from data_prep.btag import B_HADRONS, fat_jet_of, heavy_hadrons
from data_prep.cluster import FatJetPairs
from data_prep.generator import Particles
from mscat_tf.physics.four_vectors import Floats

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
    hadrons = heavy_hadrons(particles, B_HADRONS, pt_min)
    row_of = np.full(len(particles.weights), -1)
    row_of[pairs.event] = np.arange(len(pairs.event))
    hadrons = hadrons._replace(event=row_of[hadrons.event]).take(np.argsort(-hadrons.pt, kind="stable"))
    hadrons = hadrons.take(hadrons.event >= 0)
    nearest = fat_jet_of(hadrons, pairs.jets.eta, pairs.jets.phi, radius)
    jets, inside = pairs.jets.eta.shape[1], nearest >= 0
    slot = (hadrons.event * jets + nearest)[inside]
    order = np.argsort(slot, kind="stable")  # the hardest of each jet stays first
    counts = np.bincount(slot, minlength=pairs.jets.eta.size)
    rank = np.arange(len(slot)) - np.repeat(offsets_of(counts)[:-1], counts)
    kept = rank < KEPT
    found = np.full((pairs.jets.eta.size, KEPT, 2), np.nan)
    found[slot[order][kept], rank[kept]] = np.stack([hadrons.eta, hadrons.phi], axis=-1)[inside][order][kept]
    return found.reshape(len(pairs.event), jets, 2 * KEPT)
