"""Ranks of attributions among the real tokens of an event. `values` and `mask` are `(events, tokens)`."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

Floats = NDArray[np.floating[Any]]
Mask = NDArray[np.bool_]


def descending_ranks(values: Floats, mask: Mask, rng: np.random.Generator) -> NDArray[np.int64]:
    """Place of every real token, 0 for the largest value; equal ones in random order; padding comes last."""
    chance = rng.random(values.shape)
    order = np.lexsort((chance, -np.asarray(values, np.float64), ~mask))
    ranks = np.empty(values.shape, np.int64)
    np.put_along_axis(ranks, order, np.broadcast_to(np.arange(values.shape[1]), values.shape), axis=1)
    return ranks


def rank_correlation(first: Floats, second: Floats, mask: Mask) -> NDArray[np.float64]:
    """Spearman's coefficient of two attributions of each event, `(events,)`, ties shared.

    NaN where one of them is the same for all real tokens: there is no order to compare.
    """
    centred = []
    for values in (first, second):
        ranks = rankdata(np.where(mask, values, np.inf), axis=1)  # those of real tokens are the lowest ones
        mean = np.sum(ranks * mask, axis=1) / np.maximum(mask.sum(axis=1), 1)
        centred.append((ranks - mean[:, None]) * mask)
    a, b = centred
    norm = np.sqrt(np.square(a).sum(axis=1) * np.square(b).sum(axis=1))
    return np.divide(np.sum(a * b, axis=1), norm, out=np.full(len(norm), np.nan), where=norm > 0)


def mean_and_error(values: Floats) -> dict[str, Any]:
    """`value`, its standard `error` over events and the share of events where it is `undefined` (NaN)."""
    defined = values[~np.isnan(values)]
    error = float(np.std(defined, ddof=1) / np.sqrt(len(defined))) if len(defined) > 1 else None
    mean = float(defined.mean()) if len(defined) else None
    return {"value": mean, "error": error, "undefined": 1 - len(defined) / max(len(values), 1)}
