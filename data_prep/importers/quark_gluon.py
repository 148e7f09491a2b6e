"""The quark and gluon jets of EnergyFlow: Komiske, Metodiev, Thaler, Zenodo 3164691 and 3066475 (arXiv:1810.05165).

`.npz` files: `X` `(jets, constituents, 4)` transverse momentum, rapidity, azimuth, PDG id, padded with zeros; `y` 1 for
quarks, 0 for gluons. Particle level. Units: GeV, radians.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from data_prep.arrays import Ints
from data_prep.detector import Objects, charge_of
from data_prep.importers import npz_file
from data_prep.importers.base import Chunk, FilePlan, Part
from data_prep.importers.single_jets import (
    CROSS_SECTION_FB,
    NO_CROSS_SECTION,
    SingleJetReader,
    check_finite,
    jet_part,
    need_files,
    zero_or_one,
)
from mscat_tf.config.importing import ImportSettings
from mscat_tf.constants import CHARGED_PION_MASS, ELECTRON_MASS, MUON_MASS
from mscat_tf.errors import InputError
from mscat_tf.physics.four_vectors import Floats, wrap_phi

MASSES = {
    11: ELECTRON_MASS,
    13: MUON_MASS,
    22: 0.0,
    130: 0.497611,
    211: CHARGED_PION_MASS,
    321: 0.493677,
    2112: 0.93956542,
    2212: 0.93827209,
}
"""Mass by absolute PDG id of every kind of particle in the set [GeV]; PDG 2024."""


def readers(settings: ImportSettings) -> list["QuarkGluonReader"]:
    """One reader for all files."""
    need_files(settings)
    return [QuarkGluonReader(settings, "quark_gluon")]


@dataclass(frozen=True)
class QuarkGluonReader(SingleJetReader):
    """Reads arrays of jets (`data_prep.importers.base.Reader`)."""

    PROCESSES: ClassVar[dict[str, int]] = {"gluon": 0, "quark": 1}

    def plan(self, path: Path) -> FilePlan:
        """Check that the file is whole and has both arrays."""
        npz_file.check_whole(path)
        jets, labels = npz_file.layout(path, "X").shape, npz_file.layout(path, "y").shape
        if len(jets) != 3 or jets[2] != 4 or labels != jets[:1] or jets[0] == 0:
            raise InputError(
                f"{path}: 'X' has shape {jets} and 'y' {labels}, not (jets, constituents, 4) and (jets,); give files "
                "of EnergyFlow's quark and gluon jets, with PDG ids"
            )
        return FilePlan(jets[0], {}, (NO_CROSS_SECTION,))

    def read(self, chunk: Chunk) -> Part:
        """Jets of a range of rows; what is all zero is padding."""
        rows = npz_file.read_rows(chunk.path, "X", chunk.start, chunk.stop)
        check_finite(chunk, "X", rows)
        label = zero_or_one(chunk, "y", npz_file.read_rows(chunk.path, "y", chunk.start, chunk.stop))
        real = np.any(rows != 0.0, axis=-1)
        pt, rapidity, phi, number = rows[real].T
        pdg_id = np.rint(number).astype(np.int64)
        mass = _masses(chunk, pdg_id)
        eta = pseudorapidity(pt, rapidity, mass)
        objects = Objects(np.nonzero(real)[0], pt, eta, wrap_phi(phi), mass, charge_of(pdg_id), pdg_id)
        names = tuple(self.PROCESSES)
        return jet_part(chunk, objects, label, names, self.settings.tokens, CROSS_SECTION_FB)


def pseudorapidity(pt: ArrayLike, rapidity: ArrayLike, mass: ArrayLike) -> Floats:
    """`asinh(pz / pt)` with `pz = sqrt(pt^2 + m^2) sinh(y)`; PDG, Review of Particle Physics, "Kinematics".

    Args:
        pt, mass: [GeV]; pt of 0 or below gives NaN. rapidity: y.

    >>> pseudorapidity(10.0, 1.5, 0.0).round(12).item()
    1.5
    """
    pt, rapidity, mass = (np.asarray(values, np.float64) for values in (pt, rapidity, mass))
    ratio = np.divide(np.hypot(pt, mass), pt, out=np.full(np.shape(pt), np.nan), where=pt > 0.0)
    return np.asarray(np.arcsinh(ratio * np.sinh(rapidity)))


def _masses(chunk: Chunk, pdg_id: Ints) -> Floats:
    kinds, place = np.unique(np.abs(pdg_id), return_inverse=True)
    unknown = [str(kind) for kind in kinds if kind not in MASSES]
    if unknown:
        raise InputError(
            f"{chunk.path}: entries {chunk.start} to {chunk.stop} hold particles of PDG id {', '.join(unknown)}, whose "
            f"mass is not known here (known: {', '.join(map(str, MASSES))}); check that the last column of 'X' is the "
            "PDG id"
        )
    return np.array([MASSES[kind] for kind in kinds], np.float64)[place]
