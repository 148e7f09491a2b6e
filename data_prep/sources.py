"""What makes the events of a shard: Pythia alone, the collinear four-b model, or parton-level events from a file."""

import math
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from typing import Any, Protocol

import numpy as np

from data_prep import hepmc
from data_prep.collinear_4b import FourBGenerator
from data_prep.generator import BATCH_EVENTS, Generator, Particles
from data_prep.hepmc import HepMcSource
from data_prep.lhe import LheFiles
from data_prep.parton_shower import UNKNOWN_ALPHA_S, PartonEvent, PartonShower
from data_prep.processes import pythia_lines
from mscat_tf.config.processes import AnyProcess, CollinearFourB, FromFiles, HepMcProcess, LheProcess
from mscat_tf.constants import PICOBARN_IN_FEMTOBARN
from mscat_tf.errors import ConfigError

ENERGY_TOLERANCE = 1e-3


class Source(Protocol):
    """What makes events."""

    def next_particles(self, events: int = BATCH_EVENTS) -> Particles:
        """The next events, fewer where some fail, none when there are no more."""
        ...

    def cross_section_fb(self) -> tuple[float, float]:
        """Before any cut, and its error [fb]."""
        ...


class LheSource:
    """A block of parton-level events from files, showered by Pythia.

    Shard number i takes the events from `i * block` on, `block` of them, and begins again at the first event after the
    last. So shards share events only as showers of one event with another seed.

    Args:
        process: its settings. files: its events. block: events of this shard.
        number: of the shard. sqrt_s: centre-of-mass energy [GeV]. seed: of the shower. where: begins every message.

    Raises:
        ConfigError: the files are for another energy of the beams.
    """

    def __init__(
        self, process: LheProcess, files: LheFiles, block: int, number: int, sqrt_s: float, seed: int, where: str
    ) -> None:
        first, second = files.energies
        if abs(2.0 * np.sqrt(first * second) / sqrt_s - 1.0) > ENERGY_TOLERANCE:
            raise ConfigError(
                f"{where}: sqrt_s = {sqrt_s:g} GeV, but the beams of {files.files[0].path} have {first:g} and "
                f"{second:g} GeV; set sample.sqrt_s to theirs, or make the events anew"
            )
        self._files = files
        events = islice(self._events(number * block), block)
        self._shower = PartonShower(events, files.beams, files.energies, list(process.pythia), seed, where)

    def next_particles(self, events: int = BATCH_EVENTS) -> Particles:
        """The next events after shower and hadronisation."""
        particles, numbers = self._shower.next_particles(events)
        return replace(particles, group_id=self._files.group_ids(numbers))

    def cross_section_fb(self) -> tuple[float, float]:
        """What the files say [fb]."""
        value, error = self._files.cross_section_pb()
        return value * PICOBARN_IN_FEMTOBARN, error * PICOBARN_IN_FEMTOBARN

    def _events(self, start: int) -> Iterator[PartonEvent]:
        for number, event in self._files.events(start):
            info = event.eventinfo
            yield PartonEvent(
                number, self._files.weight(event), info.scale, max(info.aqcd, UNKNOWN_ALPHA_S), _arguments(event)
            )


def _arguments(event: Any) -> list[tuple[Any, ...]]:
    return [
        (
            int(p.id), int(p.status), int(p.mother1), int(p.mother2), int(p.color1), int(p.color2),
            p.px, p.py, p.pz, p.e, p.m, p.lifetime, p.spin, -1.0,
        )
        for p in event.particles
    ]  # fmt: skip


def open_source(
    process: AnyProcess, number: int, block: int, sqrt_s: float, seeds: tuple[int, int], rng: Any, where: str
) -> Source:
    """The source of one shard.

    Args:
        process: its settings. number: of the shard.
        block: events that a shard may take from files.
        sqrt_s: centre-of-mass energy [GeV].
        seeds: two for Pythia. rng: for our own random numbers. where: begins every message.

    Raises:
        ConfigError, GenerationError, InputError, MissingExtraError: the events cannot be made; the sentence says why.
    """
    match process:
        case CollinearFourB():
            return FourBGenerator(process, sqrt_s, seeds, rng, where)
        case LheProcess():
            return LheSource(process, LheFiles(process.files, where), block, number, sqrt_s, seeds[0], where)
        case HepMcProcess():
            return HepMcSource(process.files, block, number, where)
        case _:
            return Generator(pythia_lines(process, sqrt_s, seeds[0]), where)


def block_events(process: AnyProcess, shard_events: int) -> int:
    """Events of its files that one shard may take; 0 where the process makes its own."""
    return math.ceil(shard_events * process.events_per_selected) if isinstance(process, FromFiles) else 0


def check_supply(process: AnyProcess, shards: int, shard_events: int, where: str) -> None:
    """Find out before the work begins whether the files hold enough events.

    Raises:
        ConfigError: they do not.
        InputError: a file is missing or cut off.
    """
    if not isinstance(process, FromFiles):
        return
    needed, limit = shards * block_events(process, shard_events), 1
    if isinstance(process, LheProcess):
        available, limit = len(LheFiles(process.files, where)), process.showers_per_event
        remedy = f"raise showers_per_event to {math.ceil(needed / available)}, lower sample.events, or give more files"
    else:
        available, remedy = sum(hepmc.summary(path, where).events for path in process.files), "lower sample.events"
    if needed > available * limit:
        raise ConfigError(
            f"{where}: {shards} shards may take {block_events(process, shard_events)} events of the files each, "
            f"{needed} in all, but there are {available}{f' times {limit} showers' if limit > 1 else ''}; {remedy}"
        )


def input_checksums(process: AnyProcess, where: str) -> list[str]:
    """SHA-256 of each input file, which takes the place of its path in what identifies a sample."""
    match process:
        case LheProcess():
            return [file.checksum for file in LheFiles(process.files, where).files]
        case HepMcProcess():
            return [hepmc.summary(path, where).checksum for path in process.files]
        case _:
            return []
