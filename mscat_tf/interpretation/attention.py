"""Attention scores of a trained network, and their means over the events of each process.

Shapes: scores of one block are `(events, heads, queries, keys)`.
"""

import inspect
import re
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray
from tf_keras_vis.utils.model_modifiers import ExtractIntermediateLayer

from mscat_tf.layers import SplitJets

SUFFIX = "_scores"
TOKENS_OF_JET = re.compile(r"(constituents|lund)_(\d+)_(block_\d+|cross_\d+|pooled)")
MASKS = {"constituents": re.compile(r"mask_(\d+)"), "lund": re.compile(r"lund_mask_(\d+)")}
"""Inputs that hold the masks of each low-scale stream, in the order in which `mscat` has the streams as keys."""
Floats = NDArray[np.floating[Any]]
Mask = NDArray[np.bool_]


def explanation_model(model: keras.Model) -> keras.Model:
    """The same network with one more output for every attention block: its scores.

    Built on a copy with the same layers and weights, so the trained network is left alone.

    Args:
        model: a functional model. A layer whose call has an argument `return_attention_scores`, and that is followed by
            a named identity layer, counts as an attention block; `SplitJets` between them makes one of each jet.

    Returns:
        A model with the same inputs and outputs `score` `(batch, 1)` and, for a block whose tokens leave as
        `cross_block_1`, `cross_block_1_scores` `(batch, heads, queries, keys)`, made by an identity layer of that name.
    """
    pending: dict[int, Any] = {}
    named: dict[str, Any] = {}

    def call(layer, *arguments, **options):
        if "return_attention_scores" in inspect.signature(layer.call).parameters:
            tokens, scores = layer(*arguments, **options, return_attention_scores=True)
            pending[id(tokens)] = scores
            return tokens
        if isinstance(layer, SplitJets) and id(arguments[0]) in pending:
            jets, scores = layer(*arguments), layer(pending.pop(id(arguments[0])))
            pending.update((id(tokens), its_own) for tokens, its_own in zip(jets, scores, strict=True))
            return jets
        if isinstance(layer, layers.Identity) and id(arguments[0]) in pending:
            name = layer.name + SUFFIX
            named[name] = layers.Identity(name=name)(pending.pop(id(arguments[0])))
        return layer(*arguments, **options)

    copy = keras.models.clone_model(model, call_function=call)
    copy.set_weights(model.get_weights())
    return keras.Model(copy.inputs, {"score": copy.output, **named}, name=f"{model.name}_explained")


def attention_blocks(explained: keras.Model) -> list[str]:
    """Names of the attention blocks of an explanation model, sorted."""
    return sorted(name.removesuffix(SUFFIX) for name in explained.output if name.endswith(SUFFIX))


def one_block(explained: keras.Model, block: str) -> keras.Model:
    """A model whose only output is the scores of one block, extracted by tf-keras-vis."""
    return ExtractIntermediateLayer(block + SUFFIX)(explained)


def stream_masks(inputs: Mapping[str, Any], stream: str) -> list[Mask]:
    """Masks `(events, tokens)` of each jet, in the order of the jets; none where the stream is no input."""
    found = {int(match[1]): name for name in inputs if (match := MASKS[stream].fullmatch(name))}
    return [np.asarray(inputs[found[jet]], bool) for jet in sorted(found)]


def token_masks(block: str, inputs: Mapping[str, Any], queries: int, keys: int) -> tuple[Mask, Mask]:
    """Which queries and keys of a block are real: `(events, queries)` and `(events, keys)`.

    Args:
        block: its name (`constituents_1_block_2`, `lund_1_block_1`, `constituents_1_cross_1`, `constituents_1_pooled`,
            `kinematics_block_1`, `kinematics_pooled`, `cross_block_1`, `joint_block_1`).
        inputs: inputs of the network by name. queries, keys: sizes of the block's scores.
    """
    events = len(next(iter(inputs.values())))
    real, every = np.ones((events, queries), bool), np.ones((events, keys), bool)
    if match := TOKENS_OF_JET.fullmatch(block):
        mask = stream_masks(inputs, match[1])[int(match[2]) - 1]
        if match[3].startswith("cross_"):  # there the kinematics are the keys
            return mask, every
        return (real if match[3] == "pooled" else mask), mask
    if block.startswith("cross_"):
        return real, _merged_masks(inputs, keys)
    if block.startswith("joint_"):  # the constituents of all jets, then the kinematic tokens
        together = np.concatenate(stream_masks(inputs, "constituents"), axis=1)
        every[:, : together.shape[1]] = together
        return every, every
    return real, every


def _merged_masks(inputs: Mapping[str, Any], keys: int) -> Mask:
    """Masks of the keys of `mscat`: all jets of one stream, then of the next; one set of each where jets are added."""
    streams = [masks for masks in (stream_masks(inputs, stream) for stream in MASKS) if masks]
    concatenated = np.concatenate([mask for masks in streams for mask in masks], axis=1)
    if concatenated.shape[1] == keys:
        return concatenated
    return np.concatenate([np.any(masks, axis=0) for masks in streams], axis=1)


def high_scale_labels(model: keras.Model, names: Sequence[str] = ()) -> list[str]:
    """What the tokens of the high scale are, in their order; empty for a network without any.

    Args:
        model: a network of the registry. names: of the kinematic tokens, from the header of the sample.
    """
    tokens = [tensor.shape[1] for tensor in model.inputs if tensor.name == "kinematics"]
    if not tokens:
        return []
    known = {3: ("leading jet", "subleading jet", "sum")}
    labels = list(names or known.get(tokens[0]) or (f"token {1 + token}" for token in range(tokens[0])))
    present = {layer.name for layer in model.layers}
    more = {"event_shapes_token": "event shapes", "class_token": "class token"}
    return labels + [label for layer, label in more.items() if layer in present]


class MeanAttention:
    """Running mean of the scores of one block over events, for each process; its memory does not grow with events.

    A padded query does not count; a query whose context is empty counts neither. So every row of a mean sums to 1, and
    `real_queries` says on how many events it rests. With differential attention scores may be negative, and rows sum to
    1 - lambda of their block. The mean map of a key that is often padding is small because few events have it: compare
    keys at equal `real_queries`.

    Args:
        processes: number of processes. heads, queries, keys: sizes of the block's scores.
    """

    def __init__(self, processes: int, heads: int, queries: int, keys: int) -> None:
        self.total = np.zeros((processes, heads, queries, keys))
        self.weight = np.zeros((processes, queries))
        self.real_queries = np.zeros((processes, queries), dtype=np.int64)

    def add(
        self, scores: Floats, query_mask: Mask, key_mask: Mask, process: NDArray[Any], weights: Floats | None = None
    ) -> None:
        """Add the events of one batch.

        Args:
            scores: `(events, heads, queries, keys)`. query_mask, key_mask: `(events, queries)`, `(events, keys)`.
            process: `(events,)` index of each event's process. weights: `(events,)`; None means 1.
        """
        counted = query_mask & key_mask.any(axis=1, keepdims=True)
        factor = counted * (np.ones(len(scores)) if weights is None else np.asarray(weights, np.float64))[:, None]
        for index in np.unique(process):
            chosen = process == index
            self.total[index] += np.einsum("ehqk,eq->hqk", scores[chosen], factor[chosen], dtype=np.float64)
            self.weight[index] += factor[chosen].sum(axis=0)
            self.real_queries[index] += counted[chosen].sum(axis=0)

    def per_head(self) -> NDArray[np.float64]:
        """Mean scores `(processes, heads, queries, keys)`; 0 for a query that no event has."""
        weight = self.weight[:, None, :, None]
        return np.divide(self.total, weight, out=np.zeros_like(self.total), where=weight != 0)

    def mean(self) -> NDArray[np.float64]:
        """Mean over heads too: `(processes, queries, keys)`."""
        return self.per_head().mean(axis=1)
