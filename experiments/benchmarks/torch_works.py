"""The works of the twin in PyTorch: a process of its own that `torch_child.py` starts and asks, line by line.

    python torch_works.py FILE THREADS

answers requests for methods of `Bench`, see `answering.py`. It runs in the Python that has PyTorch, which need not be
ours, beside `torch_twin.py` and `answering.py` and without this project.
"""

import json
import sys
import time
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from answering import serve  # the folder of this file comes first where Python looks
from torch import nn
from torch_twin import Twin, load_weights


class Bench:
    """What the child holds: the twin, batches in memory, and the works that were prepared."""

    def __init__(self, file: str, threads: int) -> None:
        torch.set_num_threads(threads)
        with np.load(file) as found:
            self.settings = json.loads(str(found["settings"]))
            self.weights = {name.removeprefix("weight:"): found[name] for name in found if name.startswith("weight:")}
            inputs = sorted(name for name in found if name.startswith("input:"))
            self.inputs = [torch.from_numpy(found[name]) for name in inputs]
            self.label, self.share = torch.from_numpy(found["label"]), torch.from_numpy(found["share"])
        self.works: dict[str, Any] = {}

    def twin(self) -> Twin:
        """A new twin with our weights."""
        twin = Twin(self.settings)
        load_weights(twin, self.weights)
        return twin

    def prepare(self, name: str, kind: str, compiled: bool, precision: str, batch: int) -> float:
        """Make and warm up a work, `training` or `inference`; seconds that took, compilation included."""
        torch._dynamo.reset()
        torch._inductor.config.freezing = compiled and kind == "inference"
        started = time.perf_counter()
        self.works[name] = getattr(self, f"_{kind}")(compiled, precision == "bfloat16", batch)
        for _ in range(3):
            self.works[name]()
        return time.perf_counter() - started

    def turn(self, name: str, calls: int) -> list[tuple[float, float]]:
        """Wall and CPU seconds of each of so many calls."""
        seconds, work = [], self.works[name]
        for _ in range(calls):
            wall, busy = time.perf_counter(), time.process_time()
            work()
            seconds.append((time.perf_counter() - wall, time.process_time() - busy))
        return seconds

    def logits(self, training: bool) -> list[float]:
        """Of all events, without dropout, in the form that trains or in the other."""
        twin = self.twin().train(training)
        for layer in twin.modules():
            if isinstance(layer, nn.Dropout):
                layer.p = 0.0
        with torch.inference_mode():
            return twin(*self.inputs).tolist()

    def _batches(self, size: int) -> Any:
        """Batches of rows that never end, as slices of what is in memory."""
        starts, number = len(self.label) // size, 0
        while True:
            yield slice(number % starts * size, (number % starts + 1) * size)
            number += 1

    def _training(self, compiled: bool, half: bool, size: int) -> Any:
        twin = self.twin().train()
        options = {"lr": self.settings["learning_rate"], "weight_decay": self.settings["weight_decay"]}
        optimizer = torch.optim.AdamW(twin.parameters(), **options, fused=True)
        forward, batches = torch.compile(twin) if compiled else twin, self._batches(size)

        def work() -> None:
            rows = next(batches)
            with torch.autocast("cpu", torch.bfloat16, enabled=half):
                logit = forward(*(values[rows] for values in self.inputs))
            loss = F.binary_cross_entropy_with_logits(
                logit.float(), self.label[rows], self.share[rows], reduction="sum"
            )
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            if not np.isfinite(loss.item()):
                raise ValueError("the loss of the twin is not finite")

        return work

    def _inference(self, compiled: bool, half: bool, size: int) -> Any:
        twin = self.twin().eval()
        forward, batches = torch.compile(twin) if compiled else twin, self._batches(size)

        def work() -> np.ndarray:
            rows = next(batches)
            with (
                torch.inference_mode(not compiled),
                torch.no_grad(),
                torch.autocast("cpu", torch.bfloat16, enabled=half),
            ):
                return torch.sigmoid(forward(*(values[rows] for values in self.inputs)).float()).numpy()

        return work


def make() -> tuple[Bench, dict[str, Any]]:
    """The bench of the command line, and what it is."""
    bench = Bench(sys.argv[1], int(sys.argv[2]))
    return bench, {"torch": torch.__version__, "parameters": sum(p.numel() for p in bench.twin().parameters())}


if __name__ == "__main__":
    serve(make, ("prepare", "turn", "logits"))
