"""Are two weighted distributions of the same shape? A chi-squared test that knows correlations within events.

Sums `S` with covariance `M` over `N` events (see `mscat_tf.validation.histograms`) become shapes `q = S / T`, `T` their
total. Were both samples drawn from one distribution, the covariance of an event's share, `C = N M / T^2`, would be the
same in both; so it is taken from both together, which matters where few effective events fill a bin and the errors of
one sample would follow its own fluctuations:

    C = (N_a C_a + N_b C_b) / (N_a + N_b),    V = (1/N_a + 1/N_b) J C J^T,    J = 1 - q 1^T,    q the pooled shape,
    chi2 = (q_a - q_b)^T V^-1 (q_a - q_b),    ndf = bins - 1,

one bin left out, since shapes add up to one. For one entry an event and equal weights this is Pearson's test of
homogeneity; for weighted histograms see Gagunashvili, arXiv:physics/0605123. Bins are merged with their neighbours
until each rests on `MIN_EFFECTIVE` effective events in the smaller sample; that too is decided on both together.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import special

from mscat_tf.validation.histograms import Distributions, Histogram

Floats = NDArray[np.float64]

MIN_EFFECTIVE = 5.0


@dataclass(frozen=True)
class Comparison:
    """One quantity of one process in two samples.

    Attributes:
        chi2, ndf: the statistic and its degrees of freedom. p: probability of at least so large a value by chance.
    """

    quantity: str
    process: str
    chi2: float
    ndf: int
    p: float


def compare(sample: Distributions, reference: Distributions) -> list[Comparison]:
    """Every quantity of every process that both hold (by name), least probable first."""
    found = []
    for name, own in sample.histograms.items():
        for index, process in enumerate(sample.processes):
            if process in reference.processes and name in reference.histograms:
                result = chi_squared(own, index, reference.histograms[name], reference.processes.index(process))
                if result is not None:
                    found.append(Comparison(name, process, *result))
    return sorted(found, key=lambda comparison: comparison.p)


def chi_squared(first: Histogram, process: int, second: Histogram, other: int) -> tuple[float, int, float] | None:
    """Statistic, degrees of freedom and p-value; None where fewer than two bins can be filled."""
    shapes, spreads = [], []
    events = np.array([first.events[process], second.events[other]], np.float64)
    for histogram, index, number in ((first, process, events[0]), (second, other, events[1])):
        total = histogram.sums[index].sum()
        if total <= 0.0:
            return None
        shapes.append(histogram.sums[index] / total)
        spreads.append(number * histogram.covariance[index] / total**2)
    pooled, spread = (np.tensordot(events / events.sum(), parts, axes=1) for parts in (shapes, spreads))
    merge = merging(pooled, spread / events.min())
    if len(merge) < 2:
        return None
    jacobian = (np.eye(len(merge)) - (merge @ pooled)[:, np.newaxis]) @ merge
    covariance = np.sum(1.0 / events) * jacobian @ spread @ jacobian.T
    difference = (merge @ (shapes[0] - shapes[1]))[:-1]
    chi2 = float(difference @ np.linalg.solve(covariance[:-1, :-1], difference))
    ndf = len(difference)
    return chi2, ndf, float(special.gammaincc(0.5 * ndf, 0.5 * chi2))


def merging(shape: Floats, covariance: Floats) -> Floats:
    """Matrix `(merged, bins)` of zeros and ones that adds neighbours until each has enough effective events.

    Never more merged bins than a fifth of the effective events: with fewer, a covariance could not be inverted.
    """
    wanted, most = MIN_EFFECTIVE, effective(shape, covariance) / MIN_EFFECTIVE
    while True:
        edges = _merged_edges(shape, covariance, wanted)
        if len(edges) - 1 <= max(most, 1.0):
            break
        wanted *= 1.25
    matrix = np.zeros((len(edges) - 1, len(shape)))
    for row, (low, high) in enumerate(pairwise(edges)):
        matrix[row, low:high] = 1.0
    return matrix


def _merged_edges(shape: Floats, covariance: Floats, wanted: float) -> list[int]:
    edges, last = [0], len(shape)
    for stop in range(1, last + 1):
        part = slice(edges[-1], stop)
        if effective(shape[part], covariance[part, part]) >= wanted:
            edges.append(stop)
    return [*edges[:-1], last] if len(edges) > 1 else [0, last]  # what is left over joins the last bin


def effective(sums: Floats, covariance: Floats) -> float:
    """Effective number of events in these bins together; 0 where the weights do not add up to something positive."""
    total, variance = sums.sum(), covariance.sum()
    return float(total**2 / variance) if total > 0.0 and variance > 0.0 else 0.0
