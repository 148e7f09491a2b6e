"""Pythia 8 events as flat arrays."""

from dataclasses import dataclass
from typing import Any

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from data_prep import extras
from data_prep.arrays import Ints, offsets_of
from data_prep.contained import OUTGOING, Partons, ancestors
from mscat_tf.constants import MILLIBARN_IN_FEMTOBARN
from mscat_tf.errors import GenerationError
from mscat_tf.physics.four_vectors import Floats, from_cartesian

NEUTRINOS = (12, 14, 16)

BATCH_EVENTS = 200
"""Events generated and processed together: bounds the memory of a worker (about 2000 particles each)."""


@dataclass(frozen=True)
class Particles:
    """Generated particles of some events, flat, ordered by event.

    Attributes:
        weights: `(events,)` generator weights.
        event: `(particles,)` index of the event.
        pdg_id: `(particles,)` Monte Carlo number.
        visible: `(particles,)` True where the particle reaches the detector; else it has decayed (or is a neutrino).
        px, py, pz, energy: `(particles,)` [GeV].
        group_id: `(events,)` identity of the parton-level event where that came from a file, else None.
        partons: of the decays of heavy particles; None where the record does not tell them.
    """

    weights: Floats
    event: Ints
    pdg_id: Ints
    visible: NDArray[np.bool_]
    px: Floats
    py: Floats
    pz: Floats
    energy: Floats
    group_id: NDArray[np.uint64] | None = None
    partons: Partons | None = None


class Generator:
    """One Pythia 8 instance.

    Args:
        lines: its settings, read in this order.
        where: begins every message, for example "process 'ttbar'".
        parton_events: a Pythia `LHAup` that supplies the hard process, where Pythia does not make it itself.

    Raises:
        GenerationError: a setting is unknown, or Pythia refuses to start.
        MissingExtraError: pythia8mc is not installed.
    """

    def __init__(self, lines: list[str], where: str, parton_events: Any = None) -> None:
        self._where = where
        self._pythia = extras.pythia8().Pythia("", False)
        self._parton_events = parton_events  # Pythia holds no reference of its own
        for line in lines:
            if not self._pythia.readString(line, False):
                raise GenerationError(
                    f"{where}: Pythia 8 does not know the setting '{line}'; "
                    "look its name up in https://pythia.org/latest-manual/ and correct `pythia:`"
                )
        if parton_events is not None:
            self._pythia.setLHAupPtr(parton_events)
        if not self._pythia.init():
            raise GenerationError(
                f"{where}: Pythia 8 cannot start with these settings (often: no process is switched on, or no phase "
                f"space is left); the last ones were: {'; '.join(lines[-4:])}"
            )

    def next_records(self, events: int) -> Any:
        """The next events as Pythia's awkward record.

        Raises:
            GenerationError: Pythia makes no events.
        """
        records = self._pythia.nextBatch(events)
        if len(records) == 0:
            raise GenerationError(f"{self._where}: Pythia 8 fails on every event; loosen the phase-space cuts")
        return records

    def next_particles(self, events: int = BATCH_EVENTS) -> Particles:
        """The next events as arrays; fewer where Pythia gives up on some."""
        return as_particles(self.next_records(events))

    def cross_section_fb(self) -> tuple[float, float]:
        """Pythia's estimate so far, and its statistical error [fb]."""
        info = self._pythia.infoPython()
        return info.sigmaGen() * MILLIBARN_IN_FEMTOBARN, info.sigmaErr() * MILLIBARN_IN_FEMTOBARN


def as_particles(records: Any) -> Particles:
    """Flat arrays from the record of `Pythia.nextBatch`."""
    particles = records.prt
    counts = ak.to_numpy(ak.num(particles.id))
    flat = ak.flatten(particles, axis=1)
    pdg_id = ak.to_numpy(flat.id).astype(np.int64)
    momentum, status = flat.p, ak.to_numpy(flat.status).astype(np.int64)
    event = np.repeat(np.arange(len(counts)), counts)
    mother = ak.to_numpy(flat.mother1).astype(np.int64) + offsets_of(counts)[event]
    return Particles(
        weights=ak.to_numpy(records.info.weights[:, 0]).astype(np.float64),
        event=event,
        pdg_id=pdg_id,
        visible=(status > 0) & ~np.isin(np.abs(pdg_id), NEUTRINOS),
        px=ak.to_numpy(momentum.px),
        py=ak.to_numpy(momentum.py),
        pz=ak.to_numpy(momentum.pz),
        energy=ak.to_numpy(momentum.e),
        partons=_partons(event, pdg_id, status, mother, momentum),
    )


def _partons(event: Ints, pdg_id: Ints, status: Ints, mother: Ints, momentum: Any) -> Partons:
    """The decays of heavy particles; `mother` holds places among all particles."""
    products = np.flatnonzero(np.abs(status) == OUTGOING)
    heavy = ancestors(products, pdg_id, status, mother)
    products, heavy = products[heavy >= 0], heavy[heavy >= 0]
    parents, decay = np.unique(heavy, return_inverse=True)
    members, decay = np.concatenate([products, parents]), np.concatenate([decay, np.arange(len(parents))])
    chosen = momentum[members]
    axes = from_cartesian(*(ak.to_numpy(chosen[name]).astype(np.float64) for name in ("px", "py", "pz", "e")))
    return Partons(event[members], decay, np.abs(pdg_id[parents[decay]]), axes.eta, axes.phi)


def no_particles() -> Particles:
    """No events at all: a source is exhausted."""
    empty, none = np.empty(0), np.empty(0, np.int64)
    return Particles(empty, none, none, np.empty(0, np.bool_), empty, empty, empty, empty)
