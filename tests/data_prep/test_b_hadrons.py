"""Directions of b hadrons in fat jets against a loop over events."""

import numpy as np
import pytest

from data_prep.b_hadrons import b_hadrons_in_jets
from data_prep.cluster import FatJetPairs
from data_prep.generator import Particles
from mscat_tf.physics.four_vectors import Cylindrical, delta_r, to_cartesian

EVENTS, SELECTED, RADIUS, LEAST = 8, np.array([1, 2, 5, 7]), 1.0, 5.0


@pytest.fixture
def made():
    """Forty particles of each of eight events, half of them b hadrons; four events have two jets near the equator."""
    rng = np.random.default_rng(0)
    event = np.repeat(np.arange(EVENTS), 40)
    size = len(event)
    pt, eta, phi = rng.exponential(20, size), rng.normal(0, 1, size), rng.uniform(-np.pi, np.pi, size)
    momentum = to_cartesian(pt, eta, phi, np.full(size, 5.28))
    pdg_id = rng.choice([511, -521, 5122, 211, 411, 513], size)  # 513 decays strongly: no hadron of its own
    visible = rng.random(size) < 0.1
    particles = Particles(np.ones(EVENTS), event, pdg_id, visible, *momentum)
    axes = np.stack([rng.uniform(-np.pi, np.pi, len(SELECTED)) + shift for shift in (0, 2.5)], axis=1)
    jets = Cylindrical(np.ones((4, 2)), rng.normal(0, 0.3, (4, 2)), np.pi - np.mod(np.pi - axes, 2 * np.pi), axes)
    return particles, FatJetPairs(SELECTED, jets, np.zeros(0, int), np.zeros((4, 2), int)), (pt, eta, phi)


def test_the_two_hardest_of_each_jet(made):
    particles, pairs, (pt, eta, phi) = made
    found = b_hadrons_in_jets(particles, pairs, RADIUS, LEAST)
    assert found.shape == (4, 2, 4)
    known = 0
    for row, event in enumerate(SELECTED):
        own = (particles.event == event) & np.isin(np.abs(particles.pdg_id), (511, 521, 5122)) & ~particles.visible
        members = [[], []]
        for i in np.flatnonzero(own & (pt > LEAST)):
            away = delta_r(eta[i], phi[i], pairs.jets.eta[row], pairs.jets.phi[row])
            if away.min() < RADIUS:
                members[int(away.argmin())].append((-pt[i], eta[i], phi[i]))
        for jet in range(2):
            wanted = np.full(4, np.nan)
            for place, (_, at_eta, at_phi) in enumerate(sorted(members[jet])[:2]):
                wanted[2 * place : 2 * place + 2] = at_eta, at_phi
                known += 1
            np.testing.assert_allclose(found[row, jet], wanted, atol=1e-6)
    assert known > 8


def test_no_hadrons_or_no_events(made):
    particles, pairs, _ = made
    assert np.isnan(b_hadrons_in_jets(particles, pairs, RADIUS, 1e6)).all()
    none = FatJetPairs(np.zeros(0, int), Cylindrical(*np.zeros((4, 0, 2))), np.zeros(0, int), np.zeros((0, 2), int))
    assert b_hadrons_in_jets(particles, none, RADIUS, LEAST).shape == (0, 2, 4)
