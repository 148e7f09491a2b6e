"""A sample read block by block with everything that it holds, sound or not: unlike `Sample.read`, NaN come through."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from mscat_tf import schema
from mscat_tf.data.blocks import Block
from mscat_tf.data.sample import Arrays, Sample
from mscat_tf.errors import SchemaError
from mscat_tf.schema import Header

RAW, OFFSETS = "raw/constituents", "raw/offsets"


@dataclass(frozen=True)
class EventBlock:
    """Neighbouring events of one file, with every data set that the file holds.

    Attributes:
        file, shard, start: where the events stand; `start` counts within the file.
        header: attributes of this file.
        arrays: by name, all but `raw/*`, each `(n, ...)`; what the file lacks is absent.
        raw: `(rows, columns)` constituents in the laboratory, None where absent or where the offsets make no sense.
        raw_counts: `(n, J)` rows of each jet, as the offsets say; None where there are none.
    """

    file: Path
    shard: int
    start: int
    header: Header
    arrays: Arrays
    raw: NDArray[np.float32] | None = None
    raw_counts: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.arrays["label"])

    def __contains__(self, name: str) -> bool:
        return name in self.arrays

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self.arrays[name]

    def weight_column(self, name: str) -> NDArray[np.float64]:
        """`(n,)` of the data set `weights`."""
        return self.arrays["weights"][:, schema.WEIGHT_COLUMNS.index(name)].astype(np.float64)


def read_blocks(sample: Sample, blocks: list[Block] | None = None) -> Iterator[EventBlock]:
    """Blocks in file order (all of them unless some are named), one file open at a time.

    Raises:
        SchemaError: a file is damaged where it was read.
    """
    shard, file = -1, None
    try:
        for block in sample.blocks if blocks is None else blocks:
            if block.shard != shard:
                if file is not None:
                    file.close()
                shard, file = block.shard, schema.open_sample(sample.files[block.shard])
            try:
                yield _read(sample, block, file)
            except OSError as error:
                raise SchemaError(
                    f"{sample.files[shard]}: events {block.start} to {block.stop} cannot be read ({error}); delete the "
                    "file and make it again"
                ) from error
    finally:
        if file is not None:
            file.close()


def _read(sample: Sample, block: Block, file: h5py.File) -> EventBlock:
    names = [name for name in schema.DATA_SETS if name in file and name not in (RAW, OFFSETS)]
    arrays = {name: file[name][block.start : block.stop] for name in names}
    header = sample.headers[block.shard]
    raw, counts = _raw(file, block, header.jets) if RAW in file and OFFSETS in file else (None, None)
    return EventBlock(sample.files[block.shard], block.shard, block.start, header, arrays, raw, counts)


def _raw(file: h5py.File, block: Block, jets: int) -> tuple[NDArray[np.float32] | None, NDArray[np.int64] | None]:
    offsets = file[OFFSETS][block.start * jets : block.stop * jets + 1]
    counts = np.diff(offsets).reshape(-1, jets)
    if (counts < 0).any() or offsets[0] < 0 or offsets[-1] > len(file[RAW]):
        return None, counts
    return file[RAW][offsets[0] : offsets[-1]], counts
