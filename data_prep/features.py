"""From fat jets and their constituents to the arrays of the schema. Units: GeV, radians.

Simulation and importers alike end here, so every sample is made by the same jet frame and the same tokens.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_prep.arrays import Ints, offsets_of, pad, rows
from data_prep.cluster import FatJetPairs
from data_prep.detector import Objects
from data_prep.jet_variables import jet_arrays, known_charges
from data_prep.subjets import subjet_arrays
from mscat_tf.config.sample import Tokens
from mscat_tf.physics import Cylindrical, kinematic_tokens
from mscat_tf.physics.event_shapes import event_shapes
from mscat_tf.physics.four_vectors import Floats
from mscat_tf.physics.high_level_columns import chosen_columns
from mscat_tf.physics.jet_frame import frames_of_events
from mscat_tf.physics.tokens import missing_momentum

Arrays = dict[str, NDArray[Any]]


def written_sizes(settings: Tokens) -> dict[str, Any]:
    """The fields of `mscat_tf.schema.Header` that follow from what is written."""
    return {
        "constituents": settings.constituents,
        "declusterings": settings.declusterings,
        "subjets": settings.subjets_kept,
        "high_level": chosen_columns(settings.high_level),
    }


def chosen_pairs(pairs: FatJetPairs, chosen: Ints) -> FatJetPairs:
    """The fat jets of these rows, with their constituents."""
    members = rows(offsets_of(pairs.counts.sum(axis=1)), chosen)
    jets = Cylindrical(*(values[chosen] for values in pairs.jets))
    return FatJetPairs(pairs.event[chosen], jets, pairs.constituents[members], pairs.counts[chosen])


def features(objects: Objects, pairs: FatJetPairs, settings: Tokens, leptons: Cylindrical | None = None) -> Arrays:
    """Constituents in the jet frame, kinematic tokens, raw constituents, and what else the settings ask for.

    Args:
        objects: all reconstructed objects of all events, ordered by event.
        pairs: the J fat jets of n events, each jet's constituents ordered by transverse momentum.
        settings: what is written. leptons: `(n, leptons)` each, None without.

    Returns:
        `constituents` `(n, J, P, 4)`, `constituents_mask` `(n, J, P)`, `kinematics` `(n, K, 6)` in the order of
        `mscat_tf.physics.tokens.token_names`, `multiplicity` `(n, J)`, `raw/constituents` `(total, 6)`, where asked for
        `event_shapes` `(n, 6)` and those of `data_prep.jet_variables` and `data_prep.subjets`, as in `mscat_tf.schema`.
    """
    raw, keep = objects.take(pairs.constituents), settings.constituents
    charge = known_charges(raw.charge, raw.pdg_id)
    frames = frames_of_events(raw.pt, raw.eta, raw.phi, raw.mass, pairs.counts, keep)
    missing, arrays = None, {}
    if settings.event_shapes or settings.missing_momentum:
        pt, eta, phi = _whole_events(objects, pairs.event)
        missing = missing_momentum(pt, phi) if settings.missing_momentum else None
        arrays = {"event_shapes": event_shapes(pt, eta, phi)} if settings.event_shapes else {}
    return {
        "constituents": frames.constituents,
        "constituents_mask": frames.mask,
        "kinematics": kinematic_tokens(*pairs.jets, frames.theta, leptons, missing),
        "multiplicity": pairs.counts,
        "raw/constituents": np.stack([raw.pt, raw.eta, raw.phi, raw.mass, raw.charge, raw.pdg_id], axis=-1),
        **arrays,
        **jet_arrays(raw.pt, raw.eta, raw.phi, raw.mass, pairs.counts, settings, charge),
        **subjet_arrays(raw.pt, raw.eta, raw.phi, raw.mass, pairs.counts, settings.subjets),
    }


def _whole_events(objects: Objects, event: Ints) -> tuple[Floats, Floats, Floats]:
    """Transverse momentum, eta and phi of all objects of these events, `(events, most objects)`, padded with 0."""
    counts = np.bincount(objects.event, minlength=int(event.max(initial=-1)) + 1).astype(np.int64)
    members = rows(offsets_of(counts), event)
    pt, eta, phi = (pad(values[members], counts[event])[0] for values in (objects.pt, objects.eta, objects.phi))
    return pt, eta, phi
