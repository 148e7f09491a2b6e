"""A hundred thousand events against a million, equally many steps: memory and speed must stay. Results: docs/scale.md.

    python experiments/benchmarks/out_of_core.py                        # some ten minutes; JSON to runs/benchmarks/
    python experiments/benchmarks/out_of_core.py --events 20000 200000  # a look

Both samples are one mock shard of 2 x 50 constituents, repeated under new event numbers (and without the raw
constituents, which no training reads: 1.8 kB an event, 1.8 GB for the million, below --folder). Each training is a
process of its own, in turns. Memory is the peak of the resident memory above what the process held once everything was
imported and nothing of the sample was touched. Speed is that of the second epoch, since the first traces; beside it by
CPU time of all cores, which other work on the machine disturbs less. What does grow with the sample, and is printed,
is the time until the first step (weights, splits and normalisation need one pass) and the validation.
"""

import argparse
import os
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

HERE, ROOT = str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parents[2])
sys.path[:] = [ROOT if folder == HERE else folder for folder in sys.path]  # else a benchmark hides what it is named for

import h5py  # noqa: E402
import numpy as np  # noqa: E402

from experiments.benchmarks.alone import alone  # noqa: E402
from mscat_tf import schema  # noqa: E402
from mscat_tf.config import load_config  # noqa: E402
from mscat_tf.data.mock import mock_arrays, mock_header  # noqa: E402
from mscat_tf.files import make_folder, write_json  # noqa: E402

SHARD_EVENTS, CONSTITUENTS = 2_000, 50
EPOCHS, STEPS, BATCH = 2, 150, 256
MOST_CHANGE = 0.10
NETWORK = ["model.width=32", "model.num_heads=2", "model.key_dim=8", "model.dropout_rate=0.0"]
Report = dict[str, Any]


def make_sample(folder: Path, events: int) -> Path:
    """Repeat one shard until there are so many events, each with its own `event_id` and `group_id`."""
    if events % SHARD_EVENTS:
        raise SystemExit(f"--events {events}: must be a multiple of {SHARD_EVENTS}, the events of one shard")
    make_folder(folder)
    first = folder / "mock-00000.h5"
    arrays = mock_arrays(SHARD_EVENTS, CONSTITUENTS, np.random.default_rng(1))
    arrays["raw/constituents"], arrays["raw/offsets"] = arrays["raw/constituents"][:0], 0 * arrays["raw/offsets"]
    schema.write_sample(first, mock_header(CONSTITUENTS, seed=1), arrays)
    for number in range(1, events // SHARD_EVENTS):
        copy = folder / f"mock-{number:05d}.h5"
        shutil.copyfile(first, copy)
        with h5py.File(copy, "r+") as file:
            for name in ("event_id", "group_id"):
                file[name][...] = number * SHARD_EVENTS + np.arange(SHARD_EVENTS, dtype=np.uint64)
    return folder


def one_training(sample: str, folder: str) -> Report:
    """Train in this process; memory, speed, and when the first step was done."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import keras

    from mscat_tf.memory import peak_memory_bytes, resident_memory_bytes
    from mscat_tf.training.run import train

    class Clock(keras.callbacks.Callback):
        """Wall and CPU time of the epochs' steps, validation left out."""

        def __init__(self) -> None:
            super().__init__()
            self.first_step = self.after_first = 0.0
            self.spans: list[tuple[float, float]] = []

        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            self.begun = time.perf_counter(), time.process_time()

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            if not self.first_step:
                self.first_step, self.after_first = time.perf_counter(), peak_memory_bytes()
            self.now = time.perf_counter(), time.process_time()

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            self.spans.append((self.now[0] - self.begun[0], self.now[1] - self.begun[1]))

    settings = [f"train.epochs={EPOCHS}", f"train.steps_per_epoch={STEPS}", f"train.batch_size={BATCH}"]
    settings += ["train.tensorboard=false", "train.early_stopping_patience=0", f"data.path={sample}", *NETWORK]
    config, clock, baseline = load_config("smoke", settings), Clock(), resident_memory_bytes()
    started = time.perf_counter()
    train(config, Path(folder), [clock])
    wall, cpu = np.median(np.array(clock.spans[1:]), axis=0)
    return {
        "baseline_bytes": baseline,
        "after_first_step_bytes": clock.after_first - baseline,
        "peak_bytes": peak_memory_bytes() - baseline,
        "events_per_second": STEPS * BATCH / wall,
        "events_per_cpu_second": STEPS * BATCH / cpu,
        "seconds_to_first_step": clock.first_step - started,
        "seconds": time.perf_counter() - started,
    }


def compare(sizes: list[int], repeats: int, folder: Path) -> Report:
    """Train on both samples in turns; medians, and how they change from the smaller to the larger."""
    samples = [make_sample(folder / str(events), events) for events in sizes]
    found: list[list[Report]] = [[] for _ in sizes]
    for number in range(repeats):
        for events, sample, own in zip(sizes, samples, found, strict=True):
            with tempfile.TemporaryDirectory() as run:
                own.append(alone("out_of_core", "one_training", sample, f"{run}/run"))
            print(f"  {number + 1}: {events:9} events: {_line(own[-1])}", flush=True)
    small, large = ({key: statistics.median(run[key] for run in own) for key in own[0]} for own in found)
    for events, figures in zip(sizes, (small, large), strict=True):
        print(f"  median: {events:9} events: {_line(figures)}")
    change = {
        key: large[key] / small[key] - 1.0 for key in ("peak_bytes", "events_per_second", "events_per_cpu_second")
    }
    more = large["seconds_to_first_step"] - small["seconds_to_first_step"]
    pass_rate = (sizes[1] - sizes[0]) / more if more > 0 else None
    return {
        "events": sizes, "runs": found, "small": small, "large": large, "change": change,
        "events_per_second_of_first_pass": pass_rate,
        "passed": max(abs(change["peak_bytes"]), abs(change["events_per_second"])) < MOST_CHANGE,
    }  # fmt: skip


def _line(run: Report) -> str:
    return (
        f"peak {run['peak_bytes'] / 2**20:6.0f} MiB above {run['baseline_bytes'] / 2**20:.0f} MiB, "
        f"{run['events_per_second']:6.0f} events/s, {run['events_per_cpu_second']:6.0f} per CPU second; "
        f"first step done after {run['seconds_to_first_step']:5.1f} s, all after {run['seconds']:5.1f} s"
    )


def main() -> None:
    """Make the samples, train in turns, print the verdict, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, nargs=2, default=[100_000, 1_000_000])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="where the samples are made; default: a temporary folder")
    parser.add_argument("--out", type=Path, default=Path("runs/benchmarks/out_of_core.json"))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        before = os.getloadavg()[0]
        report = compare(options.events, options.repeats, Path(folder))
    report["load_before_and_after"] = (before, os.getloadavg()[0])
    for key, change in report["change"].items():
        print(f"  {key}: {change:+.1%} from {options.events[0]} to {options.events[1]} events")
    if report["events_per_second_of_first_pass"]:
        print(f"  the pass before the first step: {report['events_per_second_of_first_pass']:.0f} events/s")
    print("ok" if report["passed"] else "MISSED", f"(less than {MOST_CHANGE:.0%}); load {before:.1f}")
    write_json(options.out, report)


if __name__ == "__main__":
    main()
