"""Energy in the cells of a calorimeter, and the tracks that point to it: the energy flow of Delphes 3.

Every particle deposits in its cell; the sum is measured. What a cell holds beyond its tracks becomes a neutral object
where it is significant; elsewhere the tracks are scaled to the weighted mean of both measurements
(Delphes 3, arXiv:1307.6346, section 3.3, and its module SimpleCalorimeter). Units: GeV, radians.
"""

from typing import NamedTuple

import numpy as np

from data_prep.arrays import Ints, offsets_of
from data_prep.detector_card import Calorimeter, region_of
from mscat_tf.physics.four_vectors import Floats


class Hits(NamedTuple):
    """What reaches a calorimeter, flat.

    Attributes:
        event: `(hits,)` index of the event.
        eta, phi: `(hits,)` where.
        energy: `(hits,)` left in this calorimeter [GeV]; hits without energy are ignored.
        error: `(hits,)` of the energy where a track measured it, else 0 [GeV].
    """

    event: Ints
    eta: Floats
    phi: Floats
    energy: Floats
    error: Floats


class Flow(NamedTuple):
    """Result for one calorimeter.

    Attributes:
        event, eta, phi, energy: `(neutrals,)` the neutral objects, each drawn evenly within its cell.
        scale: `(tracks,)` factor on the momentum of each track.
    """

    event: Ints
    eta: Floats
    phi: Floats
    energy: Floats
    scale: Floats


class Grid:
    """The cells of a calorimeter, numbered through over all events.

    Attributes:
        edges: `(rows + 1,)` of the rows in eta, from negative to positive.
        around: `(rows,)` cells around the beam in each row.
    """

    def __init__(self, calorimeter: Calorimeter) -> None:
        edges, around, inner = [np.zeros(1)], [], 0.0
        for region in calorimeter.cells:
            count = round((region.abs_eta_below - inner) / region.eta_width)
            edges.append(np.linspace(inner, region.abs_eta_below, count + 1)[1:])
            around += [region.phi_cells] * count
            inner = region.abs_eta_below
        half = np.concatenate(edges)
        self.edges = np.concatenate([-half[:0:-1], half])
        self.around = np.array(around[::-1] + around)
        self._starts = offsets_of(self.around)

    def cell(self, event: Ints, eta: Floats, phi: Floats) -> Ints:
        """Number of the cell that each direction is in; -1 outside of the calorimeter."""
        row = np.searchsorted(self.edges, eta, side="right") - 1
        inside = (row >= 0) & (row < len(self.around))
        row = np.where(inside, row, 0)
        column = np.floor((phi + np.pi) / (2.0 * np.pi) * self.around[row]).astype(np.int64) % self.around[row]
        return np.where(inside, event * self._starts[-1] + self._starts[row] + column, -1)

    def place(self, cell: Ints) -> tuple[Ints, Ints, Ints]:
        """Event, row in eta and column in phi of a cell."""
        event, within = np.divmod(cell, self._starts[-1])
        row = np.searchsorted(self._starts, within, side="right") - 1
        return event, row, within - self._starts[row]


def energy_flow(deposits: Hits, tracks: Hits, calorimeter: Calorimeter, rng: np.random.Generator) -> Flow:
    """Neutral objects of one calorimeter, and what it does to the tracks.

    Args:
        deposits: of all particles, those with a track included.
        tracks: the measured tracks, at the same places as their deposits.
        calorimeter: from a card.
        rng: every random number comes from here.
    """
    grid = Grid(calorimeter)
    number, place = _cells_hit(grid, deposits, tracks)
    of_deposits, of_tracks = place[: len(deposits.event)], place[len(deposits.event) :]
    event, row, column = grid.place(number)
    abs_eta = np.abs(grid.edges[row] + grid.edges[row + 1]) / 2.0
    true = _summed(deposits.energy, of_deposits, len(number))
    tracked = _summed(tracks.energy, of_tracks, len(number))
    variance = _summed(tracks.error**2, of_tracks, len(number))
    measured = log_normal(true, _width(true, abs_eta, calorimeter), rng)
    sigma = _width(measured, abs_eta, calorimeter)
    measured[(measured < calorimeter.energy_min) | (measured < calorimeter.significance_min * sigma)] = 0.0
    excess = np.maximum(measured - tracked, 0.0)
    neutral = excess > np.maximum(calorimeter.energy_min, calorimeter.significance_min * np.sqrt(variance + sigma**2))
    eta = grid.edges[row] + rng.random(len(number)) * (grid.edges[row + 1] - grid.edges[row])
    phi = (column + rng.random(len(number))) * (2.0 * np.pi / grid.around[row]) - np.pi
    scale = np.where(neutral, 1.0, _best_estimate(tracked, variance, measured, sigma**2))
    of_each = np.concatenate([scale, np.ones(1)])[of_tracks]
    return Flow(event[neutral], eta[neutral], phi[neutral], excess[neutral], of_each)


def log_normal(mean: Floats, width: Floats, rng: np.random.Generator) -> Floats:
    """Positive values of this mean and width, in which Delphes smears every energy and momentum; 0 where mean is 0."""
    relative = np.divide(width, mean, out=np.zeros_like(mean), where=mean > 0.0)
    exponent = np.sqrt(np.log1p(relative**2))
    return np.asarray(mean * np.exp(exponent * rng.standard_normal(len(mean)) - exponent**2 / 2.0))


def _cells_hit(grid: Grid, deposits: Hits, tracks: Hits) -> tuple[Ints, Ints]:
    """The cells that were hit, and which of them each deposit and track is in: their number where in none."""
    event, eta, phi, energy = (
        np.concatenate([getattr(hits, name) for hits in (deposits, tracks)])
        for name in ("event", "eta", "phi", "energy")
    )
    cell = np.where(energy > 0.0, grid.cell(event, eta, phi), -1)
    number, place = np.unique(cell[cell >= 0], return_inverse=True)
    every = np.full(len(cell), len(number))
    every[cell >= 0] = place
    return number, every


def _summed(values: Floats, place: Ints, cells: int) -> Floats:
    return np.bincount(place, values, cells + 1).astype(np.float64)[:cells]


def _width(energy: Floats, abs_eta: Floats, calorimeter: Calorimeter) -> Floats:
    """Width of the energy of cells centred at these |eta|."""
    regions = calorimeter.resolution
    terms = np.array([(region.constant, region.stochastic, region.noise) for region in regions])
    constant, stochastic, noise = terms[region_of(regions, abs_eta)].T
    return np.asarray(np.sqrt((constant * energy) ** 2 + stochastic**2 * energy + noise**2))


def _best_estimate(tracked: Floats, track_variance: Floats, measured: Floats, variance: Floats) -> Floats:
    """Mean of both measurements, weighted with their inverse variances, relative to the tracks' energy."""
    total = track_variance + variance
    estimate = np.divide(tracked * variance + measured * track_variance, total, out=tracked.copy(), where=total > 0.0)
    return np.divide(estimate, tracked, out=np.ones_like(tracked), where=tracked > 0.0)
