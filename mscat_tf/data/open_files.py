"""HDF5 files of a sample, opened when they are read: so many at a time, whatever the number of shards."""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import h5py
from numpy.typing import NDArray

from mscat_tf import schema

MOST_OPEN = 40
"""Files kept open, the last used: a few more than `mscat_tf.data.order.FILES_AT_ONCE`; each costs 0.2 MB."""


class OpenFiles:
    """Data sets of numbered files; several threads may read.

    A data set stays open with its file: opening one takes four times as long as reading 256 events of it.
    """

    def __init__(self, files: Sequence[Path]) -> None:
        self._files = files
        self._open: OrderedDict[int, tuple[h5py.File, dict[str, h5py.Dataset]]] = OrderedDict()
        self._lock = threading.Lock()

    def read(self, number: int, name: str, start: int, stop: int) -> NDArray[Any]:
        """Entries `start` to `stop` of a data set.

        Raises:
            OSError: the file is damaged there.
            InputError, SchemaError: it cannot be opened any more.
        """
        with self._lock:  # or another thread might close the file meanwhile
            file, data_sets = self._file(number)
            if name not in data_sets:
                data_sets[name] = file[name]
            return data_sets[name][start:stop]  # type: ignore[no-any-return]

    def close(self) -> None:
        """Close every file; reading opens it again."""
        with self._lock:
            for file, _ in self._open.values():
                file.close()
            self._open.clear()

    def _file(self, number: int) -> tuple[h5py.File, dict[str, h5py.Dataset]]:
        if number not in self._open:
            if len(self._open) >= MOST_OPEN:
                _, (oldest, _) = self._open.popitem(last=False)
                oldest.close()
            self._open[number] = schema.open_sample(self._files[number]), {}
        self._open.move_to_end(number)
        return self._open[number]
