"""HDF5 files made in memory and written as a whole: HDF5 itself does not outlive a full disk, the process crashes."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import h5py

from mscat_tf.files import atomic_path


@contextlib.contextmanager
def hdf5_file(path: str | Path) -> Iterator[h5py.File]:
    """Give a file to be filled; it stands at `path`, atomically, when the block ends well.

    Raises:
        OutputError: it cannot be written.
    """
    with h5py.File(str(path), "w", driver="core", backing_store=False) as file:
        yield file
        file.flush()
        image = file.id.get_file_image()
    with atomic_path(path) as temporary:
        temporary.write_bytes(image)
