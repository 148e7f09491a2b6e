"""Reading trees of ROOT files by uproot; whatever is wrong with a file becomes one sentence."""

import contextlib
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from data_prep import extras
from data_prep.arrays import Ints
from mscat_tf.errors import InputError, MissingExtraError
from mscat_tf.plausible_size import entries_problem

LARGE_FILE_VERSION = 1_000_000
"""From this version on the header of a ROOT file holds 64-bit addresses (ROOT, TFile, "ROOT file layout")."""


class Jagged(NamedTuple):
    """Values of all entries one after the other `(total, ...)`, and how many each entry has `(entries,)`."""

    values: NDArray[Any]
    counts: Ints


class Tree:
    """A range of entries of one tree.

    Args:
        path: of the file. tree: of uproot. start, stop: the range; all of it by default.
    """

    def __init__(self, path: Path, tree: Any, start: int = 0, stop: int | None = None) -> None:
        self.path, self.tree, self.start = path, tree, start
        self.entries = int(tree.num_entries)
        self.stop = self.entries if stop is None else stop

    def has(self, *branches: str) -> bool:
        """Whether it has all of these branches."""
        return all(branch in self.tree for branch in branches)

    def array(self, branch: str) -> Any:
        """One branch, as an awkward array.

        Raises:
            InputError: the branch is missing, or the file is damaged there.
        """
        if not self.has(branch):
            raise InputError(
                f"{self.path}: tree '{self.tree.name}' has no branch '{branch}'; write the file again with it, or name "
                "another branch in the settings"
            )
        with _damage_told(self.path, f"branch '{branch}', entries {self.start} to {self.stop}"):
            array = self.tree[branch].array(entry_start=self.start, entry_stop=self.stop)
        if len(array) != self.stop - self.start:
            raise InputError(
                f"{self.path}: branch '{branch}' ends at entry {self.start + len(array)}, but the tree has "
                f"{self.entries}; the file is incomplete, so copy or make it again"
            )
        return array

    def numbers(self, branch: str) -> Jagged:
        """A branch of numbers, several for each entry; real ones as float64, checked for NaN and infinity.

        Raises:
            InputError: as for `array`, an entry holds no list of numbers, or a value is not finite.
        """
        array = self.array(branch)
        if array.ndim != 2:
            raise InputError(
                f"{self.path}: branch '{branch}' holds {array.type.content} in each entry, not a list of numbers; give "
                "files of the right format, or name another branch in the settings"
            )
        counts = ak.to_numpy(ak.num(array)).astype(np.int64)
        values = ak.to_numpy(ak.flatten(array))
        if not np.issubdtype(values.dtype, np.floating):
            return Jagged(values.astype(np.int64), counts)
        bad = np.flatnonzero(~np.isfinite(values))
        if len(bad):
            entry = self.start + int(np.searchsorted(np.cumsum(counts), bad[0], side="right"))
            raise InputError(
                f"{self.path}: branch '{branch}' is {values[bad[0]]} in entry {entry} ({len(bad)} such values in "
                f"entries {self.start} to {self.stop}); make the file again, or leave it out"
            )
        return Jagged(values.astype(np.float64), counts)


@contextlib.contextmanager
def open_tree(path: Path, name: str, start: int = 0, stop: int | None = None) -> Iterator[Tree]:
    """The newest cycle of a tree: older ones are backups that an interrupted job left, with fewer entries.

    Args:
        path: of the file. name: of the tree. start, stop: entries that will be read.

    Raises:
        InputError: the file is missing, truncated, damaged or not of ROOT, or holds no such tree.
        MissingExtraError: uproot is not installed.
    """
    uproot = extras.uproot()
    _check_whole(path)
    with contextlib.ExitStack() as stack:
        with _damage_told(path, "list of contents"):
            file = stack.enter_context(uproot.open(path, array_cache=None))
            trees = file.keys(cycle=False, filter_classname=["TTree", "ROOT::RNTuple"])
            tree = file[name] if name in trees else None
        if tree is None:
            raise InputError(
                f"{path}: holds no tree '{name}' (trees: {', '.join(sorted(set(trees))) or 'none'}); give files of the "
                "right format, or name the tree in the settings"
            )
        if problem := entries_problem(tree.num_entries, path):
            raise InputError(f"{path}: tree '{name}' {problem}; copy it again, or leave it out")
        yield Tree(path, tree, start, stop)


def _check_whole(path: Path) -> None:
    """Compare the length of a file with the one that its header tells: uproot opens some truncated files."""
    try:
        with path.open("rb") as handle:
            head = handle.read(20)
        size = path.stat().st_size
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error}); check the path") from error
    if head[:4] != b"root" or len(head) < 20:
        raise InputError(f"{path}: not a ROOT file; check the path and the format")
    (version,) = struct.unpack(">i", head[4:8])
    (end,) = struct.unpack(">q", head[12:20]) if version >= LARGE_FILE_VERSION else struct.unpack(">i", head[12:16])
    if size < end:
        raise InputError(f"{path}: truncated: {size} of {end} bytes are there; copy it again, or leave it out")


@contextlib.contextmanager
def _damage_told(path: Path, where: str) -> Iterator[None]:
    """Only uproot runs inside: on damaged bytes it and the decompressors raise nearly every class there is."""
    try:
        yield
    except (MissingExtraError, ImportError):
        raise
    except Exception as error:
        reason = (str(error).strip().splitlines() or [""])[0].rstrip(".:;")
        raise InputError(
            f"{path}: damaged: {where} cannot be read ({type(error).__name__}: {reason}); copy it again, or leave "
            "it out"
        ) from error
