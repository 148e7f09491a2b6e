"""How concentrated each head's attention is.

For one event, head and real query let p be the attention over its n real keys (negative scores of differential
attention count as 0, and the rest is divided by its sum).

* Entropy: `-sum p ln p / ln n`, 0 where one key gets everything, 1 where all real keys get the same. Divided by the
  logarithm of the number of real keys, else an event with more constituents would seem less decided. One key alone has
  no entropy and does not count.
* Sparsity: Hoyer's `(sqrt(n) - 1 / |p|) / (sqrt(n) - 1)` with `|p|^2 = sum p^2`, 1 for one key, 0 for all alike
  (P. O. Hoyer, J. Mach. Learn. Res. 5 (2004) 1457, arXiv:cs/0408058).
* Effective keys: `1 / sum p^2`, between 1 and n.

An event counts once: with the mean over its real queries. Errors are standard errors over events.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mscat_tf.interpretation.group_sums import Members, add_moments, mean_and_error
from mscat_tf.interpretation.part import Arrays

Floats = NDArray[np.floating[Any]]
Mask = NDArray[np.bool_]
MEASURES = ("entropy", "sparsity", "effective_keys")
TINY = np.finfo(np.float32).tiny


def concentration(scores: Floats, query_mask: Mask, key_mask: Mask) -> tuple[dict[str, Floats], Mask]:
    """The three measures of each event and head, `(events, heads)`, and which events count, `(events,)`.

    Args:
        scores: `(events, heads, queries, keys)`. query_mask, key_mask: `(events, queries)`, `(events, keys)`.
    """
    kept = np.where(key_mask[:, None, None, :], np.maximum(scores, 0), 0)
    total = kept.sum(axis=-1)
    share = kept / np.maximum(total, TINY)[..., None]
    keys = np.maximum(key_mask.sum(axis=1), 2)[:, None, None].astype(scores.dtype)
    squares = np.maximum(np.einsum("ehqk,ehqk->ehq", share, share), TINY)
    entropy = -np.einsum("ehqk,ehqk->ehq", share, np.log(np.maximum(share, TINY)))
    found = {
        "entropy": entropy / np.log(keys),
        "sparsity": (np.sqrt(keys) - squares**-0.5) / (np.sqrt(keys) - 1),
        "effective_keys": 1 / squares,
    }
    counted = query_mask & (key_mask.sum(axis=1) > 1)[:, None]
    real = counted[:, None, :] & (total > 0)
    queries = real.sum(axis=-1)
    means = {name: np.sum(values * real, axis=-1) / np.maximum(queries, 1) for name, values in found.items()}
    return means, np.all(queries > 0, axis=1)


def add_concentration(
    sums: Arrays, name: str, scores: Floats, query_mask: Mask, key_mask: Mask, members: Members
) -> None:
    """Add the events of one batch; arguments as of `mean_attention.add_scores`."""
    found, counted = concentration(scores, query_mask, key_mask)
    for measure, values in found.items():
        weight = np.broadcast_to((members.weight * counted)[:, None], values.shape)
        add_moments(sums, f"{name}:{measure}", values, weight, members)


def head_arrays(sums: Arrays, name: str) -> Arrays:
    """`<name>/entropy`, `/sparsity`, `/effective_keys` `(groups, heads)`, each with `_error`; NaN without events."""
    found: Arrays = {}
    for measure in MEASURES:
        found[f"{name}/{measure}"], found[f"{name}/{measure}_error"] = mean_and_error(sums, f"{name}:{measure}")
    return found


def head_table(arrays: Arrays, blocks: Sequence[str], processes: Sequence[str]) -> dict[str, Any]:
    """For `explanation.json`: by block, measure and process a list over heads of value and error; None without events.

    Args:
        arrays: of `head_arrays`. blocks: names.
        processes: names; all events of each, right and wrong together, are the first groups.
    """

    def entries(block: str, measure: str, group: int) -> list[dict[str, float | None]]:
        pairs = zip(arrays[f"{block}/{measure}"][group], arrays[f"{block}/{measure}_error"][group], strict=True)
        return [{"value": _or_none(value), "error": _or_none(error)} for value, error in pairs]

    return {
        block: {
            measure: {process: entries(block, measure, group) for group, process in enumerate(processes)}
            for measure in MEASURES
        }
        for block in blocks
    }


def _or_none(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
