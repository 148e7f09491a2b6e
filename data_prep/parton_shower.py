"""Pythia 8 on parton-level events that come from elsewhere: a file, or our own model."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from data_prep import extras
from data_prep.arrays import Ints
from data_prep.generator import BATCH_EVENTS, Generator, Particles, as_particles, no_particles
from mscat_tf.errors import GenerationError

WEIGHTS_PASS_THROUGH = -4
"""Weighting strategy of the Les Houches accord: every event is accepted and keeps its weight of either sign."""

UNKNOWN_ALPHA_S = -1.0


class PartonEvent(NamedTuple):
    """One event before the shower.

    Attributes:
        number: its number, which comes back with the showered event.
        weight: 1, or in picobarn.
        scale: where the shower starts [GeV]. alpha_s: strong coupling used, or -1.
        particles: arguments of Pythia's `LHAup.addParticle`: PDG number, status, two mothers, colour, anticolour,
            px, py, pz, energy, mass [GeV], lifetime [mm], spin, scale (-1 for that of the event).
    """

    number: int
    weight: float
    scale: float
    alpha_s: float
    particles: list[tuple[Any, ...]]


class PartonShower:
    """Shower, hadronisation and decays of parton-level events.

    Args:
        events: the parton-level events.
        beams, energies: PDG numbers and energies of the beams [GeV].
        lines: settings for Pythia, read last.
        seed: 1 to 900 000 000. where: begins every message.

    Raises:
        GenerationError: Pythia refuses a setting.
    """

    def __init__(
        self,
        events: Iterator[PartonEvent],
        beams: tuple[int, int],
        energies: tuple[float, float],
        lines: list[str],
        seed: int,
        where: str,
    ) -> None:
        common = ["Print:quiet = on", "Random:setSeed = on", f"Random:seed = {seed}", "Beams:frameType = 5"]
        self._supplier = _supplier(events, beams, energies)
        self._pythia = Generator([*common, *lines], where, self._supplier)

    def next_particles(self, events: int = BATCH_EVENTS) -> tuple[Particles, Ints]:
        """The next events, and the number of each one's parton-level event; none when there are no more.

        Raises:
            GenerationError: Pythia cannot shower a single one of them.
            Exception: whatever the parton-level events raised.
        """
        try:
            records = self._pythia.next_records(events)
        except GenerationError:
            self._reraise()
            if not self._supplier.exhausted:
                raise
            return no_particles(), np.empty(0, np.int64)
        self._reraise()
        numbers = np.rint(np.asarray(records.info.alphaEM, np.float64)).astype(np.int64) - 1
        return as_particles(records), numbers

    def _reraise(self) -> None:
        if self._supplier.fault is not None:
            raise self._supplier.fault


def _supplier(events: Iterator[PartonEvent], beams: tuple[int, int], energies: tuple[float, float]) -> Any:
    """A Pythia `LHAup` that hands over events in memory.

    Pythia skips events that it cannot shower, so they cannot be counted from outside. Their number travels in the
    field of the electromagnetic coupling, which Pythia hands through without using it (0 would make it fill its own).
    """
    base = extras.pythia8().LHAup

    class PartonEvents(base):  # type: ignore[misc, valid-type]
        exhausted, fault = False, None

        def setInit(self) -> bool:
            self.setBeamA(beams[0], energies[0])
            self.setBeamB(beams[1], energies[1])
            self.setStrategy(WEIGHTS_PASS_THROUGH)
            self.addProcess(1, 1.0, 0.0, 1.0)
            return True

        def setEvent(self, idProcess: int = 0) -> bool:
            try:
                event = next(events, None)
            except Exception as error:  # must not cross the C++ that calls this
                self.fault, event = error, None
            if event is None:
                self.exhausted = True
                return False
            self.setProcess(1, event.weight, event.scale, event.number + 1.0, event.alpha_s)
            for particle in event.particles:
                self.addParticle(*particle)
            return True

    return PartonEvents()
