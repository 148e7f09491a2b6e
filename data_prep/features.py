"""From fat jets and their constituents to the arrays of the schema. Units: GeV, radians.

Simulation and importers alike end here, so every sample is made by the same jet frame and the same tokens.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_prep.arrays import Ints, offsets_of, rows
from data_prep.cluster import FatJetPairs
from data_prep.detector import Objects
from mscat_tf.physics import Cylindrical, kinematic_tokens, to_jet_frames
from mscat_tf.physics.four_vectors import to_cartesian

Arrays = dict[str, NDArray[Any]]


def chosen_pairs(pairs: FatJetPairs, chosen: Ints) -> FatJetPairs:
    """The fat jets of these rows, with their constituents."""
    members = rows(offsets_of(pairs.counts.sum(axis=1)), chosen)
    jets = Cylindrical(*(values[chosen] for values in pairs.jets))
    return FatJetPairs(pairs.event[chosen], jets, pairs.constituents[members], pairs.counts[chosen])


def features(objects: Objects, pairs: FatJetPairs, keep: int) -> Arrays:
    """Constituents in the jet frame, kinematic tokens and raw constituents.

    Args:
        objects: reconstructed objects.
        pairs: the J fat jets of n events, each jet's constituents ordered by transverse momentum.
        keep: constituents kept of each jet, P.

    Returns:
        `constituents` `(n, J, P, 4)`, `constituents_mask` `(n, J, P)`, `kinematics` `(n, K, 6)` with K = J + 1 (1 for
        J = 1), `multiplicity` `(n, J)`, `raw/constituents` `(total, 6)`, as in `mscat_tf.schema`.
    """
    raw = objects.take(pairs.constituents)
    counts = pairs.counts.ravel()
    energy = to_cartesian(raw.pt, raw.eta, raw.phi, raw.mass).energy
    frame = to_jet_frames(raw.pt, raw.eta, raw.phi, energy, counts, keep)
    shape = pairs.counts.shape
    return {
        "constituents": frame.constituents.reshape(*shape, keep, 4),
        "constituents_mask": frame.mask.reshape(*shape, keep),
        "kinematics": kinematic_tokens(*pairs.jets, frame.theta.reshape(shape)),
        "multiplicity": pairs.counts,
        "raw/constituents": np.stack([raw.pt, raw.eta, raw.phi, raw.mass, raw.charge, raw.pdg_id], axis=-1),
    }
