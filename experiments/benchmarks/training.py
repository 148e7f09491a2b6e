"""Our training and inference against the released loop, PyTorch and the machine's own peak. Results: docs/scale.md.

    python experiments/benchmarks/training.py --torch-python /path/to/python   # JSON to runs/benchmarks/
    python experiments/benchmarks/training.py --only released --rounds 9

Everything that is compared runs in turns in one run, round after round, on the same processors with as many threads:
the same layers, weights, masks and dropout, float32 and inputs in memory; warm-up and compilation are not in it, and
are printed. Figures are medians over the rounds of the ratio of two neighbouring turns; beside the wall clock stands
the CPU time, which other work on the machine disturbs less.

PyTorch is not among our requirements: `pip install -e '.[benchmark]'`, or name a Python that has it. The network of
the parts `torch`, `peak` and `latency` is `mscat` with 3 blocks in each of its encoders, batch 256; that of
`released` is the released code's network on single jets, batch 50.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE, ROOT = str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parents[2])
sys.path[:] = [ROOT if folder == HERE else folder for folder in sys.path]  # else a benchmark hides what it is named for

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

PARTS = ("released", "torch", "peak", "latency")


def options_of(arguments: list[str] | None) -> argparse.Namespace:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=PARTS, action="append", help="a part; may be given again")
    parser.add_argument("--rounds", type=int, default=7, help="turns of each work (7)")
    parser.add_argument("--threads", type=int, default=1, help="processors and threads of each side (1); 0: all")
    parser.add_argument("--torch-python", default=sys.executable, help="the Python that has PyTorch (this one)")
    parser.add_argument("--quick", action="store_true", help="see whether it runs: tiny networks, nothing compiled")
    parser.add_argument("--out", type=Path, default=Path("runs/benchmarks/training.json"))
    return parser.parse_args(arguments)


def take_processors(threads: int) -> None:
    """Keep this process and its children on so many processors; call it before TensorFlow is imported."""
    if threads:
        processors = sorted(os.sched_getaffinity(0))
        if threads > len(processors):
            raise SystemExit(f"--threads {threads}: there are {len(processors)} processors; choose at most so many")
        os.sched_setaffinity(0, processors[-threads:])
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)


def check_torch(python: str) -> None:
    """Stop at once, with a sentence, if that Python has no PyTorch."""
    if subprocess.run([python, "-c", "import torch"], capture_output=True, check=False).returncode:
        raise SystemExit(
            f"--torch-python {python}: has no PyTorch; name one that has it, or leave out the part `torch` with --only"
        )


def main(arguments: list[str] | None = None) -> None:
    """Run the parts, print a line for each figure, write JSON."""
    options = options_of(arguments)
    parts = options.only or PARTS
    if "torch" in parts:
        check_torch(options.torch_python)
    take_processors(options.threads)
    from experiments.benchmarks import training_parts
    from mscat_tf.files import write_json

    setting = training_parts.Setting(options.rounds, options.threads, options.torch_python, options.quick)
    report: dict[str, Any] = {"threads": options.threads, "rounds": options.rounds, **training_parts.versions()}
    lines = []
    for name in parts:
        print(f"{name}:", flush=True)
        before = os.getloadavg()[0]
        found = getattr(training_parts, name)(setting)
        load = (before, os.getloadavg()[0])
        report[name] = {**found, "load_before_and_after": load}
        for figure in found["figures"]:
            lines.append(
                f"{verdict(figure):8}{figure['value']:8.3f}  {figure['what']}; load {load[0]:.1f} to {load[1]:.1f}"
            )
    print("\n".join(lines))
    write_json(options.out, report)


def verdict(figure: dict[str, Any]) -> str:
    """`ok`, `MISSED`, or nothing where there is no target."""
    if figure["target"] is None:
        return ""
    return "ok" if figure["value"] >= figure["target"] else "MISSED"


if __name__ == "__main__":
    main()
