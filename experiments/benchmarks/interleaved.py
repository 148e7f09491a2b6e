"""Several works timed in turns in one run, so that what else the machine does hits all of them."""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

Turn = Callable[[int], list[tuple[float, float]]]
"""So many calls of a work: wall seconds and CPU seconds (of all threads) of each."""


def timed(work: Callable[[], Any]) -> Turn:
    """The turn of a work of this process."""

    def turn(calls: int) -> list[tuple[float, float]]:
        found = []
        for _ in range(calls):
            wall, busy = time.perf_counter(), time.process_time()
            work()
            found.append((time.perf_counter() - wall, time.process_time() - busy))
        return found

    return turn


@dataclass(frozen=True)
class Timings:
    """What `interleave` found.

    Attributes:
        seconds: by work `(rounds, 2)`: median wall and CPU seconds of the calls of each round.
    """

    seconds: Mapping[str, Any]

    def median(self, name: str, clock: int = 0) -> float:
        """Seconds of one call: the median over the rounds, by wall clock (0) or of CPU time (1)."""
        return float(np.median(self.seconds[name][:, clock]))

    def best(self, names: Iterable[str]) -> str:
        """The fastest of these."""
        return min(names, key=self.median)

    def gain(self, slow: str, fast: str, clock: int = 0) -> float:
        """How many times faster: the median of the ratios of each round, whose two turns were neighbours in time."""
        return float(np.median(self.seconds[slow][:, clock] / self.seconds[fast][:, clock]))

    def to_json(self) -> dict[str, Any]:
        """All numbers."""
        return {
            name: {"wall": found[:, 0].tolist(), "cpu": found[:, 1].tolist()} for name, found in self.seconds.items()
        }


def interleave(turns: Mapping[str, Turn], rounds: int, calls: int) -> Timings:
    """Give every work its turn of so many calls, round after round, every second round backwards.

    Each is called once before, so that what only the first call does is not measured.
    """
    for turn in turns.values():
        turn(1)
    found: dict[str, list[Any]] = {name: [] for name in turns}
    for number in range(rounds):
        for name in list(turns)[:: -1 if number % 2 else 1]:
            found[name].append(np.median(turns[name](calls), axis=0))
    return Timings({name: np.array(values) for name, values in found.items()})


def show(timings: Timings, events: int) -> None:
    """A line for each work: milliseconds, events per second, and the same by CPU time."""
    for name in timings.seconds:
        wall, busy = timings.median(name), timings.median(name, 1)
        rates = f"{events / wall:10.0f} events/s{events / busy:10.0f} events per CPU second"
        print(f"  {name:44}{1e3 * wall:10.2f} ms{rates}", flush=True)
