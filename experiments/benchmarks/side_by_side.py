"""Trainings in turn on all cores, and side by side on one core each: what `mscat reproduce --jobs` gains.

    python experiments/benchmarks/side_by_side.py data/demo   # JSON to runs/benchmarks/side_by_side.json

Both ways train as many networks as there are cores, as new processes, from start to end; they take turns, and ratios
are medians over the rounds. Results: docs/reproduce.md.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

HERE, ROOT = str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parents[2])
sys.path[:] = [ROOT if folder == HERE else folder for folder in sys.path]  # else a benchmark hides what it is named for

from experiments.benchmarks.interleaved import interleave, timed  # noqa: E402
from mscat_tf.cli.processes import Task, run_in_turn  # noqa: E402
from mscat_tf.cli.side_by_side import slots  # noqa: E402
from mscat_tf.cores import usable_cores  # noqa: E402
from mscat_tf.files import write_json  # noqa: E402

IN_TURN, SIDE_BY_SIDE = "in turn", "side by side"


def train(sample: Path, settings: list[str], number: int, jobs: int) -> None:
    """So many trainings in an empty folder, so many of them at a time."""
    folder = Path(tempfile.mkdtemp(prefix="mscat-side-by-side-"))
    common = [f"data.path={sample.resolve()}", *settings]
    options = [word for setting in common for word in ("--set", setting)]
    command = [sys.executable, "-m", "mscat_tf.cli.main", "train", "demo", *options]
    before = Path.cwd()
    os.chdir(folder)
    try:
        tasks = [Task(f"seed-{seed}", [*command, "--set", f"seed={seed}", "--name", f"seed-{seed}"])
                 for seed in range(1, number + 1)]  # fmt: skip
        status = run_in_turn(tasks, slots(jobs, {"PYTHONPATH": ROOT, **os.environ}), lambda _: None)
    finally:
        os.chdir(before)
        shutil.rmtree(folder)
    if status:
        raise subprocess.CalledProcessError(status, command)


def main() -> None:
    """Time both, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sample", type=Path, help="folder of a sample")
    parser.add_argument("--rounds", type=int, default=3, help="turns of each (3)")
    parser.add_argument("--set", action="append", default=["train.epochs=3"], help="settings (train.epochs=3)")
    parser.add_argument("--out", type=Path, default=Path("runs/benchmarks/side_by_side.json"))
    options = parser.parse_args()
    cores, load = len(usable_cores()), os.getloadavg()[0]
    works = {name: timed(partial(train, options.sample, options.set, cores, jobs))
             for name, jobs in ((IN_TURN, 1), (SIDE_BY_SIDE, cores))}  # fmt: skip
    timings = interleave(works, options.rounds, calls=1)
    gain = timings.gain(IN_TURN, SIDE_BY_SIDE)
    print(f"{cores} trainings on {cores} cores: {timings.median(IN_TURN):.0f} s in turn, "
          f"{timings.median(SIDE_BY_SIDE):.0f} s side by side, {gain:.2f} times faster")  # fmt: skip
    report = {"load": load, "cores": cores, "settings": options.set, "gain": gain, "seconds": timings.to_json()}
    write_json(options.out, report)


if __name__ == "__main__":
    main()
