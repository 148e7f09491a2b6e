"""What a range of entries of a Delphes file holds: weights, cross-section, objects, fat jets.

Units: GeV, radians, femtobarn.
"""

from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from data_prep.arrays import Ints
from data_prep.detector import ELECTRON, MUON, NEUTRAL_KAON, PHOTON, PION, Objects
from data_prep.importers import referenced_jets
from data_prep.importers.referenced_jets import ReferencedJets
from data_prep.importers.root_file import Jagged, Tree
from mscat_tf.config.importing import DelphesBranches
from mscat_tf.constants import PICOBARN_IN_FEMTOBARN
from mscat_tf.errors import InputError
from mscat_tf.physics.four_vectors import Floats
from mscat_tf.physics.object_references import repeated_numbers, resolve

WEIGHTS = ("Event.Weight", "Weight.Weight")
SUM_TOLERANCE = 1e-3
"""Allowed relative difference between a fat jet's PT and the sum of its constituents: 32-bit rounding gives 1e-6."""

RADIUS_TOLERANCE, ENOUGH_JETS = 0.1, 50
"""A file does not record the radius of its jets, but the median distance of their farthest constituents tells it: 0.96
to 1.00 of R for anti-kT jets of R = 0.6 to 1.5 above 200 GeV, measured on `shared/data/delphes`."""


def event_weights(tree: Tree) -> Floats:
    """`(entries,)` generator weights: the first one of each event, or 1 where the file has none.

    Raises:
        InputError: an event has no weight, or one that isn't finite.
    """
    for name in WEIGHTS:
        if tree.has(name):
            values, counts = tree.numbers(name)
            if np.any(counts == 0):
                raise InputError(
                    f"{tree.path}: branch '{name}' is empty in entry {tree.start + int(np.argmin(counts))}; make the "
                    "file again, or leave it out"
                )
            return np.asarray(values[np.cumsum(counts) - counts], np.float64)
    return np.ones(tree.stop - tree.start)


def cross_section_fb(tree: Tree) -> tuple[float, float]:
    """Value and error [fb] in the last entry of the file, where the running estimate is best; 0 if unknown."""
    last = Tree(tree.path, tree.tree, tree.entries - 1, tree.entries)
    return _first_value(last, "Event.CrossSection"), _first_value(last, "Event.CrossSectionError")


def energy_flow(tree: Tree, branches: DelphesBranches) -> tuple[Objects, Ints]:
    """Tracks, photons and neutral hadrons, ordered by event, and their numbers `fUniqueID`, where the file has them."""
    parts = [
        _tracks(tree, branches.tracks),
        _towers(tree, branches.photons, PHOTON),
        _towers(tree, branches.neutral_hadrons, NEUTRAL_KAON),
    ]
    columns = [np.concatenate(values) for values in zip(*parts, strict=True)]
    order = np.argsort(columns[0], kind="stable")
    *ordered, numbers = (values[order] for values in columns)
    return Objects(*ordered), numbers


def fat_jets(tree: Tree, branches: DelphesBranches, objects: Objects, numbers: Ints) -> ReferencedJets:
    """The fat jets of the file with their constituents.

    Args:
        tree, branches: where. objects, numbers: from `energy_flow`.

    Raises:
        InputError: a reference leads nowhere or to two objects, or the constituents do not add up to the jet.
    """
    name = branches.fat_jets
    pt, jets = tree.numbers(f"{name}.PT")
    references = tree.array(f"{name}.Constituents").refs
    counts = ak.to_numpy(ak.flatten(ak.num(references, axis=2))).astype(np.int64)
    event = np.repeat(np.arange(len(jets)), jets)
    reference = ak.to_numpy(ak.flatten(references, axis=None)).astype(np.int64)
    constituents = resolve(objects.event, numbers, np.repeat(event, counts), reference)
    sources = f"{branches.tracks}, {branches.photons}, {branches.neutral_hadrons}"
    way_out = "find the fat jets anew with --recluster, or name the right branches under delphes.branches"
    if np.any(constituents < 0):
        raise InputError(
            f"{tree.path}: {np.sum(constituents < 0)} of {len(constituents)} constituents of '{name}' in entries "
            f"{tree.start} to {tree.stop} are in none of {sources}; {way_out}"
        )
    if len(repeated_numbers(objects.event, numbers)):
        raise InputError(
            f"{tree.path}: objects of {sources} share a number (fUniqueID) within one event in entries {tree.start} to "
            f"{tree.stop}, so the constituents of '{name}' are ambiguous; {way_out}"
        )
    found = referenced_jets.summed_jets(objects, event, constituents, counts)
    difference = np.abs(found.jets.pt / pt - 1.0)
    if np.any(difference > SUM_TOLERANCE):
        worst = int(np.argmax(difference))
        raise InputError(
            f"{tree.path}: '{name}' in entry {tree.start + event[worst]} has PT {pt[worst]:.5g} GeV, but its "
            f"constituents add up to {found.jets.pt[worst]:.5g} GeV, so it was calibrated or groomed; find the fat "
            "jets anew with --recluster"
        )
    return found


def radius_notes(path: Path, objects: Objects, jets: ReferencedJets, radius: float) -> tuple[str, ...]:
    """A sentence where the jets of a file seem to be of another radius than the settings say."""
    if len(jets.event) < ENOUGH_JETS:
        return ()
    reach = float(np.median(referenced_jets.farthest_constituents(objects, jets)))
    if abs(reach / radius - 1.0) < RADIUS_TOLERANCE:
        return ()
    return (
        f"{path.name}: the fat jets reach {reach:.1f} from their axes, but fat_jets.radius is {radius:g}; --recluster "
        "finds new ones, or set fat_jets.radius to theirs",
    )


def _tracks(tree: Tree, name: str) -> tuple[NDArray[Any], ...]:
    pt, counts = tree.numbers(f"{name}.PT")
    charge, pdg_id = tree.numbers(f"{name}.Charge").values, tree.numbers(f"{name}.PID").values
    lepton = np.isin(np.abs(pdg_id), (ELECTRON, MUON))  # what else the file knows, a tracker could not tell
    has_mass = tree.has(f"{name}.Mass")  # since Delphes 3.4.3; tracks were massless before
    mass = tree.numbers(f"{name}.Mass").values if has_mass else np.zeros(len(pt))
    return _columns(tree, name, Jagged(pt, counts), mass, charge, np.where(lepton, pdg_id, PION * charge))


def _towers(tree: Tree, name: str, pdg_id: int) -> tuple[NDArray[Any], ...]:
    et = tree.numbers(f"{name}.ET")
    zero = np.zeros(len(et.values), np.int64)
    return _columns(tree, name, et, zero.astype(np.float64), zero, zero + pdg_id)


def _columns(tree: Tree, name: str, pt: Jagged, mass: Floats, charge: Ints, pdg_id: Ints) -> tuple[NDArray[Any], ...]:
    """The fields of `Objects` in order, then the numbers."""
    event = np.repeat(np.arange(len(pt.counts)), pt.counts)
    eta, phi = tree.numbers(f"{name}.Eta").values, tree.numbers(f"{name}.Phi").values
    unique = f"{name}.fUniqueID"
    numbers = tree.numbers(unique).values if tree.has(unique) else np.zeros(len(event), np.int64)
    return event, pt.values, eta, phi, mass, charge, pdg_id, numbers


def _first_value(tree: Tree, branch: str) -> float:
    values = tree.numbers(branch).values if tree.has(branch) else np.zeros(0)
    return float(values[0]) * PICOBARN_IN_FEMTOBARN if len(values) else 0.0
