"""Isolated electrons and muons among the reconstructed objects. Units: GeV, radians.

They are looked for before jets are made, and those that are used take no part in the jets: so every object of an event
belongs to one lepton or one jet at most.
"""

import numpy as np

from data_prep.arrays import Ints, offsets_of, rows
from data_prep.detector import ELECTRON, MUON, Objects
from mscat_tf.config.sample import Leptons
from mscat_tf.physics.four_vectors import Cylindrical, Floats, delta_r


def isolated_leptons(objects: Objects, events: int, settings: Leptons) -> Ints:
    """The hardest isolated electrons and muons of each event.

    Args:
        objects: reconstructed objects, ordered by event. events: number of events, those without objects included.
        settings: how many, how hard, how lonely.

    Returns:
        `(events, settings.number)` indices of objects, the hardest first; -1 where an event has too few.
    """
    found = np.full((events, settings.number), -1, np.int64)
    if settings.number == 0:
        return found
    charged_lepton = np.isin(np.abs(objects.pdg_id), (ELECTRON, MUON))
    hard = (objects.pt > settings.pt_min) & (np.abs(objects.eta) < settings.abs_eta_max)
    candidates = np.flatnonzero(charged_lepton & hard)
    alone = isolation(objects, events, candidates, settings.isolation_radius) <= settings.isolation_max
    chosen = candidates[alone]
    chosen = chosen[np.lexsort((-objects.pt[chosen], objects.event[chosen]))]
    event = objects.event[chosen]
    rank = np.arange(len(chosen)) - np.searchsorted(event, event)
    used = rank < settings.number
    found[event[used], rank[used]] = chosen[used]
    return found


def isolation(objects: Objects, events: int, candidates: Ints, radius: float) -> Floats:
    """`(candidates,)` scalar sum of the transverse momenta of the other objects within `radius`, over the candidate's.

    Args:
        objects, events: as for `isolated_leptons`. candidates: indices of objects.
    """
    counts = np.bincount(objects.event, minlength=events).astype(np.int64)
    event = objects.event[candidates]
    others = rows(offsets_of(counts), event)
    number = np.repeat(np.arange(len(candidates)), counts[event])
    own = candidates[number]
    near = delta_r(objects.eta[others], objects.phi[others], objects.eta[own], objects.phi[own]) < radius
    counted = near & (others != own)
    around = np.bincount(number[counted], objects.pt[others[counted]], minlength=len(candidates))
    return np.asarray(around / objects.pt[candidates])


def left_for_jets(objects: Objects, leptons: Ints) -> Ints:
    """Indices of the objects that jets are made of: no chosen lepton, and none of an event with too few of them.

    Args:
        objects: reconstructed objects. leptons: from `isolated_leptons`.
    """
    free = np.all(leptons >= 0, axis=1)[objects.event]
    free[leptons[leptons >= 0]] = False
    return np.flatnonzero(free)


def momenta(objects: Objects, leptons: Ints) -> Cylindrical | None:
    """Pt, eta, phi, mass of these objects `(events, number)`; None where no leptons are asked for."""
    if leptons.shape[1] == 0:
        return None
    return Cylindrical(objects.pt[leptons], objects.eta[leptons], objects.phi[leptons], objects.mass[leptons])
