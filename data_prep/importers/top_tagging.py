"""The public top-tagging reference set: Kasieczka, Plehn, Thompson, Russell, Zenodo 2603256 (arXiv:1902.09914).

HDF5 written by pandas: one row per jet; columns `E_i, PX_i, PY_i, PZ_i` of the constituents i = 0 ... 199, padded with
zeros; `is_signal_new` 1 for top, 0 for QCD. Units: GeV.
"""

import contextlib
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np

from data_prep import extras
from data_prep.detector import Objects
from data_prep.importers.base import Chunk, FilePlan, Part
from data_prep.importers.safe_tables import check_tables
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
from mscat_tf.errors import InputError
from mscat_tf.physics.four_vectors import from_cartesian

COMPONENTS = ("PX", "PY", "PZ", "E")
LABEL = "is_signal_new"


def readers(settings: ImportSettings) -> list["TopTaggingReader"]:
    """One reader for all files."""
    need_files(settings)
    return [TopTaggingReader(settings, "top_tagging")]


@dataclass(frozen=True)
class TopTaggingReader(SingleJetReader):
    """Reads tables of jets (`data_prep.importers.base.Reader`)."""

    PROCESSES: ClassVar[dict[str, int]] = {"qcd": 0, "top": 1}

    def plan(self, path: Path) -> FilePlan:
        """Count the rows, and see that the columns are those of the set."""
        with _open(path) as table:
            columns = table.rows(0, 1).columns
        constituents = _constituents(list(columns))
        if not constituents or LABEL not in columns:
            raise InputError(
                f"{path}: the table has no columns {', '.join(f'{name}_0' for name in COMPONENTS)} and '{LABEL}'; give "
                "files of the top-tagging reference set (Zenodo 2603256)"
            )
        return FilePlan(table.entries, {"columns": f"{constituents} constituents"}, (NO_CROSS_SECTION,))

    def read(self, chunk: Chunk) -> Part:
        """Jets of a range of rows; what is all zero is padding."""
        with _open(chunk.path) as table:
            frame = table.rows(chunk.start, chunk.stop)
        constituents = _constituents(list(frame.columns))
        momenta = np.stack(
            [frame[[f"{name}_{i}" for i in range(constituents)]].to_numpy(np.float64) for name in COMPONENTS]
        )
        check_finite(chunk, "E, PX, PY, PZ", np.moveaxis(momenta, 0, -1))
        label = zero_or_one(chunk, LABEL, frame[LABEL].to_numpy(np.float64))
        real = np.any(momenta != 0.0, axis=0)
        unknown = np.zeros(int(real.sum()), np.int64)
        objects = Objects(np.nonzero(real)[0], *from_cartesian(*momenta[:, real]), unknown, unknown)
        names = tuple(self.PROCESSES)
        return jet_part(chunk, objects, label, names, self.settings.tokens, CROSS_SECTION_FB)


def _constituents(columns: list[str]) -> int:
    """How many constituents have all four columns, counted from 0."""
    known = set(columns)
    return next(i for i in itertools.count() if not {f"{name}_{i}" for name in COMPONENTS} <= known)


class _Table(NamedTuple):
    """The one table of an open file, in either of pandas' layouts; `entries` rows."""

    path: Path
    store: Any
    key: str
    entries: int

    def rows(self, start: int, stop: int) -> Any:
        """A data frame.

        Raises:
            InputError: the file is damaged there.
        """
        with _damage_told(self.path):
            frame = self.store.select(self.key, start=start, stop=stop)
        if len(frame) != stop - start:
            raise InputError(
                f"{self.path}: rows {start} to {stop} of '{self.key}' are not all there; copy or make the file again"
            )
        return frame


@contextlib.contextmanager
def _open(path: Path) -> Iterator[_Table]:
    pandas = extras.pandas()
    if not path.is_file():
        raise InputError(f"{path}: no such file; check the path")
    with contextlib.ExitStack() as stack:
        with _damage_told(path):
            check_tables(path)
            store = stack.enter_context(pandas.HDFStore(path, "r"))
            keys = [key for key in store.keys() if key != "/"]  # noqa: SIM118, not a dictionary
        if len(keys) != 1:
            raise InputError(
                f"{path}: holds {len(keys)} tables ({', '.join(keys) or 'none'}), not one; give files of the "
                "top-tagging reference set (Zenodo 2603256)"
            )
        with _damage_told(path):
            storer = store.get_storer(keys[0])
            entries = int(storer.nrows if storer.is_table else storer.shape[0])
        if entries == 0:
            raise InputError(f"{path}: the table has no rows; leave the file out")
        yield _Table(path, store, keys[0], entries)


@contextlib.contextmanager
def _damage_told(path: Path) -> Iterator[None]:
    """Only readers of HDF5 run inside: PyTables raises RuntimeError, pandas whatever its guesses lead to."""
    try:
        yield
    except InputError:
        raise
    except (OSError, RuntimeError, ValueError, TypeError, LookupError, AttributeError) as error:
        raise InputError(
            f"{path}: truncated, damaged or not a table that pandas wrote ({type(error).__name__}); copy it again, or "
            "leave it out"
        ) from error
