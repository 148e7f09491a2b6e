"""Which tokens of an attention block are real."""

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

TOKENS_OF_JET = re.compile(r"(constituents|lund|subjets)_(\d+)_(block_\d+|cross_\d+|pooled|class)")
MASKS = {
    "constituents": re.compile(r"mask_(\d+)"),
    "lund": re.compile(r"lund_mask_(\d+)"),
    "subjets": re.compile(r"subjets_mask_(\d+)"),
}
"""Inputs that hold the masks of each low-scale stream, in the order in which `mscat` has the streams as keys."""
Mask = NDArray[np.bool_]


def stream_masks(inputs: Mapping[str, Any], stream: str) -> list[Mask]:
    """Masks `(events, tokens)` of each jet, in the order of the jets; none where the stream is no input."""
    found = {int(match[1]): name for name in inputs if (match := MASKS[stream].fullmatch(name))}
    return [np.asarray(inputs[found[jet]], bool) for jet in sorted(found)]


def token_masks(block: str, inputs: Mapping[str, Any], queries: int, keys: int) -> tuple[Mask, Mask]:
    """Which queries and keys of a block are real: `(events, queries)` and `(events, keys)`.

    Args:
        block: its name (`constituents_1_block_2`, `lund_1_block_1`, `constituents_1_cross_1`, `subjets_1_cross_1`,
            `constituents_1_pooled`, `constituents_1_class`, `kinematics_block_1`, `kinematics_pooled`,
            `cross_block_1`, `joint_block_1`).
        inputs: inputs of the network by name. queries, keys: sizes of the block's scores.
    """
    events = len(next(iter(inputs.values())))
    real, every = np.ones((events, queries), bool), np.ones((events, keys), bool)
    if match := TOKENS_OF_JET.fullmatch(block):
        mask = stream_masks(inputs, match[1])[int(match[2]) - 1]
        if match[1] == "subjets" and match[3].startswith("cross_"):  # they read the constituents of their jet
            return mask, stream_masks(inputs, "constituents")[int(match[2]) - 1][:, :keys]
        if match[3].startswith("cross_"):  # there the kinematics are the keys
            return mask, every
        if match[3] == "class":  # which reads itself too
            return real, np.concatenate([every[:, :1], mask], axis=1)
        return (real if match[3] == "pooled" else mask), mask
    if block.startswith("cross_"):
        return real, _merged_masks(inputs, keys)
    if block.startswith("joint_"):  # the constituents of all jets, then the kinematic tokens
        together = np.concatenate(stream_masks(inputs, "constituents"), axis=1)
        every[:, : together.shape[1]] = together
        return every, every
    return real, every


def _merged_masks(inputs: Mapping[str, Any], keys: int) -> Mask:
    """Masks of the keys of `mscat`: all jets of one stream, then of the next; one set of each where jets are added.

    The kinematics of `mixer` read its subjets alone.
    """
    streams = [masks for masks in (stream_masks(inputs, stream) for stream in MASKS) if masks]
    subjets = stream_masks(inputs, "subjets")
    if subjets and keys == sum(mask.shape[1] for mask in subjets):
        return np.concatenate(subjets, axis=1)
    concatenated = np.concatenate([mask for masks in streams for mask in masks], axis=1)
    if concatenated.shape[1] == keys:
        return concatenated
    return np.concatenate([np.any(masks, axis=0) for masks in streams], axis=1)
