"""The twin in PyTorch, in a process of its own: how it is started and what it reads."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np

from experiments.benchmarks.child import Child
from mscat_tf.constants import LOGARITHM_FLOOR

WORKS = Path(__file__).with_name("torch_works.py")


def torch_child(python: str, file: Path, threads: int) -> Child:
    """The child whose requests are methods of `torch_works.Bench`; `ready` is PyTorch's version and the twin's size.

    Args:
        python: the interpreter that has PyTorch. file: what `write_twin_file` wrote. threads: of PyTorch.
    """
    return Child([python, str(WORKS), str(file), str(threads)], "PyTorch")


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
