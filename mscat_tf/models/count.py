"""Size and cost of a network, read off the graph of one event: no layer needs code of its own."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import keras
import tensorflow as tf

from mscat_tf.config import ModelSettings
from mscat_tf.errors import InputError
from mscat_tf.models import registry
from mscat_tf.models.inputs import InputSpecification

_CALLS = ("PartitionedCall", "StatefulPartitionedCall")
_LOOPS = ("While", "StatelessWhile", "Case", "StatelessCase", "If", "StatelessIf", "MapDefun")
_VIEWS = frozenset({"Identity", "IdentityN", "Reshape", "ExpandDims", "Squeeze", "StopGradient", "EnsureShape"})
_CONVOLUTIONS = ("Conv2D", "Conv3D", "DepthwiseConv2dNative", "DepthwiseConv2D")


@dataclass(frozen=True)
class Cost:
    """What the forward pass of one event costs.

    Attributes:
        flops: operations of all products, see `cost_per_event`. activation_bytes: see there.
    """

    flops: int
    activation_bytes: int


def parameters(model: keras.Model) -> int:
    """Number of trainable weights."""
    return sum(math.prod(weight.shape) for weight in model.trainable_weights)


def flops_per_event(model: keras.Model) -> int:
    """Operations of all products of one forward pass of one event, see `cost_per_event`."""
    return cost_per_event(model).flops


def cost_per_event(model: keras.Model, constituents: int | None = None) -> Cost:
    """Trace the model for a batch of one event and add up what the graph holds.

    Args:
        model: of the registry, or any functional one.
        constituents: how many to count with, for a model whose number of them differs from batch to batch.

    Operations: two for each multiplication with addition of every matrix product, `einsum` and convolution; exact for
    these (a shared layer counts as often as it is used, padding as much as real tokens). Normalisations, softmax,
    activations, sorting and other sums are left out, as is usual; so is what does not depend on the event.

    Bytes: of every floating-point tensor that depends on the event, views (reshapes) not counted twice. Nothing is
    taken as freed or fused, so it bounds from above what a forward pass keeps for its gradient; weights are not in it.

    Raises:
        InputError: a product inside a loop or a branch, or of unknown size, or the number of constituents is neither
            known nor given: operations cannot be read off.
    """
    signature = [tf.TensorSpec((1, *_shape_of_event(x, constituents)), x.dtype) for x in model.inputs]
    traced = tf.function(lambda *x: model(list(x), training=False), autograph=False).get_concrete_function(*signature)
    flops = activation_bytes = 0
    for node in _nodes(traced.graph, {tensor.op.name for tensor in traced.inputs[: len(signature)]}):
        flops += 2 * _multiplications(node)
        if node.type not in _VIEWS:
            activation_bytes += sum(_bytes(tensor) for tensor in node.outputs)
    return Cost(flops, activation_bytes)


def _shape_of_event(tensor: Any, constituents: int | None) -> tuple[int, ...]:
    """Shape of an input without the batch axis."""
    shape = [constituents if size is None else int(size) for size in tensor.shape[1:]]
    if None in shape:
        raise InputError(
            f"{tensor.name}: its length differs from batch to batch, so operations cannot be counted; give the number "
            "of constituents, or set train.length_buckets=1"
        )
    return tuple(size for size in shape if size is not None)


def model_at_default_size(settings: ModelSettings) -> keras.Model:
    """The network on inputs of default sizes: two jets, each with 50 constituents and, where read, 10 subjets and all
    named jet variables."""
    read = registry.streams(settings)
    sizes = InputSpecification(
        declusterings=50 * ("lund" in read),
        subjets=10 * ("subjets" in read),
        high_level=registry.high_level(settings),
    )
    return registry.build(settings, sizes)


def _nodes(graph: Any, events: set[str]) -> Iterator[Any]:
    """Nodes that depend on the inputs named in `events`, those of functions that are called in their place.

    Nodes come in the order in which they were made, so an input is always seen before its use.
    """
    depends = set(events)
    for node in graph.get_operations():
        from_event = [tensor.op.name in depends for tensor in node.inputs]
        if not any(from_event):
            continue
        depends.add(node.name)
        if node.type in _CALLS:
            body = _function(graph, node.get_attr("f").name)
            own = {tensor.op.name for tensor, wanted in zip(body.inputs, from_event, strict=True) if wanted}
            yield from _nodes(body, own)
        else:
            _refuse_hidden_products(graph, node)
            yield node


def _function(graph: Any, name: str) -> Any:
    return graph._get_function(name).graph


def _refuse_hidden_products(graph: Any, node: Any) -> None:
    """A loop says nothing of how often it turns, a branch nothing of whether it is taken."""
    if node.type not in _LOOPS:
        return
    attributes = [node.get_attr(name) for name in node.node_def.attr]
    names = [value.name for value in attributes if hasattr(value, "name") and hasattr(value, "attr")]
    for name in names:
        body = _function(graph, name)
        for inner in _nodes(body, {tensor.op.name for tensor in body.inputs}):
            if _multiplications(inner):
                raise InputError(
                    f"{node.name}: matrix products inside {node.type}, whose operations cannot be counted; write the "
                    "layer with one batched product instead"
                )


def _multiplications(node: Any) -> int:
    """Multiplications of one product; 0 for anything else."""
    if node.type in ("MatMul", "BatchMatMul", "BatchMatMulV2", "BatchMatMulV3"):
        transposed = node.get_attr("transpose_a" if node.type == "MatMul" else "adj_x")
        return _size(node.outputs[0]) * _sizes(node.inputs[0])[-2 if transposed else -1]
    if node.type == "Einsum":
        letters = node.get_attr("equation").decode().split("->")[0].split(",")
        found: dict[str, int] = {}
        for names, tensor in zip(letters, node.inputs, strict=True):
            found |= _letter_sizes(names, _sizes(tensor), found)
        return math.prod(found.values()) if len(letters) > 1 else 0
    if node.type in _CONVOLUTIONS:
        *window, channels, _ = _sizes(node.inputs[1])
        return _size(node.outputs[0]) * math.prod(window) * (1 if node.type.startswith("Depthwise") else channels)
    return 0


def _letter_sizes(names: str, sizes: list[int], known: dict[str, int]) -> dict[str, int]:
    """Size of every index of an `einsum`; `...` stands for as many as are left, of which a size of one is spread."""
    before, dots, after = names.partition("...")
    middle = len(sizes) - len(before) - len(after)
    letters = [*before, *(f"...{middle - n}" for n in range(middle)), *after] if dots else list(names)
    return {letter: max(size, known.get(letter, 1)) for letter, size in zip(letters, sizes, strict=True)}


def _sizes(tensor: Any) -> list[int]:
    if not tensor.shape.is_fully_defined():
        raise InputError(
            f"{tensor.name}: of unknown size {tensor.shape}, so its operations cannot be counted; reshape with sizes "
            "known from the layer's input shape"
        )
    return [int(size) for size in tensor.shape]


def _size(tensor: Any) -> int:
    return math.prod(_sizes(tensor))


def _bytes(tensor: Any) -> int:
    return _size(tensor) * int(tensor.dtype.size) if tensor.dtype.is_floating else 0
