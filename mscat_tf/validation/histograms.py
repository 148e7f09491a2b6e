"""Histograms per process that know how entries of one event hang together, filled block by block.

Constituents of one jet are not independent of each other. So besides the sums the matrix `sum over events of
w^2 n_i n_j` is kept, n_i the event's entries in bin i: the covariance of the sums, whose diagonal is the usual sum of
squared weights where each event has one entry.
"""

from dataclasses import dataclass

import hist
import numpy as np
from numpy.typing import NDArray

from mscat_tf.schema import CONSTITUENT_COLUMNS
from mscat_tf.validation.blocks import EventBlock
from mscat_tf.validation.quantities import Quantity

Floats = NDArray[np.float64]

IMAGE_EDGES = np.linspace(-1.0, 1.0, 41)


@dataclass
class Histogram:
    """One quantity of every process; the first and the last bin are underflow and overflow.

    Attributes:
        quantity: what is filled.
        events: `(processes,)` with an entry or without. entries: `(processes, bins + 2)` raw counts.
        sums: `(processes, bins + 2)` weighted. covariance: `(processes, bins + 2, bins + 2)` of `sums`.
    """

    quantity: Quantity
    events: NDArray[np.int64]
    entries: NDArray[np.int64]
    sums: Floats
    covariance: Floats

    @classmethod
    def empty(cls, quantity: Quantity, processes: int) -> "Histogram":
        """Nothing filled yet."""
        bins = len(quantity.edges) + 1
        shape = (processes, bins)
        return cls(
            quantity,
            np.zeros(processes, np.int64),
            np.zeros(shape, np.int64),
            np.zeros(shape),
            np.zeros((*shape, bins)),
        )

    def fill(self, block: EventBlock, use: NDArray[np.bool_]) -> None:
        """Add the events of a block where `use` `(n,)` is True."""
        values = self.quantity.values(block)
        bins = self.entries.shape[1]
        place = hist.axis.Variable(self.quantity.edges).index(values.ravel()) + 1
        event = np.repeat(np.arange(len(block)), values.shape[1])
        there = ~np.isnan(values.ravel())
        counts = np.bincount(event[there] * bins + place[there], minlength=len(block) * bins).reshape(-1, bins)
        weight = event_weight(block) if self.quantity.tagged else block.weight_column("generator")
        for process in np.unique(block["process"][use]):
            own = use & (block["process"] == process)
            weighted = weight[own, np.newaxis] * counts[own]
            self.events[process] += own.sum()
            self.entries[process] += counts[own].sum(axis=0)
            self.sums[process] += weighted.sum(axis=0)
            self.covariance[process] += np.einsum("ei,ej->ij", weighted, weighted)  # threads of BLAS cost more here

    def of(self, process: int) -> hist.Hist:
        """As an object of `hist`, with variances, underflow and overflow."""
        filled = hist.Hist(
            hist.axis.Variable(self.quantity.edges, name=self.quantity.name, label=self.quantity.symbol),
            storage=hist.storage.Weight(),
        )
        view = filled.view(flow=True)
        view.value, view.variance = self.sums[process], np.diag(self.covariance[process])
        return filled


def event_weight(block: EventBlock) -> Floats:
    """`(n,)` generator x tag."""
    weight: Floats = block.weight_column("generator") * block.weight_column("tag")
    return weight


@dataclass
class Images:
    """Mean transverse momentum per event in cells of the jet frame.

    Attributes:
        sums: `(processes, J, cells, cells)` weighted [GeV], eta first.
        weights, squares: `(processes,)` summed weights of events, and their squares.
    """

    sums: Floats
    weights: Floats
    squares: Floats

    @classmethod
    def empty(cls, processes: int, jets: int) -> "Images":
        """Nothing filled yet."""
        cells = len(IMAGE_EDGES) - 1
        return cls(np.zeros((processes, jets, cells, cells)), np.zeros(processes), np.zeros(processes))

    def fill(self, block: EventBlock, use: NDArray[np.bool_]) -> None:
        """Add the events of a block where `use` `(n,)` is True."""
        weight = event_weight(block)
        eta, phi, pt = (block["constituents"][..., CONSTITUENT_COLUMNS.index(name)] for name in ("eta", "phi", "pt"))
        for process in np.unique(block["process"][use]):
            own = use & (block["process"] == process)
            self.weights[process] += weight[own].sum()
            self.squares[process] += np.square(weight[own]).sum()
            for jet in range(pt.shape[1]):
                real = block["constituents_mask"][own, jet]
                heights = (weight[own, np.newaxis] * pt[own, jet])[real]
                cells = np.histogram2d(
                    eta[own, jet][real], phi[own, jet][real], bins=(IMAGE_EDGES, IMAGE_EDGES), weights=heights
                )[0]
                self.sums[process, jet] += cells

    def mean(self, process: int) -> Floats:
        """`(J, cells, cells)` [GeV]."""
        return np.asarray(self.sums[process] / (self.weights[process] or 1.0))


class Distributions:
    """Every distribution of one sample.

    Args:
        quantities: what to fill. processes, jets: how many.
    """

    def __init__(self, quantities: list[Quantity], processes: tuple[str, ...], jets: int) -> None:
        self.processes = processes
        self.histograms = {quantity.name: Histogram.empty(quantity, len(processes)) for quantity in quantities}
        self.images = Images.empty(len(processes), jets)
        self.events = np.zeros(len(processes), np.int64)
        self.left_out = 0

    def add(self, block: EventBlock) -> None:
        """Fill a block; events with a value that is not finite, or of an unknown process, are left out and counted."""
        use = _usable(block, len(self.processes))
        self.left_out += int((~use).sum())
        self.events += np.bincount(block["process"][use], minlength=len(self.processes))
        with np.errstate(all="ignore"):  # in the events that are left out
            for histogram in self.histograms.values():
                histogram.fill(block, use)
        self.images.fill(block, use)


def _usable(block: EventBlock, processes: int) -> NDArray[np.bool_]:
    process = block["process"]
    use = (process >= 0) & (process < processes)
    for name in ("constituents", "kinematics", "weights"):
        use &= np.isfinite(block[name]).reshape(len(block), -1).all(axis=1)
    return np.asarray(use)
