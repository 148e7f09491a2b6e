"""The twin in PyTorch in a process of its own, driven line by line: two libraries, two pools of threads apart.

While one side works the other waits for a line and takes no processor time, so turns can be taken in one run.
"""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np

from mscat_tf.constants import LOGARITHM_FLOOR

WORKS = Path(__file__).with_name("torch_works.py")


class TorchChild:
    """A context manager; inside, `child.ask("turn", name="eager", calls=3)` calls a method of `torch_works.Bench`.

    Args:
        python: the interpreter that has PyTorch. file: what `write_twin_file` wrote. threads: of PyTorch.

    Attributes:
        ready: version of PyTorch and number of weights of the twin.
    """

    def __init__(self, python: str, file: Path, threads: int) -> None:
        self._process = subprocess.Popen(
            [python, str(WORKS), str(file), str(threads)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.ready: dict[str, Any] = self._answer()

    def ask(self, do: str, **arguments: Any) -> Any:
        """Result of one request.

        Raises:
            RuntimeError: the child could not do it, or ended.
        """
        assert self._process.stdin
        print(json.dumps({"do": do, **arguments}), file=self._process.stdin, flush=True)
        return self._answer()

    def _answer(self) -> Any:
        assert self._process.stdout
        line = self._process.stdout.readline()
        answer = json.loads(line) if line else {"error": f"ended with code {self._process.wait()}"}
        if "error" in answer:
            raise RuntimeError(f"PyTorch: {answer['error']}")
        return answer["result"]

    def __enter__(self) -> "TorchChild":
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait(timeout=30)


def write_twin_file(
    file: Path, model: keras.Model, settings: Mapping[str, Any], arrays: Mapping[str, np.ndarray]
) -> None:
    """What the child reads: sizes and weights of an `mscat` network of ours, and events.

    Args:
        settings: `learning_rate`, `weight_decay`, and `model`, the `ModelSettings` of the network.
        arrays: the inputs by name, and `label` and `share` `(events,)`.
    """
    own = {
        "learning_rate": settings["learning_rate"],
        "weight_decay": settings["weight_decay"],
        **settings["model"].model_dump(mode="json"),
        "tokens": model.get_layer("kinematics_token_embedding").tokens,
        **{name: _columns(model.get_layer(f"{name}_normalisation")) for name in ("constituents", "kinematics")},
    }
    found = {f"weight:{weight.path}": weight.numpy() for weight in model.trainable_variables}
    found |= {name if name in ("label", "share") else f"input:{name}": values for name, values in arrays.items()}
    np.savez(file, settings=json.dumps(own), **found)


def _columns(layer: Any) -> dict[str, Any]:
    width = np.where(np.equal(layer.width, 0.0), 1.0, layer.width)
    return {
        "mean": np.array(layer.mean).tolist(),
        "width": width.tolist(),
        "logarithm": list(layer.logarithm),
        "floor": LOGARITHM_FLOOR,
    }
