"""A network cut in two at some layers: what is computed up to them, once, and what follows."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import keras
import tensorflow as tf

from mscat_tf.inference.keras_network import full_precision
from mscat_tf.layers import IgnoreMask
from mscat_tf.layers.layer_normalisation import normalisation_in_one_operation


@dataclass(frozen=True)
class SplitNetwork:
    """A copy of a network in two parts; layers and weights of the network itself are left alone.

    Attributes:
        first: from the inputs to everything that `second` takes, a list.
        second: from that to the logit `(batch, 1)`. places: where among its inputs the tokens of each layer are.
    """

    copy: keras.Model
    first: keras.Model
    second: keras.Model
    places: dict[str, int]

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Take over the weights of a network of the same layers, as its `get_weights` gives them."""
        self.copy.set_weights(weights)

    def input_layer(self, name: str) -> Any:
        """The layer of `second` by which the tokens of layer `name` come in."""
        tensor = self.second.inputs[self.places[name]]
        return next(layer for layer in self.second.layers if layer.output is tensor)


def split_network(model: keras.Model, names: Sequence[str]) -> SplitNetwork:
    """Cut a functional model right behind the layers of these names, none of which may follow on another.

    What the second part needs besides their outputs, masks or the tokens of the other scale, it is given too, so it
    computes nothing that does not depend on them.
    """
    copy, edge, tokens = _copy_and_edge(model, names)
    copy.set_weights(model.get_weights())
    logit = copy.get_layer("logit").output
    places = {name: [tensor is tokens[name] for tensor in edge].index(True) for name in names}
    return SplitNetwork(copy, keras.Model(copy.inputs, edge), keras.Model(edge, logit), places)


def _copy_and_edge(model: keras.Model, names: Sequence[str]) -> tuple[keras.Model, list[Any], dict[str, Any]]:
    edge: dict[int, Any] = {}
    behind: dict[int, Any] = {}  # tensors are known by their identity, so none may be freed
    tokens: dict[str, Any] = {}

    def call(layer: Any, *arguments: Any, **options: Any) -> Any:
        taken = [t for t in keras.tree.flatten((arguments, options)) if isinstance(t, keras.KerasTensor)]
        result = layer(*arguments, **options)
        if layer.name in names:
            tokens[layer.name] = edge[id(result)] = behind[id(result)] = result
        elif any(id(tensor) in behind for tensor in taken):
            edge.update({id(tensor): tensor for tensor in taken if id(tensor) not in behind})
            behind.update({id(tensor): tensor for tensor in keras.tree.flatten(result)})
        return result

    copy = keras.models.clone_model(model, call_function=call)
    return copy, list(edge.values()), tokens


def reads_padding(model: keras.Model) -> bool:
    """Whether the network was built to take padding for constituents (`model.masks`, a fault of `released`)."""
    return any(isinstance(layer, IgnoreMask) or layer.name == "added_constituents" for layer in model.layers)


def traced(model: keras.Model) -> Callable[[Mapping[str, Any]], Any]:
    """A function of inputs by name, traced once for batches of any size, without gradients: as fast as inference."""
    shapes = {tensor.name: tf.TensorSpec((None, *tensor.shape[1:]), tensor.dtype) for tensor in model.inputs}
    one_kernel = not tf.config.list_logical_devices("GPU")

    @tf.function(input_signature=[shapes], autograph=False)
    def forward(inputs: Any) -> Any:
        with normalisation_in_one_operation() if one_kernel else nullcontext():
            return model(inputs, training=False)

    def call(inputs: Mapping[str, Any]) -> Any:
        with full_precision():
            return forward({name: tf.convert_to_tensor(inputs[name]) for name in shapes})

    return call
