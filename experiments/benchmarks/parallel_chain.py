"""Our chain with `train.parallel_parts`, whose threads TensorFlow has for the whole process: a process of its own.

    python parallel_chain.py PARTS JETS

answers requests for turns of `Bench`, see `answering.py`. `training_parts.py` starts it.
"""

import os
import sys
from pathlib import Path
from typing import Any

HERE, ROOT = str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parents[2])
sys.path[:] = [ROOT if folder == HERE else folder for folder in sys.path]  # else a benchmark hides what it is named for

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from experiments.benchmarks.answering import serve  # noqa: E402
from experiments.benchmarks.data_prep import some_jets  # noqa: E402
from experiments.benchmarks.interleaved import timed  # noqa: E402
from experiments.benchmarks.released_chain import OurChain  # noqa: E402


class Bench:
    """The step and the whole chain, ready to take turns."""

    def __init__(self, parts: int, jets: int) -> None:
        chain, data = OurChain(parts=parts), some_jets(jets)
        self.turns = {"step": timed(chain.one_step(*data)), "chain": timed(chain.whole(*data))}

    def turn(self, name: str, calls: int) -> Any:
        """Wall and CPU seconds of each call."""
        return self.turns[name](calls)


if __name__ == "__main__":
    parts, jets = (int(word) for word in sys.argv[1:])
    serve(lambda: (Bench(parts, jets), {"parts": parts}), ("turn",))
