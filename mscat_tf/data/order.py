"""Which events are read when: files, blocks, windows, lanes and batches of every pass over a split, in numbers alone.

A pass takes the files in a random order, `FILES_AT_ONCE` at a time, and of these the blocks of up to 256 neighbouring
events in a random order; files and blocks of one process each are spread evenly over the pass. `WINDOW_BLOCKS` blocks
make a window. Its events are mixed freely and cut into batches, what is left over goes to the window after it. So
* two neighbours of a file, which lie in one block, come into the same batch with the probability (B - 1) / (w - 1),
  w being the events of a window, where a free permutation of all n has (B - 1) / (n - 1);
* two blocks of one process in the same files, b of them, meet in a window with the probability 63 / (b - 1);
* a sample of one window (16 384 events) is permuted freely.
With more than one lane each lane does this with its own blocks, 1 / lanes of the files at once and of the window.

Everything follows from (seed, pass) and the census of the blocks. So any batch is found without those before it.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from mscat_tf.errors import ConfigError

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
WINDOW_BLOCKS = 64
"""Blocks of up to 256 events that are mixed at once: 16 384 events, 27 MB for 2 x 50 constituents."""

FILES_AT_ONCE = 32
"""Files whose blocks are mixed, so that each is opened once in a pass; all of them wherever there are no more."""

_DEAL, _BLOCKS, _COPIES, _WINDOW, _EXTRA = range(1, 6)


class EventOrder:
    """The order of all passes over one split.

    Events are counted in strata, of one process and one length class; each stratum is taken as a whole as often as
    `copies` says, on average over its events.

    Args:
        counts: `(blocks, strata)` events. files: `(blocks,)` number of the file of each block.
        stratum_class: `(strata,)` length class of each; batches are of one class.
        copies: `(strata,)` times that an event comes in a pass.
        batch_size: events of a global batch. lanes: parts of equal size that make it.
        seed: None keeps the order of the file.

    Attributes:
        steps: batches of a pass, the same in each. events: `(lanes,)` of a pass, copies counted.
        classes: number of length classes. piece: events of a batch that come from one lane.
        ratio: `(lanes, strata)` times that an event really comes in a pass, on average.

    Raises:
        ConfigError: more lanes than blocks with events, or a batch that they do not divide.
    """

    def __init__(
        self,
        counts: Ints,
        files: Ints,
        stratum_class: Ints,
        copies: Floats,
        batch_size: int,
        lanes: int,
        seed: int | None,
    ) -> None:
        if batch_size % lanes:
            raise ConfigError(f"train.batch_size = {batch_size} is not a multiple of train.lanes = {lanes}; change one")
        self.stratum_class, self.lanes, self.seed, self.piece = stratum_class, lanes, seed, batch_size // lanes
        self._counts, self._files = np.asarray(counts, np.int64), files
        self._blocks = self._deal()
        own = np.stack([self._counts[blocks].sum(axis=0) for blocks in self._blocks])
        self._totals: Ints = np.where(copies == 1.0, own, _share(own, copies))
        self.ratio: Floats = self._totals / np.maximum(own, 1)
        self.classes = int(stratum_class.max()) + 1
        by_class = np.stack([_by_class(total, stratum_class, self.classes) for total in self._totals])
        self.events = by_class.sum(axis=1)
        self._pieces = (-(-by_class // self.piece)).sum(axis=1)
        self.steps = int(self._pieces.max())

    def real_events(self, step: int) -> int:
        """Events of the global batch at this step of a pass that are not padding; only for more than one lane."""
        return int(np.clip(self.events - step * self.piece, 0, self.piece).sum())

    def lane_pass(self, number: int, lane: int) -> "LanePass":
        """One pass over the blocks of one lane."""
        blocks, counts = self._blocks[lane], self._counts[self._blocks[lane]]
        if self.seed is not None:
            mixed = self._mixed(blocks, self._rng(number, lane, _BLOCKS))
            blocks, counts = blocks[mixed], counts[mixed]
        copies = counts
        if np.any(self.ratio[lane] != 1.0):
            offset = self._rng(number, lane, _COPIES).random((counts.shape[1],))
            copies = _systematic(counts, self._totals[lane], offset)
        return LanePass(self, number, lane, blocks, counts, copies)

    def _rng(self, *place: int) -> np.random.Generator:
        return np.random.default_rng((self.seed or 0, *place))

    def _mixed(self, blocks: Ints, rng: np.random.Generator) -> Ints:
        """A random order of these blocks, of so many files at a time."""
        names, file = np.unique(self._files[blocks], return_inverse=True)
        of_file = np.zeros((len(names), self._counts.shape[1]), np.int64)
        np.add.at(of_file, file, self._counts[blocks])
        place = np.empty(len(names), np.int64)
        place[np.argsort(_spread(of_file.argmax(axis=1), rng), kind="stable")] = np.arange(len(names))
        group = (place // max(1, FILES_AT_ONCE // self.lanes))[file]
        kind = group * self._counts.shape[1] + self._counts[blocks].argmax(axis=1)
        return np.lexsort((_spread(kind, rng), group))

    def _deal(self) -> list[Ints]:
        """Blocks of each lane, increasing: lanes get equally many events, up to a few, whatever the pass."""
        if self.lanes == 1:
            return [np.arange(len(self._counts))]
        sizes = self._counts.sum(axis=1)
        filled = int(np.count_nonzero(sizes))
        if filled < self.lanes:
            raise ConfigError(
                f"train.lanes = {self.lanes}, but the events lie in {filled} blocks of up to 256; set it to {filled} "
                "or less"
            )
        order = np.lexsort((self._rng(_DEAL).random(len(sizes)), -sizes))
        lane_of, filling = np.empty(len(sizes), np.int64), np.zeros(self.lanes, np.int64)
        for first in range(0, len(order), self.lanes):
            next_ = order[first : first + self.lanes]  # the largest left goes to the emptiest lane
            emptiest = np.argsort(filling, kind="stable")[: len(next_)]
            lane_of[next_], filling[emptiest] = emptiest, filling[emptiest] + sizes[next_]
        return [np.flatnonzero(lane_of == lane) for lane in range(self.lanes)]


@dataclass(frozen=True)
class LanePass:
    """One pass over the blocks of one lane, in the order of reading.

    Attributes:
        blocks: `(n,)` numbers of the blocks. counts, copies: `(n, strata)` events, and how often they come together.
    """

    order: EventOrder
    number: int
    lane: int
    blocks: Ints
    counts: Ints
    copies: Ints

    @property
    def window_blocks(self) -> int:
        """Blocks of a window of one lane."""
        return max(1, WINDOW_BLOCKS // self.order.lanes)

    @property
    def windows(self) -> int:
        """Number of windows."""
        return -(-len(self.blocks) // self.window_blocks)

    @cached_property
    def _done(self) -> tuple[Ints, Ints]:
        """After each window `(windows, classes)`: events that came so far, and parts of batches made of them."""
        starts = np.arange(0, len(self.blocks), self.window_blocks)
        per_window = np.add.reduceat(self.copies, starts, axis=0)
        came = np.cumsum(_by_class(per_window, self.order.stratum_class, self.order.classes), axis=0)
        made = came // self.order.piece
        made[-1] = -(-came[-1] // self.order.piece)
        return came, made

    @cached_property
    def ends(self) -> Ints:
        """Parts of batches made after each window, `(windows,)`."""
        return np.asarray(self._done[1].sum(axis=1))

    def window_of(self, step: int) -> int:
        """The window that makes the part of this step; the last one where the lane has no events left."""
        return min(int(np.searchsorted(self.ends, step, side="right")), self.windows - 1)

    def carried(self, window: int) -> Ints:
        """Events of each class that earlier windows leave over for this one, `(classes,)`."""
        if window == 0:
            return np.zeros(self.order.classes, np.int64)
        came, made = self._done
        return np.asarray(came[window - 1] - made[window - 1] * self.order.piece)

    def schedule(self, window: int) -> Ints:
        """Class of each part of a batch that the window makes, in order."""
        made = self._done[1]
        new = made[window] - (made[window - 1] if window else 0)
        classes = np.repeat(np.arange(len(new)), new)
        if self.order.seed is not None and len(new) > 1:
            classes = self.order._rng(self.number, self.lane, _WINDOW, window, 1).permutation(classes)
        return classes

    def part(self, window: int) -> slice:
        """The window's place in `blocks`, `counts` and `copies`."""
        return slice(window * self.window_blocks, (window + 1) * self.window_blocks)

    def mixed(self, window: int, events: int) -> Ints:
        """Order of the events of a window, `(events,)`."""
        if self.order.seed is None:
            return np.arange(events)
        return self.order._rng(self.number, self.lane, _WINDOW, window).permutation(events)

    def repeats(self, place: int, stratum: Ints) -> Ints:
        """How often each event of the block at this place comes, `(n,)`, given the stratum of each."""
        counts, copies = self.counts[place], self.copies[place]
        if np.array_equal(counts, copies):
            return np.ones(len(stratum), np.int64)
        floor, extra = np.divmod(copies, np.maximum(counts, 1))
        lots = self.order._rng(self.number, self.lane, _EXTRA, int(self.blocks[place])).random(len(stratum))
        by_lot = np.lexsort((lots, stratum))
        rank = np.empty(len(stratum), np.int64)
        rank[by_lot] = np.arange(len(stratum)) - (np.cumsum(counts) - counts)[stratum[by_lot]]
        return np.asarray(floor[stratum] + (rank < extra[stratum]))


def _spread(kind: Ints, rng: np.random.Generator) -> Floats:
    """Random places in [0, 1), one for each entry, by which those of the same kind come in evenly spread."""
    _, kind, size = np.unique(kind, return_inverse=True, return_counts=True)
    by_kind = np.lexsort((rng.random(len(kind)), kind))
    rank = np.empty(len(kind), np.int64)
    rank[by_kind] = np.arange(len(kind)) - (np.cumsum(size) - size)[kind[by_kind]]
    return np.asarray((rank + rng.random(len(kind))) / size[kind])


def _by_class(strata: Ints, stratum_class: Ints, classes: int) -> Ints:
    """Sum the last axis over the strata of each class."""
    return np.stack([strata[..., stratum_class == value].sum(axis=-1) for value in range(classes)], axis=-1)


def _share(own: Ints, copies: Floats) -> Ints:
    """Whole numbers near `own x copies`, `(lanes, strata)`, that sum over the lanes to the nearest one of the whole.

    A lane that has events of a stratum shows at least one.
    """
    ends = np.floor(np.cumsum(own, axis=0) * copies + 0.5).astype(np.int64)
    return np.maximum(np.diff(ends, axis=0, prepend=0), own > 0)


def _systematic(counts: Ints, totals: Ints, offset: Floats) -> Ints:
    """Deal `totals` `(strata,)` copies to blocks in proportion to their `counts` `(blocks, strata)`, rounded at random.

    Systematic sampling: multiples of one from a random start `offset` on the cumulative axis, so that the expectation
    of each block is exact and the sum certain.
    """
    came = np.cumsum(counts, axis=0)
    whole = np.maximum(came[-1], 1)
    ends = np.floor(came * totals / whole + offset).astype(np.int64)
    ends[came == came[-1]] = np.broadcast_to(totals, ends.shape)[came == came[-1]]
    return np.asarray(np.diff(ends, axis=0, prepend=0))
