"""`p p -> b bbar b bbar` at leading order by Sherpa's Comix (arXiv:0808.3674, arXiv:1905.09127), as a Les Houches file.

Sherpa integrates and unweights the 2 -> 4 matrix element with massive b quarks; here the events get colours
(`data_prep.colour_flow`) and are thinned, since most of them would fail the selection or the double tag:
an event is kept with a probability that follows what it is worth, and carries the inverse as its weight.
Units: GeV, picobarn.
"""

import gzip
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import yaml

from data_prep import lhe
from data_prep.arrays import Ints
from data_prep.cluster import fat_jet_pairs
from data_prep.colour_flow import colour_flows
from data_prep.detector import Objects
from mscat_tf.constants import BOTTOM_MASS
from mscat_tf.errors import ConfigError, GenerationError, InputError
from mscat_tf.files import atomic_path
from mscat_tf.physics.four_vectors import Floats, from_cartesian

LEADING_PT_MIN, SUBLEADING_PT_MIN, JET_MASS_MIN, ABS_ETA_MAX, QUARK_PT_MIN = 330.0, 190.0, 12.0, 2.4, 5.0
"""Cuts on anti-kT R = 1.0 jets of the four quarks, and on each quark [GeV]; see docs/matrix_element_4b.md for what
they lose."""

RADIUS = 1.0
FULL_PT, PT_POWER, FULL_MASS, MASS_POWER = 500.0, 3.5, 70.0, 0.6
"""An event is kept with the probability `min(1, pT1 / 500)^3.5 * min(1, m / 70)^0.6`, pT1 of the leading jet of quarks
and m the smaller of the two masses [GeV]: about the root mean square of the tag weight of the showered event, the
choice that gives the most effective events for a given number of showers."""

SAMPLE_NAME = "fourb"
PDF_SET = "PDF4LHC21_40_pdfas"


class PartonEvents(NamedTuple):
    """Events of the matrix element.

    Attributes:
        pdg_id: `(events, 6)` incoming ones first.
        momentum: `(events, 6, 4)` px, py, pz, energy [GeV].
        scale, alpha_s, weight: `(events,)` factorisation scale [GeV], strong coupling, Sherpa's weight [pb].
        trials: points of phase space that were tried for all events.
    """

    pdg_id: Ints
    momentum: Floats
    scale: Floats
    alpha_s: Floats
    weight: Floats
    trials: int

    def cross_section_pb(self) -> tuple[float, float]:
        """Sum of weights over trials, and its statistical error [pb]."""
        total = float(self.weight.sum())
        value = total / self.trials
        squared = float(np.square(self.weight).sum()) / self.trials - value**2
        return value, float(np.sqrt(squared / self.trials))


@dataclass(frozen=True)
class FourBSummary:
    """What `make` did: the file, events made by Sherpa and kept, cross-section and its error [pb]."""

    path: Path
    made: int
    kept: int
    cross_section_pb: float
    cross_section_error_pb: float


def make(out: Path, events: int, seed: int, sqrt_s: float, sherpa: str | None, work: Path) -> FourBSummary:
    """Run Sherpa, give colours, thin, and write a gzip Les Houches file.

    Args:
        out: the file. events: to be made by Sherpa; about one in five is kept.
        seed: of everything. sqrt_s: centre-of-mass energy [GeV].
        sherpa: path of the program, or None for the one on the PATH. work: folder for Sherpa's own files; the
            integration of an earlier run there is used again.

    Raises:
        ConfigError: there is no Sherpa. GenerationError: it fails. InputError: it writes other events than wanted.
    """
    run_sherpa(sherpa, events, seed, sqrt_s, work)
    return convert(work / f"{SAMPLE_NAME}.lhe", out, seed)


def convert(source: Path, out: Path, seed: int) -> FourBSummary:
    """From the file that Sherpa wrote to one with colours and weights."""
    made = read_events(source)
    value, error = made.cross_section_pb()
    rng = np.random.default_rng(seed)
    probability = keep_probability(made)
    kept = np.flatnonzero(rng.random(len(probability)) < probability)
    weight = (made.weight / probability)[kept]
    weight *= value / weight.mean()
    colour, anticolour = colour_flows(made.pdg_id[kept], made.momentum[kept], rng)
    head = _head(lhe.summary(str(source)).energies, value, error, len(made.weight), len(kept), seed)
    blocks = [_event(made, int(event), float(weight[k]), colour[k], anticolour[k]) for k, event in enumerate(kept)]
    with atomic_path(out) as temporary:
        temporary.write_bytes(gzip.compress("".join([head, *blocks, "</LesHouchesEvents>\n"]).encode(), mtime=0))
    return FourBSummary(out, len(made.weight), len(kept), value, error)


def run_card(events: int, seed: int, sqrt_s: float) -> dict[str, Any]:
    """Sherpa's settings. `BMode: 1` lets the jet finder see massive b quarks, which it leaves out otherwise."""
    cuts = [f"PPerp(p[2])>{LEADING_PT_MIN}", f"PPerp(p[3])>{SUBLEADING_PT_MIN}"]
    cuts += [f"Mass(p[{jet}])>{JET_MASS_MIN}" for jet in (2, 3)]
    jets = {
        "Expression": "&&".join(f"({cut})" for cut in cuts),
        "Algorithm": "antikt",
        "N": 2,
        "PTMin": SUBLEADING_PT_MIN - 10.0,
        "DR": RADIUS,
        "EtaMax": ABS_ETA_MAX,
        "BMode": 1,
    }
    return {
        "BEAMS": 2212,
        "BEAM_ENERGIES": 0.5 * sqrt_s,
        "EVENTS": events,
        "RANDOM_SEED": seed,
        "ME_GENERATORS": ["Comix"],
        "SHOWER_GENERATOR": "None",
        "FRAGMENTATION": "None",
        "MI_HANDLER": "None",
        "ME_QED": {"ENABLED": False},
        "BEAM_REMNANTS": False,
        "PDF_LIBRARY": "LHAPDFSherpa",
        "PDF_SET": PDF_SET,
        "PARTICLE_DATA": {5: {"Massive": True, "Mass": BOTTOM_MASS}},
        "EVENT_GENERATION_MODE": "Unweighted",
        "EVENT_OUTPUT": f"LHEF[{SAMPLE_NAME}]",
        "PROCESSES": [{"93 93 -> 5 -5 5 -5": {"Order": {"QCD": 4, "EW": 0}, "Integration_Error": 0.01}}],
        "SCALES": "VAR{H_TM2/4}",
        "SELECTORS": [
            {"FastjetSelector": jets},
            ["PT", 5, QUARK_PT_MIN, "E_CMS"],
            ["PT", -5, QUARK_PT_MIN, "E_CMS"],
        ],
    }


def run_sherpa(sherpa: str | None, events: int, seed: int, sqrt_s: float, work: Path) -> None:
    """Run Sherpa in the folder `work`; its output goes to `work/sherpa.log`.

    Raises:
        ConfigError: there is no Sherpa. GenerationError: it fails.
    """
    program = sherpa or shutil.which("Sherpa")
    if program is None or not Path(program).is_file():
        raise ConfigError(
            f"Sherpa: no program {sherpa or 'Sherpa on the PATH'}; unpack the wheel of sherpa-mc as "
            "docs/matrix_element_4b.md says, and give its bin/Sherpa with --sherpa"
        )
    work.mkdir(parents=True, exist_ok=True)
    (work / "Sherpa.yaml").write_text(yaml.safe_dump(run_card(events, seed, sqrt_s), sort_keys=False))
    with (work / "sherpa.log").open("w") as log:
        status = subprocess.run(
            [str(Path(program).resolve())], cwd=work, stdout=log, stderr=log, check=False
        ).returncode
    if status:
        raise GenerationError(f"Sherpa: ended with status {status}; the reason is at the end of {work / 'sherpa.log'}")


def read_events(path: Path) -> PartonEvents:
    """Sherpa's events.

    Raises:
        InputError: there is none, one is not `2 -> 4`, or Sherpa did not note its trials.
    """
    found = list(lhe.events_of(str(path)))
    if not found or any(len(event.particles) != 6 or "trials" not in (event.attributes or {}) for event in found):
        raise InputError(
            f"{path}: not what Sherpa writes for 2 -> 4 events; make the file with data_prep's own run card"
        )
    return PartonEvents(
        pdg_id=np.array([[int(p.id) for p in event.particles] for event in found], np.int64),
        momentum=np.array([[(p.px, p.py, p.pz, p.e) for p in event.particles] for event in found], np.float64),
        scale=np.array([event.eventinfo.scale for event in found]),
        alpha_s=np.array([event.eventinfo.aqcd for event in found]),
        weight=np.array([event.eventinfo.weight for event in found]),
        trials=sum(int(float(event.attributes["trials"])) for event in found),
    )


def keep_probability(events: PartonEvents) -> Floats:
    """`(events,)` probability with which an event is kept: that of the module's formula."""
    count = len(events.weight)
    px, py, pz, energy = events.momentum[:, 2:].reshape(-1, 4).T
    zero = np.zeros(len(px), np.int64)
    quarks = Objects(np.repeat(np.arange(count), 4), *from_cartesian(px, py, pz, energy), zero, zero)
    pairs = fat_jet_pairs(quarks, count, RADIUS, SUBLEADING_PT_MIN - 10.0)
    if len(pairs.event) != count:
        raise InputError(
            "four-b events: an event has no two jets of quarks; make the file with data_prep's own run card"
        )
    pt, mass = pairs.jets.pt[:, 0], pairs.jets.mass.min(axis=1)
    return np.asarray(np.minimum(pt / FULL_PT, 1.0) ** PT_POWER * np.minimum(mass / FULL_MASS, 1.0) ** MASS_POWER)


def _head(energies: tuple[float, float], value: float, error: float, made: int, kept: int, seed: int) -> str:
    return (
        '<LesHouchesEvents version="3.0">\n<!--\n'
        f"p p -> b bbar b bbar, Comix, b mass {BOTTOM_MASS} GeV, {PDF_SET}, scale H_T/2, seed {seed}.\n"
        f"Jets of quarks (anti-kT {RADIUS}): pT above {LEADING_PT_MIN} and {SUBLEADING_PT_MIN}, mass above "
        f"{JET_MASS_MIN} GeV, rapidity below {ABS_ETA_MAX}; quarks above {QUARK_PT_MIN} GeV.\n"
        f"{kept} of {made} events kept, weighted by the inverse probability; colours by data_prep.colour_flow.\n"
        "See docs/matrix_element_4b.md of mscat-tf.\n-->\n"
        f"<init>\n2212 2212 {energies[0]:g} {energies[1]:g} 0 0 93300 93300 -4 1\n"
        f"{value:.6g} {error:.3g} 1 1\n</init>\n"
    )


def _event(events: PartonEvents, index: int, weight: float, colour: Ints, anticolour: Ints) -> str:
    lines = [f"<event>\n6 1 {weight:.6g} {events.scale[index]:.6g} -1 {events.alpha_s[index]:.6g}\n"]
    for place in range(6):
        incoming = place < 2
        state = "-1 0 0" if incoming else "1 1 2"
        momentum = " ".join(f"{value:.9g}" for value in events.momentum[index, place])
        mass = 0 if incoming else BOTTOM_MASS
        lines.append(
            f"{events.pdg_id[index, place]} {state} {colour[place]} {anticolour[place]} {momentum} {mass:g} 0 9\n"
        )
    return "".join([*lines, "</event>\n"])
