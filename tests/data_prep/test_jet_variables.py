"""Named jet variables against FastJet-contrib, printed and run, and against jets worked out by hand."""

import math

import awkward as ak
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_prep import extras, jet_variables
from data_prep.cluster import as_momenta, fat_jet_pairs
from data_prep.high_level import soft_drop
from data_prep.jet_variables import jet_arrays
from mscat_tf import schema
from mscat_tf.config.sample import Tokens
from mscat_tf.errors import InputError
from mscat_tf.physics.high_level_columns import STANDARD
from tests.data_prep.some_jets import some_jets, trees_of
from tests.data_prep.test_cluster import as_objects, example_event

COUNTS = np.array([[5, 30], [12, 60], [8, 6]])


def named(columns, counts):
    """High-level variables by name, `(jets,)` each."""
    values = jet_arrays(*columns, np.asarray(counts)[np.newaxis], Tokens(high_level=True))["high_level"]
    return dict(zip(STANDARD, values[0].T, strict=True))


@pytest.fixture(scope="module")
def columns():
    return some_jets(COUNTS.ravel())


def sequence_of(columns, counts):
    fastjet = extras.fastjet()
    objects = as_objects(np.repeat(np.arange(len(counts)), counts), *columns)
    definition = fastjet.JetDefinition(fastjet.cambridge_algorithm, 1000.0)
    return fastjet.ClusterSequence(as_momenta(objects, counts), definition)


def test_arrays_are_those_of_the_schema_and_only_what_is_asked_for(columns):
    assert jet_arrays(*columns, COUNTS, Tokens()) == {}
    lund = jet_arrays(*columns, COUNTS, Tokens(declusterings=7))
    assert {name: values.shape for name, values in lund.items()} == {
        "lund/declusterings": (3, 2, 7, 5),
        "lund/mask": (3, 2, 7),
        "lund/parent": (3, 2, 7),
    }
    both = jet_arrays(*columns, COUNTS, Tokens(declusterings=7, high_level=True))
    assert both["high_level"].shape == (3, 2, 12)
    for name, values in both.items():
        assert values.dtype == schema.DATA_SETS[name].dtype
        assert name == "high_level" or np.array_equal(values, lund[name])


def test_jets_do_not_know_of_each_other(columns, monkeypatch):
    """One chunk, chunks of four jets, and each jet alone."""
    settings = Tokens(declusterings=7, high_level=True)
    whole = jet_arrays(*columns, COUNTS, settings)
    monkeypatch.setattr(jet_variables, "JETS_AT_ONCE", 4)
    parts = jet_arrays(*columns, COUNTS, settings)
    ends = np.cumsum(COUNTS.ravel())
    for jet, (count, end) in enumerate(zip(COUNTS.ravel(), ends, strict=True)):
        alone = jet_arrays(*(values[end - count : end] for values in columns), np.array([[count]]), settings)
        for name, values in alone.items():
            np.testing.assert_allclose(values[0, 0], whole[name][jet // 2, jet % 2], rtol=1e-6)
    for name, values in parts.items():
        np.testing.assert_allclose(values, whole[name], rtol=1e-6)


def test_no_event_gives_empty_arrays():
    arrays = jet_arrays(*np.zeros((4, 0)), np.zeros((0, 2), int), Tokens(declusterings=7, high_level=True))
    assert arrays["lund/declusterings"].shape == (0, 2, 7, 5)
    assert arrays["high_level"].shape == (0, 2, 12)


def test_a_jet_without_constituents_is_refused():
    with pytest.raises(InputError, match="event 0: jet 2 has no constituents"):
        jet_arrays(*some_jets([2, 0]), np.array([[2, 0]]), Tokens(high_level=True))


@pytest.mark.external
def test_values_that_fjcontrib_prints(reference_data):
    """Its examples of N-subjettiness (normalised, WTA kT axes), energy correlators and the modified mass drop."""
    objects = example_event(reference_data)
    pairs = fat_jet_pairs(objects, 1, 1.0, 10.0)
    members = objects.take(pairs.constituents)
    found = named((members.pt, members.eta, members.phi, members.mass), pairs.counts.ravel())
    assert found["multiplicity"].tolist() == [35, 47]
    printed = {
        "tau_21": 0.773844,
        "tau_32": 0.728779,
        "girth": 0.012519,  # tau_1 about the axis of the E scheme
        "c2": 0.097588,
        "d2": 9.435950,
        "mass": 39.9912,
        "soft_drop_mass": 8.70484,
        "soft_drop_z": 0.154333,
    }
    assert {name: found[name][0] for name in printed} == pytest.approx(printed, rel=2e-5, abs=6e-7)
    assert (found["soft_drop_mass"][1], found["soft_drop_z"][1]) == pytest.approx((4.03811, 0.235041), rel=2e-6)


def test_energy_correlations_and_subjettiness_of_fjcontrib(columns):
    counts = COUNTS.ravel()
    found, sequence = named(columns, counts), sequence_of(columns, counts)
    for name in ("c2", "d2"):
        np.testing.assert_allclose(found[name], sequence.exclusive_jets_energy_correlator(func=name), rtol=1e-5)
    tau = ak.to_numpy(sequence.njettiness("NormalizedMeasure", "WTA_KT_Axes", [1, 2, 3, 4], R0=1.0))
    for number in (2, 3, 4):
        expected = tau[:, number - 1] / tau[:, number - 2]
        np.testing.assert_allclose(found[f"tau_{number}{number - 1}"], expected, rtol=1e-5)


def test_soft_drop_of_fjcontrib(columns):
    counts = COUNTS.ravel()
    groomed = sequence_of(columns, counts).exclusive_jets_softdrop_grooming(njets=1, symmetry_cut=0.1, R0=1.0)
    mass, z = soft_drop(trees_of(columns, counts))
    np.testing.assert_allclose(mass, ak.flatten(groomed.msoftdrop, axis=None), rtol=1e-6)
    np.testing.assert_allclose(z, ak.flatten(groomed.symmetrysoftdrop, axis=None), rtol=1e-6)
    assert np.any(mass < 0.9 * named(columns, counts)["mass"]), "nothing was groomed away"


def test_soft_drop_down_to_one_constituent():
    """Two massless particles of 91 and 9 GeV: z = 0.09 fails, and with it everything."""
    mass, z = soft_drop(trees_of(np.array([[91.0, 0.0, 0.0, 0.14], [9.0, 0.3, 0.0, 0.0]]).T, [2]))
    assert (mass[0], z[0]) == pytest.approx((0.14, 0.0), rel=1e-3)


def test_two_particles_by_hand():
    """60 and 40 GeV, massless, at a distance of 0.5 in azimuth: the axis divides it by the law of sines."""
    found = named(np.array([[60.0, 0.2, 3.0, 0.0], [40.0, 0.2, 3.5, 0.0]]).T, [2])
    lean = math.atan2(40 * math.sin(0.5), 60 + 40 * math.cos(0.5))  # of the axis, from the harder particle
    mass = math.sqrt(2 * 60 * 40 * (1 - math.cos(0.5)))
    expected = {
        "mass": mass,
        "soft_drop_mass": mass,
        "soft_drop_z": 0.4,
        "multiplicity": 2.0,
        "pt_dispersion": math.sqrt(0.52),
        "tau_21": 0.0,
        "tau_32": 0.0,
        "tau_43": 0.0,
        "c2": 0.0,
        "d2": 0.0,
    }
    assert {name: float(found[name][0]) for name in expected} == pytest.approx(expected, rel=1e-5)
    # a sum with mass has a smaller rapidity than pseudorapidity, so its axis is off by a little in rapidity too
    assert found["girth"][0] == pytest.approx(0.6 * lean + 0.4 * (0.5 - lean), rel=1e-2)
    angularity = 0.6 * math.sqrt(lean) + 0.4 * math.sqrt(0.5 - lean)
    assert found["les_houches_angularity"][0] == pytest.approx(angularity, rel=1e-2)


def test_jets_of_few_constituents_have_finite_values():
    counts = [1, 2, 3, 4, 5]
    found = named(some_jets(counts, masses=(0.14,)), counts)
    assert all(np.all(np.isfinite(values)) for values in found.values())
    vanishing = {name: (values == 0.0).tolist() for name, values in found.items()}
    for name, several in {"tau_21": 3, "tau_32": 4, "tau_43": 5, "c2": 3, "d2": 3, "girth": 2}.items():
        assert vanishing[name] == [count < several for count in counts]
    assert found["mass"][0] == pytest.approx(0.14, rel=1e-3)
    assert found["soft_drop_mass"][0] == pytest.approx(0.14, rel=1e-3)
    assert (found["pt_dispersion"][0], found["soft_drop_z"][0]) == (1.0, 0.0)


def test_particles_in_one_direction_give_finite_values():
    """Twins at one place and a third one apart: two axes meet all, and rounding of tau_2 divides nothing."""
    columns = np.array([[50.0, 1.0, 2.0, 0.0], [50.0, 1.0, 2.0, 0.0], [5.0, 1.2, 2.1, 0.0]]).T
    found = named(columns, [3])
    assert all(np.all(np.isfinite(values)) for values in found.values())
    assert found["tau_21"][0] == pytest.approx(0.0, abs=1e-9)
    assert (found["tau_32"][0], found["tau_43"][0], found["c2"][0], found["d2"][0]) == (0.0, 0.0, 0.0, 0.0)


def test_more_axes_never_give_more(columns):
    """The axes of N + 1 subjets are those of N and one more, since the winner takes all."""
    found = named(columns, COUNTS.ravel())
    for name in ("tau_21", "tau_32", "tau_43"):
        assert np.all((found[name] > 0.0) & (found[name] <= 1.0))


@given(st.integers(0, 2**32 - 1), st.floats(-7, 7), st.floats(0.01, 100.0), st.permutations(range(8)))
def test_turns_units_and_order_do_not_matter(seed, turn, unit, order):
    pt, eta, phi, mass = some_jets([8], seed)
    before = named((pt, eta, phi, mass), [8])
    after = named((unit * pt[order], eta[order], phi[order] + turn, unit * mass[order]), [8])
    for name, values in before.items():
        scale = unit if name in ("mass", "soft_drop_mass") else 1.0
        np.testing.assert_allclose(after[name], scale * values, rtol=1e-3, atol=1e-6)
