"""Share of every process that passes a cut on the score, against the kinematics of the event."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mscat_tf.data.events import effective_events
from mscat_tf.evaluation.intervals import wilson
from mscat_tf.evaluation.scores import Scores
from mscat_tf.physics.tokens import token_names
from mscat_tf.schema import KINEMATIC_COLUMNS

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

BINS = 8
"""Of every variable, with equal shares of the events."""
ROUNDING_GEV = 5.0
"""Edges are multiples of this."""

_OF_ONE_JET = ("m_J1", "pt_J1")
_OF_A_PAIR = {"m_J1": (0, "m"), "m_J2": (1, "m"), "m_JJ": (2, "m"), "pt_J1": (0, "pt"), "pt_JJ": (2, "pt")}
"""Token and column of each variable: fat jets in the order of transverse momentum, and their sum."""


def variables(scores: Scores, names: tuple[str, ...] = token_names(2)) -> dict[str, Floats]:
    """Masses and transverse momenta by name, `(n,)` each [GeV].

    Args:
        scores: of n events. names: of their kinematic tokens; where they are not two jets and their sum, only the
            leading jet is looked at.
    """
    return columns_of(scores, _OF_A_PAIR if names == token_names(2) else _OF_ONE_JET)


def columns_of(scores: Scores, names: Iterable[str]) -> dict[str, Floats]:
    """Those of these names."""
    return {
        name: scores.kinematics[:, token, KINEMATIC_COLUMNS.index(column)].astype(np.float64)
        for name, (token, column) in ((name, _OF_A_PAIR[name]) for name in names)
    }


def quantiles(values: Floats, weight: Floats, shares: Floats) -> Floats:
    """Least values with at least these shares of the summed weights at or below them."""
    order = np.argsort(values, kind="stable")
    cumulated = np.cumsum(weight[order])
    places = np.searchsorted(cumulated, shares * cumulated[-1] * (1 - 1e-12))
    return np.asarray(values[order][np.minimum(places, len(values) - 1)])


def bin_edges(values: Floats, weight: Floats, bins: int = BINS) -> Floats:
    """Edges of bins with about equal weight, at multiples of `ROUNDING_GEV` that enclose every value."""
    inner = quantiles(values, weight, np.linspace(0, 1, bins + 1)[1:-1])
    low, high = ROUNDING_GEV * np.floor(values.min() / ROUNDING_GEV), ROUNDING_GEV * (values.max() // ROUNDING_GEV + 1)
    rounded = ROUNDING_GEV * np.round(inner / ROUNDING_GEV)
    return np.unique(np.concatenate([[low], rounded[(rounded > low) & (rounded < high)], [high]]))


def trials(weight: Floats, passed: Bools, group: NDArray[np.integer]) -> float:
    """Number of unweighted events whose share would scatter as the weighted share of `passed` does.

    As `trials_of_weights`, with events of one group (showers of one parton-level event) drawn together: the variance of
    the share p is the sum over groups of (sum of w (passed - p))^2, over (sum w)^2.
    """
    total, share = weight.sum(), weight[passed].sum() / weight.sum()
    member = np.unique(group, return_inverse=True)[1]
    variance = np.sum(np.bincount(member, weight * (passed - share)) ** 2) / total**2
    if share in (0.0, 1.0) or variance == 0:
        return effective_events(np.bincount(member, weight).astype(np.float64))
    return float(share * (1 - share) / variance)


def efficiency_in_bins(values: Floats, edges: Floats, passed: Bools, scores: Scores) -> dict[str, dict[str, Any]]:
    """By process: share that passes in every bin with its Wilson interval at 68 %, `(bins,)` each; None without events.

    Args:
        values: `(n,)`. edges: increasing. passed: `(n,)`. scores: for processes, weights and groups.
    """
    place = np.digitize(values, edges) - 1
    found = {}
    for index, name in enumerate(scores.processes):
        own = scores.process == index
        if own.any():
            found[name] = _of_process(
                place[own], passed[own], scores.weight_fb[own], scores.group_id[own], len(edges) - 1
            )
    return found


def _of_process(
    place: NDArray[np.integer], passed: Bools, weight: Floats, group: NDArray[np.uint64], bins: int
) -> dict[str, Any]:
    columns: dict[str, list[float | None]] = {name: [] for name in ("share", "low", "high", "effective_events")}
    for number in range(bins):
        inside = place == number
        total = weight[inside].sum()
        if not total > 0:
            for column in columns.values():
                column.append(None)
            continue
        count = trials(weight[inside], passed[inside], group[inside])
        share = float(weight[inside & passed].sum() / total)
        low, high = wilson(share, count)
        for column, value in zip(columns.values(), (share, float(low), float(high), count), strict=True):
            column.append(value)
    return columns
