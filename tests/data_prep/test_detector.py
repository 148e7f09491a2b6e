import numpy as np
import pytest

from data_prep.detector import Objects, charge_of, detect
from data_prep.generator import Particles
from mscat_tf.constants import CHARGED_PION_MASS
from mscat_tf.physics import to_cartesian

PION, NEUTRINO, NEUTRON, PHOTON, MUON = 211, 12, 2112, 22, 13


def shot(pdg_id, pt, eta, copies, mass=0.0, phi=0.3):
    """One event of `copies` equal particles each."""
    ones = np.ones(copies)
    momentum = to_cartesian(pt * ones, eta * ones, phi * ones, mass * ones)
    number = np.full(copies, pdg_id)
    return Particles(ones, np.arange(copies), number, np.abs(number) != NEUTRINO, *momentum)


def energy(objects: Objects):
    return to_cartesian(objects.pt, objects.eta, objects.phi, objects.mass).energy


def test_without_a_detector_every_visible_particle_comes_back(signal_particles):
    objects = detect(signal_particles, "none", np.random.default_rng(1))
    p = signal_particles
    seen = p.visible & (np.abs(p.pz) < np.sinh(4.9) * np.hypot(p.px, p.py))
    assert len(objects.pt) == seen.sum()
    np.testing.assert_allclose(energy(objects), p.energy[seen], rtol=1e-6)
    np.testing.assert_array_equal(objects.event, p.event[seen])


@pytest.mark.parametrize(
    ("pt", "eta", "efficiency"), [(5.0, 0.2, 0.95), (5.0, 2.0, 0.85), (0.7, 0.2, 0.70), (0.7, -2.0, 0.60)]
)
def test_tracks_are_found_at_their_efficiency(pt, eta, efficiency):
    trials = 20_000
    objects = detect(shot(PION, pt, eta, trials, CHARGED_PION_MASS), "atlas_like", np.random.default_rng(2))
    found = np.sum(objects.charge != 0) / trials
    assert abs(found - efficiency) < 5 * np.sqrt(efficiency * (1 - efficiency) / trials)


def test_a_lost_track_deposits_in_the_calorimeter():
    """Its energy comes back as a neutral cell, right on average."""
    objects = detect(shot(PION, 50.0, 0.2, 20_000, CHARGED_PION_MASS), "atlas_like", np.random.default_rng(3))
    cells = objects.take(objects.charge == 0)
    lost = 20_000 - np.sum(objects.charge != 0)
    assert 0.04 * 20_000 < lost < 0.06 * 20_000
    assert len(cells.pt) == pytest.approx(lost, rel=0.01)
    true = 50.0 * np.cosh(0.2)
    assert energy(cells).mean() == pytest.approx(true, rel=0.02)


@pytest.mark.parametrize(("number", "expected"), [(PHOTON, 0.101 / np.sqrt(100.0)), (NEUTRON, 0.0556)])
def test_calorimeter_resolution(number, expected):
    """Relative width at E = 100 GeV: a (+) b / sqrt(E) (+) c / E, for HCAL .0302 (+) .5205 / 10 (+) 1.59 / 100."""
    expected = np.hypot(expected, 0.0017) if number == PHOTON else np.sqrt(0.0302**2 + 0.05205**2 + 0.0159**2)
    objects = detect(shot(number, 100.0, 0.0, 20_000), "atlas_like", np.random.default_rng(4))
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
    assert len(detect(together, "atlas_like", rng).pt) == 1
    assert len(detect(one, "atlas_like", rng).pt) == 2


@pytest.mark.parametrize("number", [NEUTRINO, MUON])
def test_neutrinos_and_lost_muons_leave_nothing(number):
    objects = detect(shot(number, 50.0, 3.0, 100), "atlas_like", np.random.default_rng(6))
    assert len(objects.pt) == 0


def test_charges_are_those_of_pythia():
    from data_prep import extras

    data = extras.pythia8().Pythia("", False).particleData
    numbers = np.array([11, 13, 22, 130, 211, 321, 310, 2112, 2212, 3112, 3222, 3312, 3334, 3122])
    expected = [round(data.charge(int(number))) for number in numbers]
    assert charge_of(numbers).tolist() == expected
    assert charge_of(-numbers).tolist() == [-charge for charge in expected]


def test_the_same_seed_gives_the_same_objects_and_another_one_does_not(signal_particles):
    first, again, other = (detect(signal_particles, "atlas_like", np.random.default_rng(s)) for s in (7, 7, 8))
    np.testing.assert_array_equal(first.pt, again.pt)
    assert len(first.pt) != len(other.pt) or np.any(first.pt != other.pt)
