"""Where data preparation spends its time: jet frame, Pythia, two workers, memory. Results: docs/scale_events.md.

    python experiments/benchmarks/data_prep.py            # all of it, some five minutes; JSON to runs/benchmarks/
    python experiments/benchmarks/data_prep.py --only jet_frame

Each part prints its figure, the target and the load of the machine beside it: other work there makes figures worse.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

HERE, ROOT = str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parents[2])
sys.path[:] = [ROOT if folder == HERE else folder for folder in sys.path]  # else `data_prep` would be this file

import numpy as np  # noqa: E402

from experiments.benchmarks.alone import alone  # noqa: E402
from mscat_tf.cli.stages import find  # noqa: E402
from mscat_tf.config import load_config  # noqa: E402
from mscat_tf.files import write_json  # noqa: E402

ROUNDS = 5
KEEP = 50
JETS = 2_000
FRAME_RATIO, PYTHIA_SHARE, BUSY_SHARE, MEMORY_GROWTH = 15.0, 0.80, 0.85, 1.10
PROCESSES = {
    "signal": "{kind: heavy_higgs, m_H: 1000}",
    "ttbar": "{kind: ttbar}",
    "4b": "{kind: collinear_4b}",
    "jj": "{kind: qcd_jets}",
}
Report = dict[str, Any]


def sample_settings(events: int, shard_events: int, *names: str) -> Any:
    """Settings of a sample with these of `PROCESSES`, everything else as in the demonstration."""
    processes = ", ".join(f"{name}: {PROCESSES[name]}" for name in names)
    return load_config(
        "demo",
        [f"sample.events={events}", f"sample.shard_events={shard_events}", f"sample.processes={{{processes}}}"],
    ).sample


def loop_frame(jets: list[Any], keep: int) -> tuple[Any, Any]:
    """Jet by jet, with `np.linalg.eig` of the covariance, as the paper's public code goes about it.

    Args:
        jets: `(constituents, 4)` pt, eta, phi, energy of each, hardest first.
        keep: constituents kept.

    Returns:
        `(jets, keep, 4)` and the angle of each jet.
    """
    frames, angles = np.zeros((len(jets), keep, 4)), np.zeros(len(jets))
    for number, jet in enumerate(jets):
        pt, eta, phi, energy = jet.T
        phi = np.mod(phi - phi[0] + np.pi, 2 * np.pi) - np.pi
        eta, phi = eta - np.sum(pt * eta) / pt.sum(), phi - np.sum(pt * phi) / pt.sum()
        mixed = np.sum(pt * eta * phi)
        values, vectors = np.linalg.eig([[np.sum(pt * eta**2), mixed], [mixed, np.sum(pt * phi**2)]])
        axis = vectors[:, np.argmax(values)]
        angles[number] = theta = np.arctan(axis[1] / axis[0])
        x, y = np.cos(theta) * eta + np.sin(theta) * phi, np.cos(theta) * phi - np.sin(theta) * eta
        if energy[x < 0].sum() > energy[x > 0].sum():
            x = -x
        order = np.argsort(-pt, kind="stable")[:keep]
        frames[number, : len(order)] = np.stack([x, y, pt, np.log(pt)], axis=1)[order]
    return frames, angles


def some_jets(number: int) -> tuple[Any, Any]:
    """`(total, 4)` pt, eta, phi, energy of toy jets, hardest first, and their counts: 57 or so, as fat jets have."""
    rng = np.random.default_rng(1)
    counts = np.clip(rng.normal(57.0, 18.0, number).astype(int), 10, 140)
    jet = np.repeat(np.arange(number), counts)
    axis = rng.uniform((-2.0, -np.pi), (2.0, np.pi), (number, 2))
    offset = rng.normal(0.0, 0.3, (counts.sum(), 2)) * (1.0, 0.6)
    eta, phi = (axis[jet] + offset).T
    pt = 600.0 / 57 * rng.exponential(1.0, counts.sum())
    order = np.lexsort((-pt, jet))
    pt, eta, phi = pt[order], eta[order], np.mod(phi[order] + np.pi, 2 * np.pi) - np.pi
    return np.stack([pt, eta, phi, pt * np.cosh(eta)], axis=1), counts


def jet_frame() -> Report:
    """Our jet frame against the loop: CPU time per jet on one core, medians of interleaved rounds."""
    physics, arrays = find("mscat_tf.physics", "generate"), find("data_prep.arrays", "generate")
    flat, counts = some_jets(JETS)
    columns = [np.ascontiguousarray(column) for column in flat.T]
    jets = np.split(flat, np.cumsum(counts)[:-1])
    padded = [arrays.pad(column, counts)[0] for column in columns]
    mask = arrays.pad(columns[0], counts)[1]

    def with_padding() -> Any:
        rectangles = [arrays.pad(column, counts)[0] for column in columns]
        return physics.to_jet_frame(*rectangles, mask, KEEP)

    ways: dict[str, Callable[[], Any]] = {
        "loop": lambda: loop_frame(jets, KEEP),
        "jagged, as the chain calls it": lambda: physics.to_jet_frames(*columns, counts, KEEP),
        "padded, without making the rectangles": lambda: physics.to_jet_frame(*padded, mask, KEEP),
        "padded, with making them": with_padding,
    }
    _check_equal(ways["loop"](), ways["jagged, as the chain calls it"]())
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, way in ways.items():
            seconds[name].append(_cpu_seconds(way))
    median = {name: 1e6 * statistics.median(values) / JETS for name, values in seconds.items()}
    for name, value in median.items():
        print(f"  {name:40}{value:9.2f} us per jet{median['loop'] / value:9.1f} x")
    ratio = median["loop"] / median["jagged, as the chain calls it"]
    return {"microseconds_per_jet": median, "figure": ratio, "target": FRAME_RATIO, "passed": ratio >= FRAME_RATIO}


def _check_equal(loop: tuple[Any, Any], fast: Any) -> None:
    """The loop's eigenvector has no sign at exactly pi/2; everywhere else both must agree."""
    np.testing.assert_allclose(fast.constituents, loop[0], atol=1e-8)
    np.testing.assert_allclose(fast.theta, loop[1], atol=1e-8)


def _cpu_seconds(work: Callable[[], Any]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


@contextmanager
def timed_calls(owner: Any, names: tuple[str, ...], spent: list[float]) -> Iterator[None]:
    """Add the CPU time within these methods of a class to `spent`."""
    originals = {name: getattr(owner, name) for name in names}

    def timed(original: Any) -> Any:
        def call(*arguments: Any) -> Any:
            started = time.process_time()
            try:
                return original(*arguments)
            finally:
                spent.append(time.process_time() - started)

        return call

    for name, original in originals.items():
        setattr(owner, name, timed(original))
    try:
        yield
    finally:
        for name, original in originals.items():
            setattr(owner, name, original)


def pythia() -> Report:
    """Share of the CPU time of whole shards, writing included, that is spent inside Pythia, per process."""
    shard, run = find("data_prep.shard", "generate"), find("data_prep.run", "generate")
    pythia8mc, events, shares, rates = find("pythia8mc", "generate"), 250, {}, {}
    total_inside = total = 0.0
    for name in PROCESSES:
        settings, spent = sample_settings(events, events, name), []
        with tempfile.TemporaryDirectory() as folder, timed_calls(pythia8mc.Pythia, ("init", "nextBatch"), spent):
            started = time.process_time()
            job = shard.ShardJob(name, 0, events)
            record = run.run_job(settings, job, f"{folder}/x.h5", lambda *_: None)
            whole = time.process_time() - started
        shares[name], rates[name] = sum(spent) / whole, record.cpu_seconds / record.events
        total_inside, total = total_inside + sum(spent), total + whole
        print(f"  {name:10}{shares[name]:8.1%} in Pythia; {rates[name] * 1e3:.0f} ms CPU for each selected event")
    share = total_inside / total
    return {
        "share": shares, "cpu_seconds_per_selected_event": rates, "figure": share, "target": PYTHIA_SHARE,
        "passed": share >= PYTHIA_SHARE,
    }  # fmt: skip


def workers() -> Report:
    """Two workers: their CPU time over twice the wall time, start of the processes included."""
    run = find("data_prep.run", "generate")
    with tempfile.TemporaryDirectory() as folder:
        summary = run.generate(sample_settings(1600, 50, "signal", "ttbar"), folder, workers=2)
        shards = json.loads((Path(folder) / run.RECORD).read_text())["runs"][0]["shards"]
    busy = sum(shard["cpu_seconds"] for shard in shards) / (2 * summary.seconds)
    occupied = sum(shard["seconds"] for shard in shards) / (2 * summary.seconds)
    print(f"  {len(shards)} shards in {summary.seconds:.0f} s; a worker has a shard {occupied:.1%} of the time")
    return {
        "wall_seconds": summary.seconds, "occupied": occupied, "figure": busy, "target": BUSY_SHARE,
        "passed": busy >= BUSY_SHARE,
    }  # fmt: skip


def memory() -> Report:
    """Peak memory of the process that makes and writes N and 10 N events, each in a process of its own."""
    peaks = {}
    for events in (100, 1000):
        with tempfile.TemporaryDirectory() as folder:
            peaks[events] = alone("data_prep", "peak_of", events, folder)
        print(f"  {events:6} events: {peaks[events] / 2**20:7.1f} MiB")
    growth = peaks[1000] / peaks[100]
    return {"peak_bytes": peaks, "figure": growth, "target": MEMORY_GROWTH, "passed": growth <= MEMORY_GROWTH}


def peak_of(events: str, folder: str) -> int:
    """Peak resident memory [bytes] of this process after it made a sample in shards of 50."""
    summary = find("data_prep.run", "generate").generate(sample_settings(int(events), 50, "signal"), folder, workers=1)
    return int(summary.peak_memory_bytes)


PARTS: dict[str, tuple[Callable[[], Report], str]] = {
    "jet_frame": (jet_frame, "jet frame: times faster than a loop over jets (at least {target:g})"),
    "pythia": (pythia, "share of CPU time in Pythia, all processes (at least {target:g})"),
    "workers": (workers, "two workers: CPU time / (2 x wall time) (at least {target:g})"),
    "memory": (memory, "peak memory, ten times the events (at most {target:g})"),
}


def main() -> None:
    """Run the parts, print a line for each, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=PARTS, action="append")
    parser.add_argument("--out", type=Path, default=Path("runs/benchmarks/data_prep.json"))
    options = parser.parse_args()
    report: dict[str, Any] = {"cores": os.cpu_count(), "python": sys.version.split()[0], "numpy": np.__version__}
    lines = []
    for name in options.only or PARTS:
        measure, text = PARTS[name]
        print(f"{name}:", flush=True)
        before = os.getloadavg()[0]
        found = measure()
        load = (before, os.getloadavg()[0])
        report[name] = {**found, "load_before_and_after": load}
        verdict = "ok" if found["passed"] else "MISSED"
        lines.append(f"{verdict:8}{found['figure']:8.3f}  {text.format(**found)}; load {load[0]:.1f} to {load[1]:.1f}")
    print("\n".join(lines))
    write_json(options.out, report)


if __name__ == "__main__":
    main()
