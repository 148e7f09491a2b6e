"""Histograms of every process in every bin of the fit, with statistical errors and alternative shapes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from mscat_tf.errors import InputError
from mscat_tf.reach.binning import Region, group_sums
from mscat_tf.reach.events import WHERE, Selected

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Histogram:
    """Expected events `(bins,)` and their statistical variance from the simulation."""

    events: Floats
    variance: Floats


@dataclass(frozen=True)
class Channel:
    """One channel of the fit.

    Attributes:
        name: of it. signal: at a cross-section x BR of 1 fb. backgrounds: by process, at least one.
        shapes: by uncertainty and process (the signal included), expected events one standard deviation up and down.
        region: where its bins lie; None for histograms made elsewhere.
    """

    name: str
    signal: Histogram
    backgrounds: dict[str, Histogram]
    shapes: dict[str, dict[str, tuple[Floats, Floats]]] = field(default_factory=dict)
    region: Region | None = None

    @property
    def background(self) -> Histogram:
        """All backgrounds together."""
        parts = self.backgrounds.values()
        return Histogram(np.sum([p.events for p in parts], axis=0), np.sum([p.variance for p in parts], axis=0))

    @property
    def effective_background(self) -> Floats:
        """Effective background events of each bin, `(bins,)`."""
        total = self.background
        known = total.variance > 0
        return np.where(known, total.events**2 / np.where(known, total.variance, 1.0), 0.0)


@dataclass(frozen=True)
class Templates:
    """Everything that a fit needs.

    Attributes:
        channels: with different names. signal: name of the signal process.
        luminosity_fb: of all histograms [1/fb].
        normalisation: relative uncertainty of the rate, by process.
        monte_carlo_statistics: whether the background's variances are uncertainties of the fit.
    """

    channels: tuple[Channel, ...]
    signal: str
    luminosity_fb: float
    normalisation: dict[str, float]
    monte_carlo_statistics: bool = True


def fill(
    region: Region, test: Selected, signal: str, per_fb: float, shifted: Mapping[str, Sequence[Selected]]
) -> Channel:
    """Histograms of one region.

    Args:
        region: its bins. test: events. signal: name of the signal process. per_fb: factor that brings the signal's
            expected events to those at 1 fb. shifted: by uncertainty, events shifted up and, if known, down.
    """
    nominal = _histograms(region, test)
    shapes: dict[str, dict[str, tuple[Floats, Floats]]] = {}
    for name, (up, *down) in shifted.items():
        high = _histograms(region, up)
        low = _histograms(region, down[0]) if down else None
        shapes[name] = {}
        for process, histogram in nominal.items():
            scale = per_fb if process == signal else 1.0
            mirrored = np.maximum(2.0 * histogram.events - high[process].events, 0.0)
            other = low[process].events if low else mirrored
            shapes[name][process] = scale * high[process].events, scale * other
    one = nominal.pop(signal)
    return Channel(region.name, Histogram(one.events * per_fb, one.variance * per_fb**2), nominal, shapes, region)


def _histograms(region: Region, events: Selected) -> dict[str, Histogram]:
    value = events.score if region.observable == "score" else events.mass
    assert value is not None
    cells, inside = len(region.edges) + 1, region.rows(events.score)
    cell = np.searchsorted(region.edges, value, side="right")
    found = {}
    for index, name in enumerate(events.processes):
        rows = inside & (events.process == index)
        found[name] = Histogram(*group_sums(events.weight[rows], cell[rows], events.group[rows], cells))
    return found


def usable(channel: Channel, min_effective: float = 0.0) -> Channel:
    """The channel without bins in which nothing is expected, after a check of the others.

    Args:
        channel: any. min_effective: effective background events that each bin must have.

    Raises:
        InputError: a bin of a process is negative or not finite, has signal but no background, or too few effective
            background events.
    """
    for name, histogram in {"signal": channel.signal, **channel.backgrounds}.items():
        bad = np.flatnonzero(~(np.isfinite(histogram.events) & (histogram.events >= 0)))
        if len(bad):
            raise InputError(
                f"{WHERE}: process '{name}' has {histogram.events[bad[0]]:.4g} expected events in bin {bad[0]} of "
                f"channel '{channel.name}', but it must be at least 0; take wider bins, or more events"
            )
    background, effective = channel.background.events, channel.effective_background
    for number in np.flatnonzero((background == 0) & (channel.signal.events > 0)):
        raise InputError(
            f"{WHERE}: bin {number} of channel '{channel.name}' has signal but no background, so its significance has "
            "no bound; take wider bins, or more background events"
        )
    filled = background > 0
    for number in np.flatnonzero(filled & (effective < min_effective)):
        raise InputError(
            f"{WHERE}: bin {number} of channel '{channel.name}' has {effective[number]:.1f} effective background "
            f"events in the test split, but {min_effective:g} are wanted; take fewer bins, or more background events"
        )
    if filled.all():
        return channel
    return Channel(
        channel.name,
        _keep(channel.signal, filled),
        {name: _keep(histogram, filled) for name, histogram in channel.backgrounds.items()},
        {
            shape: {process: (up[filled], down[filled]) for process, (up, down) in processes.items()}
            for shape, processes in channel.shapes.items()
        },
        channel.region,
    )


def _keep(histogram: Histogram, bins: NDArray[np.bool_]) -> Histogram:
    return Histogram(histogram.events[bins], histogram.variance[bins])
