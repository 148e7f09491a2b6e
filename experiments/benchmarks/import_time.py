"""What starts must cost: `import mscat_tf` and `mscat --help` beside `import numpy`. Results: docs/quality.md.

    python experiments/benchmarks/import_time.py   # JSON to runs/benchmarks/import_time.json

Each is a new Python process, from start to end; the bare interpreter's own time is measured too and is in all of them.
They take turns, round after round, so that other work on the machine disturbs all alike; ratios are medians over the
rounds. The first round, which fills the file cache and writes the byte code, does not count.
"""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

HERE, ROOT = str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parents[2])
sys.path[:] = [ROOT if folder == HERE else folder for folder in sys.path]  # else a benchmark hides what it is named for

from experiments.benchmarks.interleaved import Turn, interleave  # noqa: E402
from mscat_tf.files import write_json  # noqa: E402

REFERENCE = "import numpy"
CODE = {
    "nothing": "pass",
    REFERENCE: "import numpy",
    "import mscat_tf": "import mscat_tf",
    "mscat --help": "import sys; sys.argv = ['mscat', '--help']; from mscat_tf.cli.main import main; main()",
}
HEAVY = ("tensorflow", "keras", "pandas", "matplotlib")
REPORT = f"\nimport atexit, sys\natexit.register(lambda: print(sorted(set(sys.modules) & set({HEAVY}))))\n"


def process(code: str) -> Turn:
    """The turn of a new Python process that runs this."""

    def turn(calls: int) -> list[tuple[float, float]]:
        found = []
        for _ in range(calls):
            wall, busy = time.perf_counter(), children()
            subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL, cwd=ROOT)
            found.append((time.perf_counter() - wall, children() - busy))
        return found

    return turn


def children() -> float:
    """CPU seconds of all processes that this one has waited for."""
    times = os.times()
    return times.children_user + times.children_system


def heavy_modules(code: str) -> str:
    """Of the slow libraries, those that are loaded when this ends."""
    result = subprocess.run([sys.executable, "-c", REPORT + code], check=True, capture_output=True, text=True, cwd=ROOT)
    return result.stdout.splitlines()[-1]


def main() -> None:
    """Time all of them, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15, help="turns of each (15)")
    parser.add_argument("--out", type=Path, default=Path("runs/benchmarks/import_time.json"))
    options = parser.parse_args()
    load = os.getloadavg()[0]
    timings = interleave({name: process(code) for name, code in CODE.items()}, options.rounds, calls=1)
    report = {"load": load, "python": sys.version.split()[0], "seconds": timings.to_json(), "ratios": {}, "heavy": {}}
    for name, code in CODE.items():
        ratios = {clock: timings.gain(name, REFERENCE, index) for index, clock in enumerate(("wall", "cpu"))}
        report["ratios"][name], report["heavy"][name] = ratios, heavy_modules(code)
        print(
            f"  {name:20}{1e3 * timings.median(name):8.0f} ms  {ratios['wall']:6.2f} of {REFERENCE} by the clock,"
            f"{ratios['cpu']:6.2f} by CPU time; loads of {', '.join(HEAVY)}: {report['heavy'][name]}",
            flush=True,
        )
    write_json(options.out, report)


if __name__ == "__main__":
    main()
