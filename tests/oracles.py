"""Slow and obvious versions of what the package computes fast: loops, enumerations, other formulas."""

import itertools
import math

import numpy as np


def jet_frame(pt, eta, phi, energy, keep):
    """The jet frame of one jet without padding, by eigenvectors: constituents `(keep, 4)` and theta."""
    pt, eta, phi, energy = (np.asarray(x, float) for x in (pt, eta, phi, energy))
    mean_direction = math.atan2(sum(pt * np.sin(phi)), sum(pt * np.cos(phi)))
    phi = np.array([math.remainder(p - mean_direction, 2 * math.pi) for p in phi])
    points = np.stack([eta, phi], axis=1)
    points = points - sum(w * x for w, x in zip(pt, points, strict=True)) / sum(pt)
    covariance = sum(w * np.outer(x, x) for w, x in zip(pt, points, strict=True))
    axis = np.linalg.eigh(covariance)[1][:, 1]
    theta = math.atan(axis[1] / axis[0])
    turn = np.array([[math.cos(theta), math.sin(theta)], [-math.sin(theta), math.cos(theta)]])
    points = points @ turn.T
    if sum(energy[points[:, 0] < 0]) > sum(energy[points[:, 0] > 0]):
        points[:, 0] *= -1
    frame = np.zeros((keep, 4))
    for row, i in enumerate(sorted(range(len(pt)), key=lambda i: -pt[i])[:keep]):
        frame[row] = (*points[i], pt[i], math.log(pt[i]))
    return frame, theta


def tag_probability(rates_of_fat_jets, needed):
    """Probability of at least `needed` tags in each fat jet, by summing over every outcome of every track jet."""
    product = 1.0
    for rates in rates_of_fat_jets:
        enough = 0.0
        for outcome in itertools.product((0, 1), repeat=len(rates)):
            if sum(outcome) >= needed:
                enough += math.prod(r if tag else 1.0 - r for r, tag in zip(rates, outcome, strict=True))
        product *= enough
    return product


def anti_kt(px, py, pz, energy, radius):
    """Sets of indices of the jets of one event, by the definition of arXiv:0802.1189 (beam distance pt^-2)."""
    particles = [(np.array(p, float), {i}) for i, p in enumerate(zip(px, py, pz, energy, strict=True))]
    jets = []
    while particles:
        closest, pair = math.inf, None
        for i, (a, _) in enumerate(particles):
            if _kt2(a) ** -1 < closest:
                closest, pair = _kt2(a) ** -1, (i, None)
            for j in range(i):
                b = particles[j][0]
                d_phi = math.remainder(math.atan2(a[1], a[0]) - math.atan2(b[1], b[0]), 2 * math.pi)
                distance = min(_kt2(a) ** -1, _kt2(b) ** -1) * ((_rapidity(a) - _rapidity(b)) ** 2 + d_phi**2)
                if distance / radius**2 < closest:
                    closest, pair = distance / radius**2, (i, j)
        i, j = pair
        a, members = particles.pop(i)
        if j is None:
            jets.append(members)
        else:
            b, others = particles.pop(j)
            particles.append((a + b, members | others))
    return jets


def _kt2(p):
    return p[0] ** 2 + p[1] ** 2


def _rapidity(p):
    return 0.5 * math.log((p[3] + p[2]) / (p[3] - p[2]))
