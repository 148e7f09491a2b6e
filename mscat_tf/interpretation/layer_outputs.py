"""What each layer of a network says of an event: one row of numbers, whatever the shape of its output."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, get_args

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

from mscat_tf.config.base import unknown_key
from mscat_tf.errors import ConfigError
from mscat_tf.interpretation.split_network import traced
from mscat_tf.layers import ClassToken, PairInteractions, SplitJets, StackJets, TokenEmbedding
from mscat_tf.models.inputs import mask_name

Arrays = dict[str, NDArray[Any]]
TokenForm = Literal["flatten", "mean", "feature_mean"]
TOKEN_FORMS: tuple[str, ...] = get_args(TokenForm)
READ_BY_HEAD = ("event", "logit")
"""Layers without weights that count: what the head reads, and its answer."""
NO_BLOCKS = (ClassToken, PairInteractions, TokenEmbedding)
"""Layers with weights that do not count: they add learned vectors, or give no tokens."""
STAGES = (r"(kinematics|event_shapes|high_scale)(_|$)", r"(.*_)?(cross|joint)_", r"(event|head_\d+|classes|logit)$")
"""Layers that stand behind those of the low scale, in this order."""


def rows_of_events(
    values: NDArray[Any], mask: NDArray[np.bool_] | None, events: int, form: str = "flatten"
) -> NDArray[Any]:
    """Representation `(events, numbers)` of an output `(events, ..., features)`.

    Args:
        values: or `(J * events, ...)`, first all events of jet 1: the jets then stand side by side.
        mask: `(J * events, tokens)`, True for real tokens; None if all are.
        form: `flatten` puts tokens side by side, padding as 0; `mean` averages over real tokens, 0 where there are
            none; `feature_mean` averages over features instead, padding as 0. An output `(events, features)` stays.
    """
    if values.ndim > 2:
        tokens = values.reshape(len(values), -1, values.shape[-1])
        real = np.ones(tokens.shape[:2], bool) if mask is None else mask
        tokens = np.where(real[..., None], tokens, 0)
        if form == "mean":
            values = tokens.sum(axis=1) / np.maximum(real.sum(axis=1), 1)[:, None]
        else:
            values = tokens.mean(axis=2) if form == "feature_mean" else tokens.reshape(len(tokens), -1)
    jets = len(values) // events
    return values.reshape(jets, events, -1).swapaxes(0, 1).reshape(events, -1)


class LayerOutputs:
    """Representations of a network's layers.

    By default these are, in the order of computation, low scale first: every layer with weights, except normalisations
    and `NO_BLOCKS`, and `READ_BY_HEAD`. Tokens that leave a block through a named identity layer have its name
    (`constituents_1_block_2`). A layer that is called for each jet without such names counts once, jets side by side.

    Args:
        model: functional, in float32; left alone. names: of layers, instead of those.
        form: of tokens, see `rows_of_events`.

    Attributes:
        names: of the layers.

    Raises:
        ConfigError: the network has no layer of such a name whose output is one tensor of numbers.
    """

    def __init__(self, model: keras.Model, names: Sequence[str] = (), form: str = "flatten") -> None:
        inputs = [keras.Input(t.shape[1:], dtype=t.dtype, name=t.name) for t in model.inputs]
        graph = _Graph(set(names), inputs)
        copy = keras.models.clone_model(model, input_tensors=inputs, call_function=graph.call)
        copy.set_weights(model.get_weights())
        for name in names:
            if name not in graph.found:
                known = [layer.name for layer in model.layers if not isinstance(layer, layers.InputLayer)]
                hint = unknown_key(name, known).replace("key", "layer", 1)
                raise ConfigError(f"network '{model.name}': {hint} (a layer must give one tensor of numbers)")
        self.names = tuple(names or _in_order(graph.found))
        self.form = form
        outputs = {}
        for name in self.names:
            for number, (tokens, mask) in enumerate(graph.found[name]):
                outputs[f"{name}/{number}"] = tokens
                if mask is not None:
                    outputs[f"{name}/{number}/mask"] = mask
        self._calls = {name: len(graph.found[name]) for name in self.names}
        self._forward: Callable[[Mapping[str, Any]], Any] = traced(keras.Model(copy.inputs, outputs))

    def __call__(self, inputs: Mapping[str, NDArray[Any]]) -> list[NDArray[Any]]:
        """`(n, numbers)` of each layer, in the order of `names`.

        Args:
            inputs: of the network by name, n events.
        """
        events = len(next(iter(inputs.values())))
        outputs = {name: np.asarray(values) for name, values in self._forward(inputs).items()}
        return [
            np.concatenate(
                [
                    rows_of_events(outputs[f"{name}/{call}"], outputs.get(f"{name}/{call}/mask"), events, self.form)
                    for call in range(self._calls[name])
                ],
                axis=1,
            )
            for name in self.names
        ]


class _Graph:
    """Follows a network call by call while it is copied.

    Attributes:
        found: for each layer that counts its calls: output and mask of its tokens, if any.
    """

    def __init__(self, names: set[str], inputs: Sequence[Any]) -> None:
        self.found: dict[str, list[tuple[Any, Any]]] = {}
        self._names = names
        by_name = {tensor.name: tensor for tensor in inputs}
        self._masks: dict[int, Any] = {id(tensor): by_name.get(_own_mask(name)) for name, tensor in by_name.items()}
        self._block: dict[int, str] = {}
        self._kept: list[Any] = []  # tensors are known by their identity, so none may be freed

    def call(self, layer: Any, *arguments: Any, **options: Any) -> Any:
        """Call a layer of the copy, and remember what leaves it."""
        result = layer(*arguments, **options)
        tensors = [t for t in keras.tree.flatten((arguments, options)) if isinstance(t, keras.KerasTensor)]
        self._kept += [result, tensors]
        if isinstance(layer, SplitJets):
            self._split(layer, tensors[0], result)
        elif isinstance(result, keras.KerasTensor) and keras.backend.is_float_dtype(result.dtype):
            mask = self._masks[id(result)] = self._mask_of(layer, result, tensors)
            if layer.name in self._names if self._names else _counts(layer):
                self.found.setdefault(layer.name, []).append((result, mask))
                self._block[id(result)] = layer.name
            elif not self._names and isinstance(layer, layers.Identity) and id(tensors[0]) in self._block:
                self.found.pop(self._block[id(tensors[0])], None)
                self.found[layer.name] = [(result, mask)]
        return result

    def _split(self, layer: Any, stacked: Any, jets: Sequence[Any]) -> None:
        mask = self._masks.get(id(stacked))
        masks = layer(mask) if mask is not None else [None] * len(jets)
        self._kept.append(masks)
        for tokens, own in zip(jets, masks, strict=True):
            self._masks[id(tokens)] = own
            if id(stacked) in self._block:
                self._block[id(tokens)] = self._block[id(stacked)]

    def _mask_of(self, layer: Any, result: Any, tensors: Sequence[Any]) -> Any:
        """That of the tokens it was made from, else one that the layer was given for as many tokens."""
        if len(result.shape) != 3 or isinstance(layer, StackJets):  # what reads stacked jets is given their masks
            return None
        tokens = result.shape[1]
        given = [t for t in tensors if t.dtype == "bool" and len(t.shape) == 2 and t.shape[1] == tokens]
        before = self._masks.get(id(tensors[0])) if tensors else None
        if before is not None and before.shape[1] == tokens:
            return before
        return given[0] if given else None


def _own_mask(name: str) -> str:
    """What the mask of an input of tokens would be called."""
    stream, _, jet = name.rpartition("_")
    return mask_name(stream, jet)


def _counts(layer: Any) -> bool:
    if layer.name in READ_BY_HEAD:
        return True
    kind = type(layer).__name__
    return bool(layer.weights) and not isinstance(layer, NO_BLOCKS) and not re.search("Normali[sz]ation", kind)


def _in_order(names: Sequence[str] | Mapping[str, Any]) -> list[str]:
    """Low scale, high scale, both, head; jets of one block beside each other."""

    def without_jet(name: str) -> str:
        return re.sub(r"^([a-z]+)_\d+_", r"\1_", name)

    def stage(name: str) -> int:
        return max((number for number, of in enumerate(STAGES, start=1) if re.match(of, name)), default=0)

    first: dict[str, int] = {}
    for place, name in enumerate(names):
        first.setdefault(without_jet(name), place)
    return sorted(names, key=lambda name: (stage(name), first[without_jet(name)], name))
