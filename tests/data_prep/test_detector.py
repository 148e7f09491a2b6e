import numpy as np
import pytest

from data_prep.detector import Objects, charge_of, detect
from data_prep.detector_card import load_card
from data_prep.generator import Particles
from mscat_tf.constants import CHARGED_PION_MASS
from mscat_tf.physics import to_cartesian

PION, NEUTRINO, NEUTRON, PHOTON, ELECTRON, MUON = 211, 12, 2112, 22, 11, 13
ATLAS = load_card("atlas_like")


def shot(pdg_id, pt, eta, copies, mass=0.0, phi=0.3):
    """One event of `copies` equal particles each."""
    ones = np.ones(copies)
    momentum = to_cartesian(pt * ones, eta * ones, phi * ones, mass * ones)
    number = np.full(copies, pdg_id)
    return Particles(ones, np.arange(copies), number, np.abs(number) != NEUTRINO, *momentum)


def energy(objects: Objects):
    return to_cartesian(objects.pt, objects.eta, objects.phi, objects.mass).energy


def test_without_a_detector_every_visible_particle_comes_back(signal_particles):
    objects = detect(signal_particles, None, np.random.default_rng(1))
    p = signal_particles
    seen = p.visible & (np.abs(p.pz) < np.sinh(4.9) * np.hypot(p.px, p.py))
    assert len(objects.pt) == seen.sum()
    np.testing.assert_allclose(energy(objects), p.energy[seen], rtol=1e-6)
    np.testing.assert_array_equal(objects.event, p.event[seen])


@pytest.mark.parametrize(
    ("number", "pt", "eta", "efficiency"),
    [
        (PION, 5.0, 0.2, 0.95),
        (PION, 5.0, 2.0, 0.85),
        (PION, 0.7, 0.2, 0.70),
        (PION, 0.7, -2.0, 0.60),
        (PION, 0.15, 2.0, 0.60),
        (PION, 0.05, 2.0, 0.0),
        (PION, 50.0, 2.6, 0.0),
        (ELECTRON, 0.7, 2.0, 0.50),
        (ELECTRON, 150.0, 0.0, 0.99),
        (MUON, 5.0, -1.0, 0.99),
        (MUON, 0.7, 1.6, 0.70),
    ],
)
def test_tracks_are_found_at_their_efficiency(number, pt, eta, efficiency):
    """Numbers of the ATLAS card of Delphes 3."""
    trials = 10_000
    objects = detect(shot(number, pt, eta, trials, CHARGED_PION_MASS), ATLAS, np.random.default_rng(2))
    found = np.sum(objects.charge != 0) / trials
    assert abs(found - efficiency) <= 5 * np.sqrt(efficiency * (1 - efficiency) / trials)


def test_curling_tracks_are_found_as_geometry_says():
    """Throw the point where a curling track meets the end plate, and ask for |eta| < 2.5 there, times 0.60."""
    rng = np.random.default_rng(9)
    pt, turn = rng.uniform(0.2, 0.35, 200_000), rng.uniform(0.0, 2 * np.pi, 200_000)
    radius = 2 * pt / (0.3 * 2.0) * np.abs(np.sin(turn / 2))
    expected = 0.60 * np.mean(np.arcsinh(3.51 / radius) < 2.5)
    objects = detect(shot(PION, 0.25, 0.2, 10_000, CHARGED_PION_MASS), ATLAS, np.random.default_rng(2))
    assert np.sum(objects.charge != 0) / 10_000 == pytest.approx(expected, abs=0.02)


def test_momentum_resolution_is_that_of_the_species():
    """Muons, which no calorimeter corrects: 1 % (+) 1e-4 pT at |eta| < 0.5, 2.5 % (+) 3.5e-4 pT beyond 1.5."""
    for eta, expected in ((0.2, np.hypot(0.01, 0.01)), (2.0, np.hypot(0.025, 0.035))):
        pt = detect(shot(MUON, 100.0, eta, 20_000), ATLAS, np.random.default_rng(4)).pt / 100.0
        assert pt.mean() == pytest.approx(1.0, abs=5 * expected / np.sqrt(20_000))
        assert pt.std() == pytest.approx(expected, rel=0.03)


def test_soft_pions_keep_the_resolution_of_the_tracker_and_hard_ones_take_that_of_the_calorimeter():
    """6 % (+) 0.13 % pT; at 300 GeV 39 %, while the calorimeter measures E = 306 GeV to sqrt(9.2^2 + 9.1^2 + 1.6^2)."""
    soft = detect(shot(PION, 2.0, 0.2, 20_000, CHARGED_PION_MASS), ATLAS, np.random.default_rng(4))
    assert soft.pt[soft.charge != 0].std() / 2.0 == pytest.approx(0.06, rel=0.05)
    trials = 20_000
    hard = detect(shot(PION, 300.0, 0.2, trials, CHARGED_PION_MASS), ATLAS, np.random.default_rng(4))
    energies = np.bincount(hard.event, energy(hard), trials)
    expected = 1 / np.hypot(1 / 0.39, 306 / np.sqrt(9.24**2 + 9.10**2 + 1.59**2))
    matched = np.bincount(hard.event, minlength=trials) == 1
    assert energies[matched].std() / 306 == pytest.approx(expected, rel=0.1)


def test_a_lost_track_deposits_in_the_calorimeter():
    """Its energy comes back as a neutral cell, right on average."""
    trials = 20_000
    objects = detect(shot(PION, 50.0, 0.2, trials, CHARGED_PION_MASS), ATLAS, np.random.default_rng(3))
    tracked = np.isin(np.arange(trials), objects.event[objects.charge != 0])
    cells = objects.take(~tracked[objects.event])
    assert 0.04 * trials < np.sum(~tracked) < 0.06 * trials
    assert len(cells.pt) == np.sum(~tracked)
    assert energy(cells).mean() == pytest.approx(50.0 * np.cosh(0.2), rel=0.01)


@pytest.mark.parametrize(("number", "expected"), [(PHOTON, 0.101 / np.sqrt(100.0)), (NEUTRON, 0.0556)])
def test_calorimeter_resolution(number, expected):
    """Relative width at E = 100 GeV: a (+) b / sqrt(E) (+) c / E, for HCAL .0302 (+) .5205 / 10 (+) 1.59 / 100."""
    expected = np.hypot(expected, 0.0017) if number == PHOTON else np.sqrt(0.0302**2 + 0.05205**2 + 0.0159**2)
    objects = detect(shot(number, 100.0, 0.0, 20_000), ATLAS, np.random.default_rng(4))
    assert len(objects.pt) == 20_000
    response = energy(objects) / 100.0
    assert response.mean() == pytest.approx(1.0, abs=5 * expected / np.sqrt(20_000))
    assert response.std() == pytest.approx(expected, rel=0.03)


def test_particles_share_a_cell():
    """Two photons in one cell of one event are one object; in two events they are two."""
    one = shot(PHOTON, 20.0, 0.01, 2)
    together = Particles(
        one.weights, np.zeros(2, np.int64), one.pdg_id, one.visible, one.px, one.py, one.pz, one.energy
    )
    rng = np.random.default_rng(5)
    assert len(detect(together, ATLAS, rng).pt) == 1
    assert len(detect(one, ATLAS, rng).pt) == 2


@pytest.mark.parametrize("number", [NEUTRINO, MUON])
def test_neutrinos_and_lost_muons_leave_nothing(number):
    objects = detect(shot(number, 50.0, 3.0, 100), ATLAS, np.random.default_rng(6))
    assert len(objects.pt) == 0


def test_charges_are_those_of_pythia():
    from data_prep import extras

    data = extras.pythia8().Pythia("", False).particleData
    numbers = np.array([11, 13, 22, 130, 211, 321, 310, 2112, 2212, 3112, 3222, 3312, 3334, 3122])
    expected = [round(data.charge(int(number))) for number in numbers]
    assert charge_of(numbers).tolist() == expected
    assert charge_of(-numbers).tolist() == [-charge for charge in expected]


def test_the_same_seed_gives_the_same_objects_and_another_one_does_not(signal_particles):
    first, again, other = (detect(signal_particles, ATLAS, np.random.default_rng(s)) for s in (7, 7, 8))
    np.testing.assert_array_equal(first.pt, again.pt)
    assert len(first.pt) != len(other.pt) or np.any(first.pt != other.pt)
