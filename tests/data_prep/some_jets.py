"""Jets to recluster, and FastJet's own record of how it joined one of them."""

import importlib

import numpy as np

from data_prep import extras
from data_prep.recluster import cambridge_aachen, winner_take_all_kt
from mscat_tf.physics import to_cartesian


def some_jets(counts, seed=1, masses=(0.0, 0.14)):
    """pt, eta, phi, mass `(total,)` of jets of these sizes, about phi = pi."""
    rng = np.random.default_rng(seed)
    jet = np.repeat(np.arange(len(counts)), counts)
    pt = rng.exponential(20.0, len(jet)) + 0.5
    eta = rng.uniform(-2.0, 2.0, len(counts))[jet] + rng.normal(0.0, 0.3, len(jet))
    phi = np.remainder(rng.uniform(-0.3, 0.3, len(counts))[jet] + rng.normal(0.0, 0.3, len(jet)), 2 * np.pi) - np.pi
    return pt, eta, phi, rng.choice(masses, len(jet))


def trees_of(columns, counts, algorithm="cambridge"):
    cluster = {"cambridge": cambridge_aachen, "kt": winner_take_all_kt}[algorithm]
    return cluster(to_cartesian(*columns), np.asarray(counts))


def momenta_of(columns, counts):
    """`(constituents, 4)` of each jet."""
    return np.split(np.stack(to_cartesian(*columns), axis=-1), np.cumsum(counts)[:-1])


def cluster_one(momenta, algorithm="cambridge", radius=None):
    """FastJet's plain interface for one jet: its cluster sequence, which must outlive its jets.

    With a radius, four-momenta are added, and constituents know their number.
    """
    extras.fastjet()
    single = importlib.import_module("fastjet._swig")
    scheme = {"cambridge": single.E_scheme, "kt": single.WTA_pt_scheme}[algorithm]
    definition = single.JetDefinition(getattr(single, f"{algorithm}_algorithm"), radius or 1000.0, scheme)
    if radius:
        definition = single.JetDefinition(getattr(single, f"{algorithm}_algorithm"), radius)
    particles = [single.PseudoJet(*map(float, p)) for p in momenta]
    for number, particle in enumerate(particles):
        particle.set_user_index(number)
    return single.ClusterSequence(particles, definition)


def declustered(piece):
    """The harder and the softer piece that one was made of, or None for a constituent."""
    single = importlib.import_module("fastjet._swig")
    harder, softer = single.PseudoJet(), single.PseudoJet()
    return (harder, softer) if piece.has_parents(harder, softer) else None
