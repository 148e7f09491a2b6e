import re

import numpy as np
import pytest

from data_prep.cluster import fat_jet_pairs, track_jets
from data_prep.detector import Objects, detect
from data_prep.detector_card import load_card
from mscat_tf.physics import add_four_vectors, from_cartesian, to_cartesian
from tests import oracles


def as_objects(event, pt, eta, phi, mass):
    zero = np.zeros(len(pt), np.int64)
    return Objects(np.asarray(event), pt, eta, phi, mass, zero, zero)


def example_event(folder):
    """The event of FastJet-contrib's examples: 354 particles."""
    cylindrical = from_cartesian(*np.loadtxt(folder / "fjcontrib" / "single-event.dat").T)
    return as_objects(np.zeros(len(cylindrical.pt), np.int64), *cylindrical)


def printed_jets(path, word):
    """Jets that an example of FastJet-contrib printed: pt, m, y, phi of every line that begins with this word."""
    pattern = rf"^{word}\s+jet:\s+pt = (\S+) m = (\S+) y = (\S+) phi = (\S+)"
    return np.array(re.findall(pattern, path.read_text(), re.MULTILINE), float)


def as_printed(jets):
    """pt, m, y, phi of jets as those examples print them, phi in [0, 2 pi)."""
    momentum = to_cartesian(*jets)
    return np.stack([jets.pt, jets.mass, np.arctanh(momentum.pz / momentum.energy), jets.phi % (2 * np.pi)], axis=-1)


def assert_to_printed_digits(found, printed):
    """Six significant digits, of which the last is rounded."""
    found = np.vectorize(lambda value: float(f"{value:.6g}"))(found)
    np.testing.assert_allclose(found, printed, rtol=2e-6)


@pytest.mark.external
def test_jets_of_fjcontrib_to_printed_digits(reference_data):
    """All jets that the soft-drop example prints before grooming: anti-kT, R = 1.0."""
    printed = printed_jets(reference_data / "fjcontrib" / "RecursiveTools" / "example_softdrop.ref", "original")
    assert len(printed) == 3
    objects = example_event(reference_data)
    pairs = fat_jet_pairs(objects, 1, 1.0, 10.0)
    assert_to_printed_digits(as_printed(pairs.jets)[0], printed[:2])
    assert pairs.counts.tolist() == [[35, 47]]
    rest = objects.take(~np.isin(np.arange(354), pairs.constituents[:35]))
    assert_to_printed_digits(as_printed(fat_jet_pairs(rest, 1, 1.0, 10.0).jets)[0], printed[1:])


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
    objects = detect(signal_particles, load_card("atlas_like"), np.random.default_rng(1))
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
