"""How fast the high-level variables of jets are, and that their memory stays flat. Results: docs/high_level.md.

    python experiments/benchmarks/high_level.py               # some four minutes; JSON to runs/benchmarks/
    python experiments/benchmarks/high_level.py --only loops --rounds 9

`loops`: our functions against the obvious loop over the same jets' constituents (`high_level_loops.py`), after a check
that both find the same. Works take turns in one process; figures are medians over the rounds of the ratio of CPU time
per jet in neighbouring turns. Every loop but the cheapest has a sample of the jets, evenly spaced in size. `groups`:
every group of columns as `data_prep.high_level` makes it from momenta, its clustering included. `memory`: all columns
of a stream of jets, batch after batch, in a process of its own, and ten times as many.
"""

import argparse
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE, ROOT = str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parents[2])
sys.path[:] = [ROOT if folder == HERE else folder for folder in sys.path]  # else a benchmark hides what it is named for

import numpy as np  # noqa: E402

from experiments.benchmarks import high_level_loops as loops  # noqa: E402
from experiments.benchmarks.alone import alone  # noqa: E402
from experiments.benchmarks.data_prep import some_jets  # noqa: E402
from experiments.benchmarks.interleaved import interleave, timed  # noqa: E402
from mscat_tf.cli.stages import find  # noqa: E402
from mscat_tf.files import write_json  # noqa: E402
from mscat_tf.memory import peak_memory_bytes  # noqa: E402
from mscat_tf.physics.constituent_spectrum import constituent_spectra  # noqa: E402
from mscat_tf.physics.correlation_spectrum import correlation_spectra  # noqa: E402
from mscat_tf.physics.four_vectors import to_cartesian  # noqa: E402
from mscat_tf.physics.high_level_columns import (  # noqa: E402
    COLUMNS,
    DISC_RADII,
    GROUPS,
    PIXEL,
    PIXEL_RADII,
    PT_EDGES,
    PT_THRESHOLDS,
    SPECTRUM_BIN_WIDTH,
    SPECTRUM_BINS,
)
from mscat_tf.physics.jet_shapes import energy_correlations  # noqa: E402
from mscat_tf.physics.minkowski_discs import disc_functionals  # noqa: E402
from mscat_tf.physics.minkowski_pixels import pixel_functionals  # noqa: E402

JETS, BATCH = 2_000, 500
RATIO, MEMORY_GROWTH = 20.0, 1.10
Report = dict[str, Any]


class ToyJets:
    """Jets of 57 constituents or so in the forms that the works take.

    Attributes:
        pt, eta, phi: `(jets, constituents)`, about the hardest constituent, zeros in padding.
        subsets: pairs of masks for ten spectra: of all constituents, and of random halves in place of grooming.
    """

    def __init__(self, number: int) -> None:
        flat, self.counts = some_jets(number)
        real = np.arange(self.counts.max()) < self.counts[:, np.newaxis]
        self.pt, self.eta, self.phi = (np.zeros(real.shape) for _ in range(3))
        for values, column in zip((self.pt, self.eta, self.phi), flat.T, strict=False):
            values[real] = column
        self.eta = np.where(real, self.eta - self.eta[:, :1], 0.0)
        self.phi = np.where(real, np.remainder(self.phi - self.phi[:, :1] + np.pi, 2 * np.pi) - np.pi, 0.0)
        some = np.random.default_rng(2).random((3, *real.shape)) < 0.5
        masks = [real, *(real & half for half in some)]
        self.subsets = [(masks[a], masks[b]) for a in range(4) for b in range(a, 4)]

    @property
    def arrays(self) -> tuple[Any, Any, Any]:
        """pt, eta, phi."""
        return self.pt, self.eta, self.phi

    def sample(self, number: int) -> Any:
        """Indices of so many jets or of all, evenly spaced in size."""
        places = np.linspace(0, len(self.counts), min(number, len(self.counts)), endpoint=False)
        return np.argsort(self.counts, kind="stable")[places.astype(int)]

    def particles(self, jet: int) -> list[loops.Particle]:
        """The constituents one by one."""
        return list(zip(*(values[jet, : self.counts[jet]].tolist() for values in self.arrays), strict=True))

    def chosen(self, jet: int, pairs: int) -> list[tuple[set[int], set[int]]]:
        """The first pairs of subsets, as sets of numbers."""
        return [(members(a[jet]), members(b[jet])) for a, b in self.subsets[:pairs]]


def members(mask: Any) -> set[int]:
    """Numbers of the constituents of one jet that a mask chooses."""
    return set(np.flatnonzero(mask).tolist())


@dataclass(frozen=True)
class Work:
    """One variable, made by our function and, where there is one, by a loop.

    Attributes:
        ours: of all jets, `(jets, ...)`. loop: of one jet, given its index, the same. jets: how many the loop has.
        tolerance: relative, of the check that both find the same.
    """

    ours: Callable[[], Any]
    loop: Callable[[int], Any] | None = None
    jets: int = 20
    tolerance: float = 1e-9


def works(toy: ToyJets) -> dict[str, Work]:
    """A line of the table for each."""
    particles = {jet: toy.particles(jet) for jet in range(len(toy.counts))}

    def spectra(pairs: int) -> Work:
        chosen = {jet: toy.chosen(jet, pairs) for jet in toy.sample(20)}
        return Work(
            lambda: correlation_spectra(*toy.arrays, toy.subsets[:pairs], SPECTRUM_BIN_WIDTH, SPECTRUM_BINS),
            lambda jet: loops.correlation_spectrum(particles[jet], chosen[jet], SPECTRUM_BIN_WIDTH, SPECTRUM_BINS),
        )

    charged = toy.subsets[1][1]
    kinds = [toy.pt > 0.0, charged, (toy.pt > 0.0) & ~charged]
    sets = {jet: [members(kind[jet]) for kind in kinds] for jet in particles}

    def discs(radii: tuple[float, ...], thresholds: tuple[float, ...]) -> Callable[[], Any]:
        return lambda: np.stack(disc_functionals(*toy.arrays, radii, thresholds), axis=-1)

    return {
        "S2, all constituents": spectra(1),
        "S2, ten pairs of subsets": spectra(10),
        "spectra of all, charged, neutral constituents": Work(
            lambda: np.stack(constituent_spectra(toy.pt, kinds, PT_EDGES), axis=1),
            lambda jet: loops.constituent_spectrum(particles[jet], sets[jet], PT_EDGES),
            jets=JETS,
        ),
        "energy correlators e2, e3": Work(
            lambda: np.stack(energy_correlations(*toy.arrays), axis=-1),
            lambda jet: loops.energy_correlations(particles[jet]),
        ),
        "discs, one radius and threshold": Work(discs((0.2,), (0.0,)), _shapely(toy, 0.2), jets=100, tolerance=1e-3),
        "discs, all radii and thresholds": Work(discs(DISC_RADII, PT_THRESHOLDS)),
        "pixels, all radii and thresholds": Work(
            lambda: np.stack(pixel_functionals(*toy.arrays, PIXEL, PIXEL_RADII, PT_THRESHOLDS), axis=-1)
        ),
    }


def _shapely(toy: ToyJets, radius: float) -> Callable[[int], Any]:
    """Jet by jet with polygons of 256 sides, good to 1e-4 in area."""
    shapely = find("shapely", "dev")

    def functionals(jet: int) -> Any:
        eta, phi = (values[jet, : toy.counts[jet]] for values in (toy.eta, toy.phi))
        union = shapely.union_all(shapely.buffer(shapely.points(eta, phi), radius, quad_segs=64))
        parts = shapely.get_parts(union)
        return [[[union.area, union.length, len(parts) - shapely.get_num_interior_rings(parts).sum()]]]

    return functionals


def against_loops(rounds: int, jets: int) -> Report:
    """Jets per CPU second of each work, and how many times faster it is than its loop."""
    report: Report = {"figures": {}}
    toy = ToyJets(jets)
    for name, work in works(toy).items():
        turns, few = {name: timed(work.ours)}, min(work.jets, jets)
        if work.loop:
            turns["loop"] = timed(_checked(work, work.loop, toy.sample(few)))
        timings = interleave(turns, rounds, 1)
        rate = jets / timings.median(name, 1)
        print(f"  {name:48}{rate:10.0f} jets per CPU second", flush=True)
        report[name] = {"jets": jets, "jets_of_loop": few, "jets_per_cpu_second": rate, **timings.to_json()}
        if work.loop:
            gain = timings.gain("loop", name, 1) * jets / few
            report["figures"][f"{name}: times faster than a loop"] = (gain, RATIO)
    return report


def _checked(work: Work, loop: Callable[[int], Any], sample: Any) -> Callable[[], Any]:
    """The loop over these jets, which finds what ours does."""

    def whole() -> Any:
        return [loop(jet) for jet in sample]

    np.testing.assert_allclose(work.ours()[sample], np.array(whole()), rtol=work.tolerance, atol=1e-9)
    return whole


def batches(jets: int, batch: int) -> Iterator[Any]:
    """Toy jets as `data_prep.high_level` takes them."""
    high_level, recluster = find("data_prep.high_level", "generate"), find("data_prep.recluster", "generate")
    for start in range(0, jets, batch):
        flat, counts = some_jets(min(batch, jets - start))
        pt, eta, phi, _ = flat.T
        momenta = to_cartesian(pt, eta, phi, np.full(len(pt), 0.13957))
        charge = np.where(np.arange(len(pt)) % 3, 1.0, 0.0)
        yield high_level.Jets(momenta, counts, charge, recluster.cambridge_aachen(momenta, counts))


def groups(rounds: int, jets: int) -> Report:
    """Jets per CPU second of every group of columns; each is made from momenta, so what several need counts in each."""
    high_level = find("data_prep.high_level", "generate")

    def made(names: list[str]) -> Callable[[], Any]:
        return lambda: [high_level.high_level(some, names) for some in batches(jets, BATCH)]

    wanted = {group: [name for name, column in COLUMNS.items() if column.group == group] for group in GROUPS}
    wanted["all columns"] = list(COLUMNS)
    timings = interleave({group: timed(made(names)) for group, names in wanted.items()}, rounds, 1)
    rates = {group: jets / timings.median(group, 1) for group in wanted}
    for group, rate in rates.items():
        print(f"  {group:24}{len(wanted[group]):5} columns{rate:10.0f} jets per CPU second")
    return {"jets_per_cpu_second": rates, "columns": {g: len(names) for g, names in wanted.items()}, "figures": {}}


def memory(_: int, jets: int) -> Report:
    """Peak memory of the process that makes all columns of a stream of jets, and of ten times as many."""
    peaks = {}
    for number in (jets, 10 * jets):
        peaks[number] = alone("high_level", "peak_of", number)
        print(f"  {number:6} jets: {peaks[number] / 2**20:7.1f} MiB")
    growth = peaks[10 * jets] / peaks[jets]
    return {"peak_bytes": peaks, "figures": {"peak memory, ten times the jets": (growth, -MEMORY_GROWTH)}}


def peak_of(jets: str) -> int:
    """Peak resident memory [bytes] of this process after it made all columns of so many jets."""
    high_level = find("data_prep.high_level", "generate")
    for some in batches(int(jets), BATCH):
        high_level.high_level(some, list(COLUMNS))
    return peak_memory_bytes()


PARTS: dict[str, Callable[[int, int], Report]] = {"loops": against_loops, "groups": groups, "memory": memory}


def main(arguments: list[str] | None = None) -> None:
    """Run the parts, print a line for each figure, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=PARTS, action="append", help="a part; may be given again")
    parser.add_argument("--rounds", type=int, default=7, help="turns of each work (7)")
    parser.add_argument("--jets", type=int, default=JETS, help=f"in a turn ({JETS})")
    parser.add_argument("--out", type=Path, default=Path("runs/benchmarks/high_level.json"))
    options = parser.parse_args(arguments)
    report: Report = {"cores": os.cpu_count(), "python": sys.version.split()[0], "numpy": np.__version__}
    lines = []
    for name in options.only or PARTS:
        print(f"{name}:", flush=True)
        report[name] = found = PARTS[name](options.rounds, options.jets)
        for what, (value, target) in found["figures"].items():
            lines.append(f"{verdict(value, target):8}{value:8.2f}  {what}; load {os.getloadavg()[0]:.1f}")
    print("\n".join(lines))
    write_json(options.out, report)


def verdict(value: float, target: float) -> str:
    """`ok` or `MISSED`; a negative target is a limit from above."""
    return "ok" if (value <= -target if target < 0.0 else value >= target) else "MISSED"


if __name__ == "__main__":
    main()
