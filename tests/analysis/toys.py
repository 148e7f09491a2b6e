"""Toy events with fat jets: sprays of photons and tracks around random axes."""

import awkward as ak
import numpy as np

from mscat_tf.physics import wrap_phi
from tests.data_prep.importers.delphes_files import event

PION, PION_MASS = 211, 0.13957


def spray(rng, size):
    """Momenta `(size, 3)` within a fat jet: pt, eta, phi; about 600 GeV and some 100 GeV of mass together."""
    eta, phi = rng.uniform(-1.5, 1.5), rng.uniform(-np.pi, np.pi)
    axes = np.array([[0.0, 0.0], rng.uniform(0.2, 0.5, 2) * rng.choice([-1, 1], 2)])[rng.integers(0, 2, size)]
    share = rng.dirichlet(np.full(size, 0.7)) * rng.uniform(450.0, 800.0)
    x, y = (axes + rng.normal(0.0, 0.05, (size, 2))).T
    return np.stack([share + 0.6, eta + x, wrap_phi(phi + y)], axis=1)


def toy_events(number, rng):
    """Of `tests.data_prep.importers.delphes_files`: none to three sprays each, half of the particles with a track."""
    events = []
    for index in range(number):
        rows = np.concatenate([np.zeros((0, 3)), *(spray(rng, rng.integers(4, 30)) for _ in range(index % 4))])
        tracks = [(*row, PION_MASS, 1, PION) for row in rows[::2].tolist()]
        events.append(event(photons=rows[1::2].tolist(), neutral_hadrons=[(0.7, 2.0, 1.0)], tracks=tracks))
    return events


def toy_jets(jets_of_events, rng, names=("pt", "eta", "phi", "mass")):
    """Awkward jets with `constituents`, as many in each event as said; at least one, so that the type is known."""

    def jet():
        rows = spray(rng, rng.integers(3, 14)).tolist()
        return {"constituents": [dict(zip(names, (*row, PION_MASS), strict=True)) for row in rows]}

    assert any(jets_of_events)
    return ak.Array([[jet() for _ in range(count)] for count in jets_of_events])
