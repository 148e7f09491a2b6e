import numpy as np
import pytest

from data_prep.detector import Objects, detect
from data_prep.leptons import isolated_leptons, isolation, left_for_jets, momenta
from mscat_tf.config.sample import Leptons
from mscat_tf.physics import delta_r

ELECTRON, MUON, PION, PHOTON = 11, -13, 211, 22


def as_objects(rows):
    """From rows of event, PDG number, pt, eta, phi."""
    event, pdg_id, pt, eta, phi = np.array(rows, float).T
    return Objects(event.astype(int), pt, eta, phi, np.zeros(len(pt)), np.sign(pdg_id).astype(int), pdg_id.astype(int))


EVENTS = as_objects(
    [
        (0, ELECTRON, 30.0, 0.0, 3.1),
        (0, MUON, 50.0, 1.0, 0.0),
        (0, PION, 4.0, 1.2, 0.1),  # 8 % of the muon
        (0, PION, 200.0, 1.0, 0.4),  # beyond its cone
        (1, MUON, 50.0, 1.0, 0.0),
        (1, PHOTON, 6.0, 1.0, 0.2),  # 12 %
        (2, ELECTRON, 30.0, 0.0, 3.1),
        (2, PION, 10.0, 0.0, -3.1),  # 0.08 away, across the seam
        (4, ELECTRON, 20.0, 0.0, 0.0),  # too soft
        (4, MUON, 30.0, 2.6, 0.0),  # too far forward
        (4, PION, 500.0, 0.0, 2.0),
    ]
)


def test_which_leptons_are_isolated_by_hand():
    one = isolated_leptons(EVENTS, 5, Leptons(number=1))
    assert one.tolist() == [[1], [-1], [-1], [-1], [-1]]
    two = isolated_leptons(EVENTS, 5, Leptons(number=2))
    assert two.tolist() == [[1, 0], [-1, -1], [-1, -1], [-1, -1], [-1, -1]]
    loose = isolated_leptons(EVENTS, 5, Leptons(number=1, isolation_max=0.13, pt_min=10.0, abs_eta_max=3.0))
    assert loose.tolist() == [[1], [4], [-1], [-1], [9]]
    np.testing.assert_allclose(isolation(EVENTS, 5, np.array([1, 4, 6]), 0.3), [0.08, 0.12, 1.0 / 3.0])


def test_jets_are_made_of_what_is_left():
    """The leptons that are used, and events without enough of them, take no part."""
    chosen = isolated_leptons(EVENTS, 5, Leptons(number=1))
    assert left_for_jets(EVENTS, chosen).tolist() == [0, 2, 3]
    assert momenta(EVENTS, chosen[:1]).pt.tolist() == [[50.0]]
    none = isolated_leptons(EVENTS, 5, Leptons())
    assert none.shape == (5, 0)
    assert left_for_jets(EVENTS, none).tolist() == list(range(len(EVENTS.pt)))
    assert momenta(EVENTS, none) is None


def test_isolation_is_that_of_a_loop(signal_particles):
    objects = detect(signal_particles, None, np.random.default_rng(1))
    candidates = np.flatnonzero(np.isin(np.abs(objects.pdg_id), (11, 13)) & (objects.pt > 5.0))
    assert len(candidates) > 20
    found = isolation(objects, 100, candidates, 0.4)
    for value, own in zip(found, candidates, strict=True):
        near = delta_r(objects.eta, objects.phi, objects.eta[own], objects.phi[own]) < 0.4
        near &= objects.event == objects.event[own]
        near[own] = False
        assert value == pytest.approx(objects.pt[near].sum() / objects.pt[own])
