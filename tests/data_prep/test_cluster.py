import numpy as np
import pytest

from data_prep.cluster import fat_jet_pairs, track_jets
from data_prep.detector import Objects, detect
from mscat_tf.physics import add_four_vectors, from_cartesian
from tests import oracles


def as_objects(event, pt, eta, phi, mass):
    zero = np.zeros(len(pt), np.int64)
    return Objects(np.asarray(event), pt, eta, phi, mass, zero, zero)


@pytest.mark.external
def test_recorded_jets_of_fjcontrib(reference_data):
    """Leading jets of the example event of FastJet-contrib, R = 1.0 (recorded in data/README.md)."""
    cylindrical = from_cartesian(*np.loadtxt(reference_data / "fjcontrib" / "single-event.dat").T)
    objects = as_objects(np.zeros(len(cylindrical.pt), np.int64), *cylindrical)
    pairs = fat_jet_pairs(objects, 1, 1.0, 100.0)
    np.testing.assert_allclose(pairs.jets.pt[0], [983.3873, 908.0979], atol=2e-3)
    np.testing.assert_allclose(pairs.jets.mass[0], [39.9912, 87.7124], atol=2e-3)
    assert pairs.counts.tolist() == [[35, 47]]


def test_jets_are_those_of_the_definition():
    """Against the O(N^3) loop of the paper's definition, for events of different sizes."""
    rng = np.random.default_rng(1)
    sizes = np.array([9, 0, 12, 15])
    event = np.repeat(np.arange(4), sizes)
    pt, eta, phi = (
        rng.uniform(1, 100, sizes.sum()),
        rng.uniform(-2, 2, sizes.sum()),
        rng.uniform(-3.1, 3.1, sizes.sum()),
    )
    objects = as_objects(event, pt, eta, phi, np.full(sizes.sum(), 0.1))
    pairs = fat_jet_pairs(objects, 4, 1.0, 5.0)
    assert pairs.event.tolist() == [0, 2, 3]
    ends = np.cumsum(pairs.counts.ravel())
    found = np.split(pairs.constituents, ends[:-1])
    for row, e in enumerate(pairs.event):
        first = np.flatnonzero(event == e)[0]
        inside = event == e
        momentum = (pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta), np.sqrt((pt * np.cosh(eta)) ** 2 + 0.01))
        jets = oracles.anti_kt(*(component[inside] for component in momentum), 1.0)
        hardness = [add_four_vectors(*(x[inside][sorted(j)] for x in (pt, eta, phi, objects.mass))).pt for j in jets]
        for rank, jet in enumerate(np.argsort(hardness)[::-1][:2]):
            members = found[2 * row + rank]
            assert set(members - first) == jets[jet]
            assert np.all(np.diff(pt[members]) < 0), "hardest first"


def test_jets_are_the_sums_of_their_constituents(signal_particles):
    objects = detect(signal_particles, "atlas_like", np.random.default_rng(1))
    pairs = fat_jet_pairs(objects, 100, 1.0, 200.0)
    assert len(pairs.event) > 50
    members = np.split(pairs.constituents, np.cumsum(pairs.counts.ravel())[:-1])
    for jet, indices in enumerate(members):
        part = objects.take(indices)
        assert np.all(part.event == pairs.event[jet // 2])
        total = add_four_vectors(part.pt, part.eta, part.phi, part.mass)
        for name in ("pt", "eta", "phi", "mass"):
            np.testing.assert_allclose(
                getattr(pairs.jets, name).ravel()[jet], getattr(total, name), rtol=1e-5, atol=1e-5
            )
    assert np.all(pairs.jets.pt[:, 0] >= pairs.jets.pt[:, 1])


def test_track_jets_stay_in_their_events():
    objects = as_objects(
        [0, 0, 2], np.array([30.0, 40.0, 50.0]), np.array([0.0, 2.0, -1.0]), np.array([3.1, 0.0, 1.0]), np.zeros(3)
    )
    jets = track_jets(objects, 3, 0.2, 10.0)
    assert jets.event.tolist() == [0, 0, 2]
    assert sorted(jets.eta.round(6)) == [-1.0, 0.0, 2.0]


def test_no_event_with_two_jets_is_no_error():
    pairs = fat_jet_pairs(as_objects([1], np.array([300.0]), np.zeros(1), np.zeros(1), np.zeros(1)), 3, 1.0, 200.0)
    assert pairs.event.shape == (0,)
    assert pairs.jets.pt.shape == (0, 2)
    assert pairs.counts.shape == (0, 2)
