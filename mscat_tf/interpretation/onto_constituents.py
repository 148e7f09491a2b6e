"""The part of a block's attention that goes to the constituents of each jet, seen from outside the jet.

Blocks: `cross_block_b` and `joint_block_b` (read by the tokens of the high scale), `constituents_j_pooled` (by a
learned query), `constituents_j_class` (by the class token, a row for each of its blocks), `subjets_j_cross_b`
(by the mean real subjet of the jet) and, the other way round,
`constituents_j_cross_b`: there constituents read the high scale, and what is given for a token is how the attention
that it gets is spread over the real constituents.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mscat_tf.interpretation.token_masks import MASKS, stream_masks

Floats = NDArray[np.floating[Any]]
OWN = re.compile(r"constituents_(\d+)_(pooled|class|cross_\d+)")
BY_SUBJETS = re.compile(r"subjets_(\d+)_cross_\d+")


def reads_constituents(block: str, input_names: Sequence[str], blocks: Sequence[str] = ()) -> bool:
    """Whether a block reads constituents from outside a jet, in a network with these inputs.

    Args:
        blocks: all of the network: where subjets read the constituents, other tokens read the subjets.
    """
    if OWN.fullmatch(block) or BY_SUBJETS.fullmatch(block):
        return True
    across = block.startswith(("cross_", "joint_")) and not any(BY_SUBJETS.fullmatch(name) for name in blocks)
    return across and "constituents_1" in input_names


def onto_constituents(block: str, scores: Floats, inputs: Mapping[str, NDArray[Any]]) -> dict[int, Floats]:
    """Attention `(events, readers, constituents)` to those of each jet, by the number of the jet; mean over heads.

    Args:
        block: its name. scores: `(events, heads, queries, keys)`. inputs: of the network by name.
    """
    mean = scores.mean(axis=1)
    masks = stream_masks(inputs, "constituents")
    if by := BY_SUBJETS.fullmatch(block):
        jet = int(by[1])
        real = stream_masks(inputs, "subjets")[jet - 1]
        read = (mean * (real / np.maximum(real.sum(axis=1, keepdims=True), 1))[..., None]).sum(axis=1, keepdims=True)
        return {jet: np.pad(read, ((0, 0), (0, 0), (0, masks[jet - 1].shape[1] - read.shape[2])))}
    if own := OWN.fullmatch(block):
        jet = int(own[1])
        if own[2].startswith("cross_"):
            real = masks[jet - 1][:, :, None]
            mean = (mean * real / np.maximum(real.sum(axis=1, keepdims=True), 1)).transpose(0, 2, 1)
        return {jet: mean[..., 1:] if own[2] == "class" else mean}
    size, jets = masks[0].shape[1], len(masks)
    if block.startswith("joint_"):
        mean = mean[:, jets * size :]
    elif is_added(mean.shape[2], inputs):
        return {jet: mean[..., :size] * share for jet, share in enumerate(shares_of_added(masks), start=1)}
    return {jet: mean[..., (jet - 1) * size : jet * size] for jet in range(1, jets + 1)}


def is_added(keys: int, inputs: Mapping[str, NDArray[Any]]) -> bool:
    """Whether cross-attention with so many keys reads jets that were added token by token (`model.merge`)."""
    every = [mask for stream in MASKS for mask in stream_masks(inputs, stream)]
    return keys < sum(mask.shape[1] for mask in every)


def shares_of_added(masks: Sequence[NDArray[np.bool_]]) -> list[Floats]:
    """Where jets are added token by token: share `(events, 1, tokens)` of each jet, the same for all that have one."""
    number = np.maximum(np.sum(masks, axis=0), 1)
    return [(mask / number)[:, None, :].astype(np.float32) for mask in masks]


def reader_labels(block: str, high: Sequence[str], queries: int) -> list[str]:
    """Who reads constituents in a block: the rows of `onto_constituents`.

    Args:
        block: its name. high: labels of the tokens of the high scale. queries: of its scores.
    """
    if BY_SUBJETS.fullmatch(block):
        return ["mean subjet"]
    own = OWN.fullmatch(block)
    if own and own[2] == "pooled":
        return ["learned query"]
    if own and own[2] == "class":
        return [f"class token, block {number}" for number in range(1, queries + 1)]
    return list(high)
