"""Windows of events in memory: read while the one before is used, and handed on what it left over."""

from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, replace

import numpy as np

from mscat_tf.data.census import Census
from mscat_tf.data.features import with_event_columns
from mscat_tf.data.lengths import length_class, longest_jet
from mscat_tf.data.order import EventOrder, Ints, LanePass
from mscat_tf.data.sample import Arrays, Sample


@dataclass(frozen=True)
class Window:
    """Events in memory and the order in which they are taken.

    Attributes:
        columns: of length n: the data sets that are read, and `label`, `weight`, `row`.
        picks: of each length class, places in `columns`, in order; a place may come several times.
    """

    columns: Arrays
    picks: tuple[Ints, ...]

    def rest(self, taken: Ints) -> "Window":
        """The events that remain when so many of each class were taken."""
        left = [picks[count:] for picks, count in zip(self.picks, taken, strict=True)]
        places, ends = np.concatenate(left), np.cumsum([len(part) for part in left])
        columns = {name: array[places] for name, array in self.columns.items()}
        return Window(columns, tuple(np.split(np.arange(len(places)), ends[:-1])))

    def followed_by(self, parts: Sequence[Arrays], picks: tuple[Ints, ...]) -> "Window":
        """These events, then those of `parts` one after the other, which are taken in the order of `picks`."""
        size = len(self.columns["row"])
        columns = {
            name: np.concatenate([array, *(part[name] for part in parts)]) for name, array in self.columns.items()
        }
        pairs = zip(self.picks, picks, strict=True)
        return Window(columns, tuple(np.concatenate([first, second + size]) for first, second in pairs))


@dataclass(frozen=True)
class Part:
    """One lane's part of a batch: places of a window, of which the first `real` are events and the others padding.

    Attributes:
        number: of the pass. step: within the pass. length_class: of its events.
    """

    window: Window
    places: Ints
    real: int
    number: int
    step: int
    length_class: int


class WindowReader:
    """Reads the windows of one split.

    Args:
        sample, census: what is read. split: index into `SPLITS`.
        data_sets: of the schema, that are kept. order: when what is read.
        high_level: columns of that data set, if it is kept; None means those of the files.
    """

    def __init__(
        self,
        sample: Sample,
        census: Census,
        split: int,
        data_sets: tuple[str, ...],
        order: EventOrder,
        high_level: tuple[str, ...] | None = None,
    ) -> None:
        self._sample, self._census, self._split, self._high_level = sample, census, split, high_level
        self._data_sets, self._order, self._classes = data_sets, order, order.classes
        mask = ("constituents_mask",) if self._classes > 1 else ()
        self._read_names = tuple(dict.fromkeys((*data_sets, *mask, *census.columns)))

    def parts(self, lane: int, start: int, endless: bool, background: Executor) -> Iterator[Part]:
        """A lane's parts of the batches from step `start` on, counted over all passes.

        Args:
            background: reads the next window while the present one is used.
        """
        number, first = divmod(start, self._order.steps)
        lane_pass = self._order.lane_pass(number, lane)
        window = lane_pass.window_of(min(first, int(lane_pass.ends[-1]) - 1))
        coming: Future[Window] | None = background.submit(self._begin, lane_pass, window)
        while coming is not None:
            present, here, coming = coming.result(), (lane_pass, window), None
            window += 1
            if window == lane_pass.windows and endless:
                lane_pass, window = self._order.lane_pass(lane_pass.number + 1, lane), 0
            if window < lane_pass.windows:
                coming = background.submit(self._next, lane_pass, window, present)
            yield from self._cut(present, *here, first)
            first = 0

    def _cut(self, window: Window, lane_pass: LanePass, number: int, first: int) -> Iterator[Part]:
        """Parts of one window from step `first` of the pass on; after the lane's last one, padding to the pass' end."""
        size, last = self._order.piece, int(lane_pass.ends[-1]) - 1
        begin = int(lane_pass.ends[number - 1]) if number else 0
        taken = np.zeros(self._classes, np.int64)
        for step, length in enumerate(lane_pass.schedule(number), begin):
            picks = window.picks[length][taken[length] : taken[length] + size]
            taken[length] += size
            places = np.full(size, picks[0])
            places[: len(picks)] = picks
            part = Part(window, places, len(picks), lane_pass.number, step, int(length))
            if step >= first:
                yield part
            if step == last:
                yield from (replace(part, real=0, step=late) for late in range(max(step + 1, first), self._order.steps))

    def _begin(self, lane_pass: LanePass, number: int) -> Window:
        """A window to start with: what it takes over is looked for in those before it."""
        missing, tails = lane_pass.carried(number), []
        for earlier in range(number - 1, -1, -1):
            if not missing.any():
                break
            before = self._read(lane_pass, earlier, None)
            sizes = np.array([len(picks) for picks in before.picks])
            used = np.minimum(sizes, missing)
            tails.append(before.rest(sizes - used))
            missing = missing - used
        carried = None
        for tail in reversed(tails):
            carried = tail if carried is None else carried.followed_by([tail.columns], tail.picks)
        return self._read(lane_pass, number, carried)

    def _next(self, lane_pass: LanePass, number: int, present: Window) -> Window:
        """The window after the present one, which may be of the pass before."""
        if not number:
            return self._read(lane_pass, number, None)
        sizes = np.array([len(picks) for picks in present.picks])
        return self._read(lane_pass, number, present.rest(sizes - lane_pass.carried(number)))

    def _read(self, lane_pass: LanePass, number: int, carried: Window | None) -> Window:
        """What is carried over, and the window's own events."""
        parts, places = [], range(*lane_pass.part(number).indices(len(lane_pass.blocks)))
        for place in places:
            if lane_pass.copies[place].any() or place == places[0]:  # the first also tells the shapes
                parts.append(self._read_block(lane_pass, place))
        times, length = (np.concatenate([part.pop(name) for part in parts]) for name in ("times", "length"))
        picks = np.repeat(np.arange(len(times)), times)
        picks = picks[lane_pass.mixed(number, len(picks))]
        by_class = tuple(picks[length[picks] == value] for value in range(self._classes))
        if carried is not None:
            return carried.followed_by(parts, by_class)
        return Window({name: np.concatenate([part[name] for part in parts]) for name in parts[0]}, by_class)

    def _read_block(self, lane_pass: LanePass, place: int) -> Arrays:
        """Columns of a window for one block, and of each event `length`, its class, and `times` that it is taken."""
        block = self._sample.blocks[int(lane_pass.blocks[place])]
        arrays = self._sample.read(block, self._read_names, self._high_level)
        events = self._census.describe(block, arrays)
        chosen = np.flatnonzero(events.split == self._split)
        length = self._length_class(arrays, chosen)
        stratum = events.process[chosen] * self._classes + length
        times = lane_pass.repeats(place, stratum)
        kept = times > 0
        chosen, length, stratum, times = chosen[kept], length[kept], stratum[kept], times[kept]
        found = {name: arrays[name][chosen] for name in self._data_sets}
        if events.event_columns is not None:
            found = with_event_columns(found, events.event_columns[chosen])
        return found | {
            "label": events.label[chosen].astype(np.float32),
            "weight": events.weight[chosen] / self._order.ratio[lane_pass.lane][stratum],
            "row": block.first_row + chosen,
            "length": length,
            "times": times,
        }

    def _length_class(self, arrays: Arrays, chosen: Ints) -> Ints:
        if self._classes == 1:
            return np.zeros(len(chosen), np.int64)
        edges = self._census.length_edges
        return length_class(longest_jet(arrays["constituents_mask"][chosen][..., : edges[-1]]), edges)
