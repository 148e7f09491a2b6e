"""Bins with enough background events in each, chosen on the validation split.

Bins are given by the edges between them, increasing: k edges make k + 1 bins, of which the first and the last are open.
A value on an edge belongs to the bin above.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mscat_tf.errors import InputError
from mscat_tf.reach.events import WHERE, Selected
from mscat_tf.reach.settings import ReachSettings

Floats = NDArray[np.float64]
SIGMAS = 3.0
"""A bin is made so large that its background falls short of the wanted number in the test split at this many Poisson
standard deviations only."""


@dataclass(frozen=True)
class Region:
    """Bins of one channel of the fit.

    Attributes:
        name: of the channel. observable: `score` or `mass` [GeV]. edges: between its bins.
        score_from, score_to: events of the region have a score in [from, to); None is unbounded.
    """

    name: str
    observable: str
    edges: tuple[float, ...]
    score_from: float | None = None
    score_to: float | None = None

    def rows(self, score: Floats) -> NDArray[np.bool_]:
        """Which events are in the region, `(n,)`."""
        inside = np.ones(len(score), dtype=bool)
        if self.score_from is not None:
            inside &= score >= self.score_from
        if self.score_to is not None:
            inside &= score < self.score_to
        return inside


def group_sums(weight: Floats, cell: NDArray[np.int64], group: NDArray[np.int64], cells: int) -> tuple[Floats, Floats]:
    """Sum and variance of the weights in each cell, `(cells,)` each.

    Events of a group come from one parton-level event, so the variance is the sum over groups of (sum w)^2.
    """
    pairs, member = np.unique(group * cells + cell, return_inverse=True)
    of_pair = np.bincount(member, weight, len(pairs))
    sums, variances = np.bincount(cell, weight, cells), np.bincount(pairs % cells, of_pair**2, cells)
    return sums.astype(np.float64), variances.astype(np.float64)  # without any event they would be integers


def effective(weight: Floats, group: NDArray[np.int64]) -> float:
    """Effective number of events, (sum w)^2 / sum over groups of (sum w)^2; 0 for none and for a sum below 0."""
    total, variance = group_sums(weight, np.zeros(len(weight), np.int64), group, 1)
    return float(total[0] ** 2 / variance[0]) if total[0] > 0 else 0.0


def choose_regions(validation: Selected, test_events: float, settings: ReachSettings) -> tuple[Region, ...]:
    """Bins of the score, or of the mass in regions of the score, from the validation split.

    Args:
        validation: its events. test_events: effective background events of the whole test split, which only says how
            many there are for each of the validation split.
        settings: of the bins.

    Raises:
        InputError: the validation split has too little background for one bin, or for one in each region.
    """
    background = validation.background
    there = effective(validation.weight[background], validation.group[background])
    needed = needed_events(settings.min_effective_background, test_events / there if there > 0 else 0.0)
    if there < needed:
        raise InputError(
            f"{WHERE}: the validation split holds {there:.1f} effective background events, but one bin takes "
            f"{needed:.1f}, so that {settings.min_effective_background:g} are left in the test split; generate more "
            "events, or lower min_effective_background"
        )
    if settings.observable == "score":
        return (Region("score", "score", _joined_score_edges(validation, settings, needed)),)
    cuts = _efficiency_cuts(validation, ~background, settings.region_efficiencies)
    joined = join_bins(validation.score, validation, cuts, needed)
    if len(joined) < len(settings.region_efficiencies):
        raise InputError(
            f"{WHERE}: {len(settings.region_efficiencies) + 1} regions of the score were asked for, but with "
            f"{needed:.1f} effective background events of the validation split in each there are {len(joined) + 1}; "
            "choose larger or fewer region_efficiencies, or generate more events"
        )
    bounds = (None, *joined, None)
    return tuple(
        _mass_region(number, bounds[number], bounds[number + 1], validation, needed, settings.mass_width)
        for number in range(len(bounds) - 1)
    )


def needed_events(wanted: float, test_over_validation: float) -> float:
    """Effective events that a bin of the validation split must have.

    The n expected in the test split solve n - SIGMAS sqrt(n) = wanted; in the validation split it is at least wanted.
    """
    in_test = ((SIGMAS + np.sqrt(SIGMAS**2 + 4.0 * wanted)) / 2.0) ** 2
    return float(max(in_test / test_over_validation, wanted)) if test_over_validation > 0 else float("inf")


def join_bins(value: Floats, events: Selected, edges: Floats, needed: float) -> tuple[float, ...]:
    """Leave out edges, from the highest to the lowest, until each bin has enough effective background.

    Args:
        value: `(n,)` of all events. events: these. edges: increasing. needed: effective background events of a bin.
    """
    background = events.background
    value, weight, group = value[background], events.weight[background], events.group[background]
    kept: list[float] = []
    above = np.ones(len(value), dtype=bool)  # of the lowest edge that is kept: False
    for edge in edges[::-1]:
        inside = above & (value >= edge)
        if effective(weight[inside], group[inside]) >= needed:
            kept.append(float(edge))
            above &= value < edge
    while kept and effective(weight[value < kept[-1]], group[value < kept[-1]]) < needed:
        kept.pop()
    return tuple(kept[::-1])


def _joined_score_edges(events: Selected, settings: ReachSettings, needed: float) -> tuple[float, ...]:
    """By the signal's efficiencies; by the background's where hardly any background lies above all of those."""
    joined = join_bins(events.score, events, _score_edges(events, settings), needed)
    if joined:
        return joined
    return join_bins(events.score, events, _efficiency_cuts(events, events.background, _shares(settings)), needed)


def _shares(settings: ReachSettings) -> tuple[float, ...]:
    return tuple(np.arange(1, settings.bins) / settings.bins)


def _score_edges(events: Selected, settings: ReachSettings) -> Floats:
    if settings.spacing == "signal_efficiency":
        return _efficiency_cuts(events, ~events.background, _shares(settings))
    signal = events.score[~events.background]
    low, high = np.quantile(signal, (0.01, 0.99))
    return np.unique(np.linspace(low, high, settings.bins + 1)[1:-1])


def _efficiency_cuts(events: Selected, of: NDArray[np.bool_], efficiencies: tuple[float, ...]) -> Floats:
    """Scores above which these shares of some events lie, increasing; absolute weights, which always have quantiles.

    Args:
        of: `(n,)` the events that are shared out.
    """
    order = np.argsort(events.score[of])[::-1]
    share = np.cumsum(np.abs(events.weight[of][order]))
    last = np.searchsorted(share, np.asarray(efficiencies) * share[-1] * (1.0 - 1e-12))
    return np.unique(events.score[of][order][last])


def _mass_region(
    number: int, low: float | None, high: float | None, events: Selected, needed: float, width: float
) -> Region:
    """One region of the score with its bins of the mass; region 0 is the least signal-like."""
    assert events.mass is not None
    region = Region(f"region_{number}", "mass", (), low, high)
    inside = region.rows(events.score)
    first, last = np.floor(events.mass[inside].min() / width), np.ceil(events.mass[inside].max() / width)
    only = Selected(**{**vars(events), "weight": np.where(inside, events.weight, 0.0)})
    edges = join_bins(events.mass, only, width * np.arange(first + 1, last), needed)
    return Region(region.name, "mass", edges, low, high)
