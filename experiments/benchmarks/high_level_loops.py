"""The obvious way to the high-level variables: one jet, one pair of constituents after another. Oracles, yardsticks.

A jet is a list of constituents, a constituent a tuple of its transverse momentum [GeV], rapidity and azimuth.
"""

import math
from bisect import bisect_right
from collections.abc import Sequence

Particle = tuple[float, float, float]
Jet = Sequence[Particle]


def apart(first: Particle, second: Particle) -> float:
    """Distance of two constituents, the azimuth wrapped."""
    return math.hypot(first[1] - second[1], math.remainder(first[2] - second[2], math.tau))


def correlation_spectrum(
    jet: Jet, subsets: Sequence[tuple[set[int], set[int]]], bin_width: float, bins: int
) -> list[list[float]]:
    """`subsets x bins`; subsets are pairs of sets of the constituents' numbers."""
    spectra = [[0.0] * bins for _ in subsets]
    for i, first in enumerate(jet):
        for j, second in enumerate(jet):
            place = min(int(apart(first, second) / bin_width), bins - 1)
            for spectrum, (a, b) in zip(spectra, subsets, strict=True):
                if i in a and j in b:
                    spectrum[place] += first[0] * second[0]
    return spectra


def constituent_spectrum(
    jet: Jet, subsets: Sequence[set[int]], edges: Sequence[float]
) -> tuple[list[list[float]], list[list[float]]]:
    """Number of constituents and sum of their transverse momenta in each bin, `subsets x bins`."""
    counts, sums = ([[0.0] * (len(edges) + 1) for _ in subsets] for _ in range(2))
    for i, (pt, _, _) in enumerate(jet):
        place = bisect_right(edges, pt)
        for number, subset in enumerate(subsets):
            if i in subset:
                counts[number][place] += 1.0
                sums[number][place] += pt
    return counts, sums


def energy_correlations(jet: Jet) -> tuple[float, float]:
    """e2 and e3 for beta = 1, over pairs and triplets."""
    total, e2, e3 = sum(pt for pt, _, _ in jet), 0.0, 0.0
    for i, first in enumerate(jet):
        for j in range(i):
            second = jet[j]
            pair = first[0] * second[0] * apart(first, second)
            e2 += pair / total**2
            for third in jet[:j]:
                e3 += pair * third[0] * apart(first, third) * apart(second, third) / total**3
    return e2, e3
