"""Attention scores of a trained network, and their means over the events of each process.

Shapes: scores of one block are `(events, heads, queries, keys)`.
"""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray
from tf_keras_vis.utils.model_modifiers import ExtractIntermediateLayer

from mscat_tf.layers import CrossAttentionBlock, SelfAttentionBlock

SUFFIX = "_scores"
Floats = NDArray[np.floating[Any]]
Mask = NDArray[np.bool_]


def explanation_model(model: keras.Model) -> keras.Model:
    """The same network with one more output for every attention block: its scores.

    Built on a copy with the same layers and weights, so the trained network is left alone.

    Args:
        model: a functional model whose attention blocks are each followed by a named identity layer.

    Returns:
        A model with the same inputs and outputs `score` `(batch, 1)` and, for a block whose tokens leave as
        `cross_block_1`, `cross_block_1_scores` `(batch, heads, queries, keys)`, made by an identity layer of that name.
    """
    pending: dict[int, Any] = {}
    named: dict[str, Any] = {}

    def call(layer, *arguments, **options):
        if isinstance(layer, SelfAttentionBlock | CrossAttentionBlock):
            tokens, scores = layer(*arguments, **options, return_attention_scores=True)
            pending[id(tokens)] = scores
            return tokens
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


def token_masks(block: str, inputs: Mapping[str, Any], queries: int, keys: int) -> tuple[Mask, Mask]:
    """Which queries and keys of a block are real: `(events, queries)` and `(events, keys)`.

    Args:
        block: its name (`constituents_1_block_2`, `kinematics_block_1`, `cross_block_1`, `joint_block_1`).
        inputs: masks by input name. queries, keys: sizes of the block's scores.
    """
    events = len(next(iter(inputs.values())))
    if block.startswith("constituents_"):
        mask = np.asarray(inputs["mask_" + block.split("_")[1]])
        return mask, np.ones((events, keys), bool) if "_cross_" in block else mask  # there the kinematics are the keys
    real = np.ones((events, queries), bool)
    if not block.startswith(("cross_", "joint_")):
        return real, np.ones((events, keys), bool)
    masks = [np.asarray(inputs[name]) for name in sorted(inputs) if name.startswith("mask_")]
    together = np.concatenate(masks, axis=1)
    if block.startswith("joint_"):  # the constituents of all jets, then the kinematic tokens
        every = np.concatenate([together, real[:, together.shape[1] :]], axis=1)
        return every, every
    return real, together if together.shape[1] == keys else np.any(masks, axis=0)


class MeanAttention:
    """Running mean of the scores of one block over events, for each process; its memory does not grow with events.

    A padded query does not count; a query whose context is empty counts neither. So every row of a mean sums to 1,
    and `real_queries` says on how many events it rests. The mean map of a key that is often padding is small because
    few events have it: compare keys at equal `real_queries`.

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
