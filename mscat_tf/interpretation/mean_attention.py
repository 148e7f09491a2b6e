"""Mean attention maps over groups of events."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mscat_tf.interpretation.group_sums import Members, add_to, ratio
from mscat_tf.interpretation.part import Arrays

Floats = NDArray[np.floating[Any]]
Mask = NDArray[np.bool_]


def add_scores(sums: Arrays, name: str, scores: Floats, query_mask: Mask, key_mask: Mask, members: Members) -> None:
    """Add the scores of one batch to the sums of block `name`.

    A padded query does not count; a query whose context is empty counts neither. So every row of a mean sums to 1, and
    `real_queries` says on how many events it rests. With differential attention scores may be negative, and rows sum to
    1 - lambda of their block. The mean map of a key that is often padding is small because few events have it: compare
    keys at equal `real_queries`.

    Args:
        sums: see `add_to`. name: of the block.
        scores: `(events, heads, queries, keys)`. query_mask, key_mask: `(events, queries)`, `(events, keys)`.
    """
    counted = query_mask & key_mask.any(axis=1, keepdims=True)
    weight = counted * members.weight[:, None]
    weighted = scores * weight[:, None, :, None].astype(scores.dtype)
    add_to(sums, f"{name}:total", members.sum(weighted).astype(np.float64))
    add_to(sums, f"{name}:weight", members.sum(weight))
    add_to(sums, f"{name}:real_queries", members.sum(counted.astype(np.int64)))


def mean_arrays(sums: Arrays, name: str) -> Arrays:
    """`<name>/per_head` `(groups, heads, queries, keys)`, `<name>/mean` over heads too, `<name>/real_queries`.

    Rows that no event has are 0.
    """
    per_head = ratio(sums[f"{name}:total"], sums[f"{name}:weight"][:, None, :, None])
    return {
        f"{name}/per_head": per_head,
        f"{name}/mean": per_head.mean(axis=1),
        f"{name}/real_queries": sums[f"{name}:real_queries"],
    }
