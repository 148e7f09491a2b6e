"""Arrays as the released code of arXiv:2401.00452 keeps them: `.npz` with `arr_0` `(jets, constituents, 7)`.

Columns: eta and phi from the jet's axis, transverse momentum, energy, log(pt / pt_jet), log(energy / energy_jet), kind
of particle; padded with zeros. The direction of the jet is not in the file, and eta and phi were rotated: the axis is
put at eta = phi = 0 and constituents are massless, so that transverse momenta and distances stay as they are. Energies
of the file are not kept: they belong to directions that are lost. Units: GeV, radians.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from data_prep.detector import Objects
from data_prep.importers import npz_file
from data_prep.importers.base import Chunk, FilePlan, OneProcess, Part, need_processes
from data_prep.importers.single_jets import CROSS_SECTION_FB, NO_CROSS_SECTION, SingleJetReader, check_finite, jet_part
from mscat_tf.config.importing import ImportSettings
from mscat_tf.errors import InputError
from mscat_tf.physics.four_vectors import wrap_phi

ARRAY, COLUMNS = "arr_0", 7


def readers(settings: ImportSettings) -> list["ReleasedArraysReader"]:
    """One reader for each process."""
    need_processes(settings)
    return [ReleasedArraysReader(settings, name) for name in sorted(settings.processes)]


@dataclass(frozen=True)
class ReleasedArraysReader(OneProcess, SingleJetReader):
    """Reads the files of one process (`data_prep.importers.base.Reader`)."""

    def plan(self, path: Path) -> FilePlan:
        """Check that the file is whole and of the right shape."""
        npz_file.check_whole(path)
        shape = npz_file.layout(path, ARRAY).shape
        if len(shape) != 3 or shape[2] != COLUMNS or shape[0] == 0:
            raise InputError(
                f"{path}: '{ARRAY}' has shape {shape}, not (jets, constituents, {COLUMNS}); give files of the released "
                "code's layout"
            )
        return FilePlan(shape[0], {}, () if self._own_cross_section else (NO_CROSS_SECTION,))

    def read(self, chunk: Chunk) -> Part:
        """Jets of a range of rows; what is all zero is padding."""
        rows = npz_file.read_rows(chunk.path, ARRAY, chunk.start, chunk.stop)
        check_finite(chunk, ARRAY, rows)
        real = np.any(rows != 0.0, axis=-1)
        eta, phi, pt, *_ = rows[real].T
        zero = np.zeros(len(pt), np.int64)
        objects = Objects(np.nonzero(real)[0], pt, eta, wrap_phi(phi), zero.astype(np.float64), zero, zero)
        process = np.zeros(len(rows), np.int64)
        cross_section = (self._own_cross_section or CROSS_SECTION_FB) * self.settings.processes[self.name].k_factor
        return jet_part(chunk, objects, process, (self.name,), self.settings.tokens, cross_section)

    @property
    def _own_cross_section(self) -> float | None:
        return self.settings.processes[self.name].cross_section_fb
