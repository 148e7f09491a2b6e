"""A network as boxes and arrows: every call of a layer with the shape that leaves it."""

import math
from dataclasses import dataclass
from typing import Any

import keras
from keras import layers

PASSED_OVER = (layers.Identity, layers.Dropout)
"""Layers that change nothing outside of training: their arrows go through."""


@dataclass(frozen=True)
class Box:
    """One call of a layer, or an input.

    Attributes:
        name: of the layer; calls of a shared layer have the same. kind: its class, `Input` for an input.
        shape: of its first output without the batch axis. sources: places of the boxes whose outputs it takes.
        weights: trainable numbers of the layer, of a shared one again at every call.
        again: whether the layer was called before.
    """

    name: str
    kind: str
    shape: tuple[int, ...]
    sources: tuple[int, ...]
    weights: int
    again: bool = False


def boxes(model: keras.Model) -> list[Box]:
    """Every input and every call of a layer of a functional model, each after what it takes its inputs from.

    Identity and dropout layers are left out; their inputs are taken to be their outputs. So are masks: a mask goes
    wherever its tokens go.
    """
    found: list[Box] = []
    made_by: dict[int, int] = {}
    alive: list[Any] = []  # tensors are known by their identity, so none may be freed
    seen: set[str] = set()

    def source(tensor: Any) -> int:
        if id(tensor) not in made_by:  # an input: those come without a call
            made_by[id(tensor)] = len(found)
            found.append(Box(tensor.name, "Input", tuple(tensor.shape[1:]), (), 0))
            alive.append(tensor)
        return made_by[id(tensor)]

    def call(layer: Any, *arguments: Any, **options: Any) -> Any:
        taken = [t for t in keras.tree.flatten((arguments, options)) if isinstance(t, keras.KerasTensor)]
        sources = tuple(dict.fromkeys(source(tensor) for tensor in taken if tensor.dtype != "bool"))
        result = layer(*arguments, **options)
        outputs = [tensor for tensor in keras.tree.flatten(result) if isinstance(tensor, keras.KerasTensor)]
        alive.extend([*taken, *outputs])
        if all(tensor.dtype == "bool" for tensor in outputs):
            return result
        if isinstance(layer, PASSED_OVER):
            made_by[id(outputs[0])] = sources[0]
            return result
        weights = sum(math.prod(weight.shape) for weight in layer.trainable_weights)
        made_by.update({id(tensor): len(found) for tensor in outputs})
        shape = tuple(outputs[0].shape[1:])
        found.append(Box(layer.name, type(layer).__name__, shape, sources, weights, layer.name in seen))
        seen.add(layer.name)
        return result

    keras.models.clone_model(model, call_function=call)
    return found


def levels(found: list[Box]) -> list[int]:
    """Row of every box from top to bottom: one below the lowest of its sources, inputs just above their first use."""
    rows = [0] * len(found)
    for place, box in enumerate(found):
        rows[place] = 1 + max((rows[source] for source in box.sources), default=-1)
    for place, box in enumerate(found):
        if box.kind == "Input":
            rows[place] = min(rows[other] for other, taker in enumerate(found) if place in taker.sources) - 1
    return rows
