"""Which fat jets hold a whole decay: the heavy particle itself and all quarks that it decays into. Units: radians.

The status codes are those of Pythia 8, https://pythia.org/latest-manual/ParticleProperties.html.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from data_prep.arrays import Ints
from mscat_tf.config import SampleSettings
from mscat_tf.errors import ConfigError
from mscat_tf.physics.four_vectors import Cylindrical, Floats, delta_r

NUMBERS = {"top": 6, "h": 25, "Z": 23}
"""Monte Carlo numbers of the particles whose decays can be asked for."""

INCOMING, OUTGOING = 21, 23
"""Status of what enters the hard process, and of what leaves it or a decay of its particles, before any shower."""


class Partons(NamedTuple):
    """Heavy particles as they decay, each with all that it decays into, flat.

    Attributes:
        event: `(partons,)` index of the event. decay: `(partons,)` number of the decay that it belongs to, from 0.
        pdg_id: `(partons,)` Monte Carlo number of the particle that decays, without sign. eta, phi: `(partons,)`.
    """

    event: Ints
    decay: Ints
    pdg_id: Ints
    eta: Floats
    phi: Floats


def ancestors(products: Ints, pdg_id: Ints, status: Ints, mother: Ints) -> Ints:
    """The heavy particle that each product comes from, as it decays: the last one of its copies.

    Args:
        products: `(products,)` places of them. pdg_id, status, mother: `(particles,)`, mothers as places too.

    Returns:
        `(products,)` its place, -1 where the product leaves the hard process itself.
    """
    heavy = np.isin(np.abs(pdg_id), list(NUMBERS.values()))
    end = heavy | (np.abs(status) == INCOMING) | (mother == np.arange(len(mother)))
    above = mother[products]
    for _ in range(len(mother)):  # a step for each generation, all products at once
        if np.all(end[above]):
            break
        above = np.where(end[above], above, mother[above])
    return np.where(heavy[above], above, -1)


def contained(partons: Partons, event: Ints, jets: Cylindrical, pdg_id: int, radius: float) -> NDArray[np.bool_]:
    """Where each of the J jets of an event has such a particle, and all that it decays into, within its radius.

    Args:
        partons: of all events. event: `(n,)` those with jets. jets: `(n, J)` each. pdg_id: of the particle.

    Returns:
        `(n,)`.
    """
    row_of = np.full(int(max(partons.event.max(initial=-1), event.max(initial=-1))) + 1, -1)
    row_of[event] = np.arange(len(event))
    chosen = np.flatnonzero((partons.pdg_id == pdg_id) & (row_of[partons.event] >= 0))
    row = row_of[partons.event[chosen]]
    far = delta_r(partons.eta[chosen, None], partons.phi[chosen, None], jets.eta[row], jets.phi[row]) > radius
    _, first, decay = np.unique(partons.decay[chosen], return_index=True, return_inverse=True)
    outside = np.zeros((len(first), far.shape[1]), np.bool_)
    np.logical_or.at(outside, decay, far)
    found = np.zeros(jets.eta.shape, np.bool_)
    np.logical_or.at(found, row[first], ~outside)
    return np.asarray(found.all(axis=1))


def decay_inside(
    partons: Partons | None, event: Ints, jets: Cylindrical, settings: SampleSettings
) -> NDArray[np.bool_] | None:
    """`contained` for what `selection.jets_contain` asks for; None where it asks for nothing.

    Raises:
        ConfigError: the events do not tell.
    """
    wanted = settings.selection.jets_contain
    if wanted is None:
        return None
    if partons is None:
        raise ConfigError(
            f"selection.jets_contain = {wanted} needs the record of Pythia 8, which HepMC files lack; leave it out"
        )
    return contained(partons, event, jets, NUMBERS[wanted], settings.fat_jets.radius)
