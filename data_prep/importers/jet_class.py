"""JetClass: Qu, Li, Qian, Zenodo 6619768 (arXiv:2202.03772). ROOT files, tree `tree`, one entry per jet.

Branches `part_px, part_py, part_pz, part_energy, part_charge` and flags `part_is...` of the constituents; `label_...`
1 for the class of the jet, 0 for the nine others. Units: GeV.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from data_prep.arrays import Ints
from data_prep.detector import ELECTRON, MUON, NEUTRAL_KAON, PHOTON, PION, Objects
from data_prep.importers.base import Chunk, FilePlan, Part
from data_prep.importers.root_file import Jagged, Tree, open_tree
from data_prep.importers.single_jets import CROSS_SECTION_FB, NO_CROSS_SECTION, SingleJetReader, jet_part, need_files
from mscat_tf.config.importing import JET_CLASSES, ImportSettings
from mscat_tf.errors import InputError
from mscat_tf.physics.four_vectors import from_cartesian

TREE = "tree"
MOMENTA = ("part_px", "part_py", "part_pz", "part_energy")
CHARGE = "part_charge"
FLAGS = ("part_isElectron", "part_isMuon", "part_isPhoton", "part_isChargedHadron", "part_isNeutralHadron")
LABELS = tuple(f"label_{name}" for name in JET_CLASSES)


def readers(settings: ImportSettings) -> list["JetClassReader"]:
    """One reader for all files."""
    need_files(settings)
    return [JetClassReader(settings, "jet_class")]


@dataclass(frozen=True)
class JetClassReader(SingleJetReader):
    """Reads trees of jets (`data_prep.importers.base.Reader`)."""

    SETTINGS: ClassVar[tuple[str, ...]] = ("jet_class",)

    @property
    def labels(self) -> dict[str, int]:
        """1 for the classes that the settings call signal."""
        return {name: int(name in self.settings.jet_class.signal) for name in JET_CLASSES}

    def plan(self, path: Path) -> FilePlan:
        """Check that the tree has all branches."""
        with open_tree(path, TREE) as tree:
            missing = [name for name in (*MOMENTA, CHARGE, *FLAGS, *LABELS) if not tree.has(name)]
            if missing:
                raise InputError(
                    f"{path}: tree '{TREE}' has no branch {', '.join(missing)}; give files of JetClass "
                    "(arXiv:2202.03772)"
                )
            if tree.entries == 0:
                raise InputError(f"{path}: tree '{TREE}' has no entries; leave the file out")
            return FilePlan(tree.entries, {}, (NO_CROSS_SECTION,))

    def read(self, chunk: Chunk) -> Part:
        """Jets of a range of entries."""
        with open_tree(chunk.path, TREE, chunk.start, chunk.stop) as tree:
            first = tree.numbers(MOMENTA[0])
            momenta = [first.values, *(_like(tree, name, first) for name in MOMENTA[1:])]
            charge = np.rint(_like(tree, CHARGE, first)).astype(np.int64)
            flags = np.stack([_like(tree, name, first) > 0.5 for name in FLAGS])
            process = _classes(tree)
        event = np.repeat(np.arange(len(first.counts)), first.counts)
        kinds = (-ELECTRON * charge, -MUON * charge, PHOTON, PION * charge, NEUTRAL_KAON)
        pdg_id = np.select(list(flags), list(kinds), 0)
        objects = Objects(event, *from_cartesian(*momenta), charge, pdg_id)
        return jet_part(chunk, objects, process, JET_CLASSES, self.settings.tokens, CROSS_SECTION_FB)


def _like(tree: Tree, branch: str, first: Jagged) -> NDArray[Any]:
    """The values of a branch that must have as many in each entry as the first one."""
    values, counts = tree.numbers(branch)
    if not np.array_equal(counts, first.counts):
        entry = tree.start + int(np.argmax(counts != first.counts))
        raise InputError(
            f"{tree.path}: entry {entry} has another number of '{branch}' than of '{MOMENTA[0]}'; make the file again, "
            "or leave it out"
        )
    return values


def _classes(tree: Tree) -> Ints:
    """`(entries,)` place of each jet's class in `JET_CLASSES`."""
    flags = np.stack([ak.to_numpy(tree.array(name)) for name in LABELS], axis=-1).astype(np.float64)
    wrong = np.flatnonzero((flags.sum(axis=-1) != 1.0) | np.any(~np.isin(flags, (0.0, 1.0)), axis=-1))
    if len(wrong):
        raise InputError(
            f"{tree.path}: entry {tree.start + wrong[0]} is of {flags[wrong[0]].sum():g} of the classes "
            f"{', '.join(JET_CLASSES)}, not of one; make the file again, or leave it out"
        )
    return np.asarray(np.argmax(flags, axis=-1), np.int64)
