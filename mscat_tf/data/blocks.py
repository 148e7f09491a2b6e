"""A sample cut into blocks of neighbouring events, the unit of reading; nothing is kept of a block."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import overload

import numpy as np
from numpy.typing import NDArray

from mscat_tf.schema import CHUNK_EVENTS


@dataclass(frozen=True)
class Block:
    """Neighbouring events of one file: `rows` counts over the whole sample, `start:stop` within the file."""

    shard: int
    start: int
    stop: int
    first_row: int

    @property
    def rows(self) -> NDArray[np.int64]:
        """Rows of the sample, `(stop - start,)`."""
        return np.arange(self.first_row, self.first_row + self.stop - self.start)


class Blocks(Sequence[Block]):
    """Runs of at most `size` events of files that hold so many `events`, in their order."""

    def __init__(self, events: Sequence[int], size: int = CHUNK_EVENTS) -> None:
        self._events, self._size = events, size
        self._first_row = [0, *accumulate(events)]
        self._first_block = [0, *accumulate(-(-count // size) for count in events)]

    @property
    def shards(self) -> NDArray[np.int64]:
        """Number of the file of each block."""
        return np.repeat(np.arange(len(self._events)), np.diff(self._first_block))

    def __len__(self) -> int:
        return self._first_block[-1]

    @overload
    def __getitem__(self, index: int) -> Block: ...
    @overload
    def __getitem__(self, index: slice) -> list[Block]: ...
    def __getitem__(self, index: int | slice) -> Block | list[Block]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        index = range(len(self))[index]
        shard = bisect_right(self._first_block, index) - 1
        start = (index - self._first_block[shard]) * self._size
        stop = min(start + self._size, self._events[shard])
        return Block(shard, start, stop, self._first_row[shard] + start)

    def __iter__(self) -> Iterator[Block]:
        return (self[index] for index in range(len(self)))
