"""Subjets against FastJet one jet at a time, jets worked out by hand, and with soft and collinear radiation added."""

import importlib

import numpy as np
import pytest

from data_prep import extras
from data_prep.cluster import fat_jet_pairs
from data_prep.features import features
from data_prep.subjets import ALGORITHMS, subjet_arrays, subjet_labels
from experiments.benchmarks.subjets import EVERY, PLAIN, four_momenta, moved, with_soft, with_split
from mscat_tf import schema
from mscat_tf.config.sample import Tokens
from mscat_tf.config.subjets import SubjetSettings
from mscat_tf.physics import to_cartesian, to_jet_frames, wrap_phi
from tests.data_prep.some_jets import momenta_of, some_jets
from tests.data_prep.test_cluster import as_objects

PT, ETA, PHI, MASS, CONSTITUENTS, RADIUS = range(len(schema.SUBJET_COLUMNS))
JETS = 240


def found(columns, counts, **settings):
    """Table and mask, of one jet per event."""
    arrays = subjet_arrays(*columns, np.asarray(counts)[:, np.newaxis], SubjetSettings(**settings))
    return arrays["subjets/subjets"][:, 0], arrays["subjets/mask"][:, 0]


def pronged_jets(jets, seed=0):
    """Jets of one to four prongs about phi = pi: shares and angles of their constituents spread over many scales."""
    rng = np.random.default_rng(seed)
    counts = rng.integers(10, 70, jets)
    jet = np.repeat(np.arange(jets), counts)
    prongs = rng.normal(0.0, 0.35, (2, jets, 4))
    heavy = rng.exponential(1.0, (jets, 4)) * (np.arange(4) < rng.integers(1, 5, jets)[:, np.newaxis])
    cumulative = np.cumsum(heavy / heavy.sum(axis=1, keepdims=True), axis=1)
    prong = (rng.random(len(jet))[:, np.newaxis] > cumulative[jet]).sum(axis=1).clip(max=3)
    angle, turn = 0.8 * 10.0 ** -rng.uniform(0.0, 2.0, len(jet)), rng.uniform(-np.pi, np.pi, len(jet))
    pt = rng.exponential(0.02, len(jet)) / angle + 0.1
    pt *= (500.0 / np.bincount(jet, pt))[jet]
    eta = rng.uniform(-1.5, 1.5, jets)[jet] + prongs[0, jet, prong] + angle * np.cos(turn)
    phi = wrap_phi(np.pi + prongs[1, jet, prong] + angle * np.sin(turn))
    return (pt, eta, phi, rng.choice([0.0, 0.14], len(jet))), counts


def five_soft(columns, counts, rng):
    return with_soft(columns, counts, rng, 5, (1e-9, 1e-6))


@pytest.mark.parametrize("radiate", [five_soft, with_split])
@pytest.mark.parametrize("algorithm", EVERY)
def test_soft_and_collinear_radiation_moves_no_subjet(algorithm, radiate):
    jets = pronged_jets(JETS)
    before = four_momenta(algorithm, *jets)
    assert np.mean([len(sums) for sums in before]) > 1.5
    assert moved(before, four_momenta(algorithm, *radiate(*jets, np.random.default_rng(1))), 2e-5) == 0


@pytest.mark.parametrize("radiate", [five_soft, with_split])
def test_the_same_radiation_moves_the_clusters_of_plain_hdbscan(radiate):
    jets = pronged_jets(JETS // 4)
    before = four_momenta(PLAIN, *jets)
    assert moved(before, four_momenta(PLAIN, *radiate(*jets, np.random.default_rng(1))), 2e-5) > JETS // 4 // 5


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_sequential_recombination_agrees_with_fastjet_one_jet_at_a_time(algorithm):
    counts = np.array([1, 2, 7, 40, 90])
    columns = some_jets(counts)
    table, mask = found(columns, counts, algorithm=algorithm, radius=0.3, pt_min=15.0, number=12)
    extras.fastjet()
    single = importlib.import_module("fastjet._swig")
    definition = single.JetDefinition(getattr(single, ALGORITHMS[algorithm]), 0.3)
    for jet, momenta in enumerate(momenta_of(columns, counts)):
        sequence = single.ClusterSequence([single.PseudoJet(*map(float, p)) for p in momenta], definition)
        expected = single.sorted_by_pt(sequence.inclusive_jets(15.0))
        assert mask[jet].sum() == len(expected) <= 12
        for row, subjet in zip(table[jet], expected, strict=False):
            parts = subjet.constituents()
            spread = [part.pt() * subjet.delta_R(part) ** 2 for part in parts]
            assert row[PT] == pytest.approx(subjet.pt(), rel=1e-5)
            assert row[MASS] == pytest.approx(subjet.m(), rel=1e-3, abs=1e-3)
            assert row[CONSTITUENTS] == len(parts)
            assert row[RADIUS] == pytest.approx(np.sqrt(sum(spread) / sum(part.pt() for part in parts)), abs=1e-5)
        assert np.all(table[jet][~mask[jet]] == 0.0)


def test_subjets_of_one_constituent_each_stand_where_the_constituents_do():
    counts = np.array([3, 9, 30])
    columns = some_jets(counts, masses=(0.0,))
    table, mask = found(columns, counts, algorithm="kt", radius=0.011, pt_min=0.0, number=40)
    frames = to_jet_frames(*columns[:3], to_cartesian(*columns).energy, counts, 40)
    np.testing.assert_array_equal(mask, frames.mask)
    np.testing.assert_allclose(table[..., [ETA, PHI, PT]], frames.constituents[..., :3], rtol=1e-6, atol=1e-6)
    np.testing.assert_array_equal(table[..., CONSTITUENTS], mask)


def test_only_the_hardest_are_kept_and_softer_than_asked_for_are_none():
    counts = np.array([60, 60])
    columns = some_jets(counts)
    whole, mask = found(columns, counts, algorithm="anti_kt", pt_min=0.0, number=60)
    few, few_mask = found(columns, counts, algorithm="anti_kt", pt_min=0.0, number=3)
    np.testing.assert_allclose(few, whole[:, :3], atol=1e-12)
    assert few_mask.all()
    cut, cut_mask = found(columns, counts, algorithm="anti_kt", pt_min=30.0, number=60)
    np.testing.assert_array_equal(cut_mask, mask & (whole[..., PT] >= 30.0))
    np.testing.assert_allclose(cut[cut_mask], whole[cut_mask], atol=1e-12)


@pytest.mark.parametrize("algorithm", EVERY)
def test_jets_of_few_or_coincident_constituents(algorithm):
    """None, one, two far apart, five in one place: each gets what it has."""
    counts = np.array([0, 1, 2, 5, 0])
    pt = np.array([80.0, 60.0, 40.0, *(10.0,) * 5])
    eta = np.array([0.5, 0.0, 0.0, *(1.0,) * 5])
    phi = np.array([3.0, np.pi - 0.3, -np.pi + 0.3, *(-np.pi,) * 5])
    table, mask = found((pt, eta, phi, np.zeros(8)), counts, algorithm=algorithm)
    assert mask.sum(axis=1).tolist() == [0, 1, 2, 1, 0]
    np.testing.assert_allclose(table[1, 0], [80.0, 0.0, 0.0, 0.0, 1.0, 0.0], atol=1e-5)
    np.testing.assert_allclose(np.abs(table[2, :2, ETA]), [0.24, 0.36], atol=1e-5)  # the principal axis is eta
    np.testing.assert_allclose(table[3, 0], [50.0, 0.0, 0.0, 0.0, 5.0, 0.0], atol=1e-5)


@pytest.mark.parametrize("algorithm", EVERY)
def test_neither_order_nor_azimuth_matters(algorithm):
    columns, counts = pronged_jets(40, seed=3)
    table, mask = found(columns, counts, algorithm=algorithm)
    rng = np.random.default_rng(4)
    order = np.lexsort((rng.random(len(columns[0])), np.repeat(np.arange(40), counts)))
    pt, eta, phi, mass = (values[order] for values in columns)
    again, again_mask = found((pt, eta, wrap_phi(phi + 1.9), mass), counts, algorithm=algorithm)
    np.testing.assert_array_equal(again_mask, mask)
    np.testing.assert_allclose(again, table, atol=2e-3, rtol=1e-5)


def test_density_leaves_out_a_little_and_the_others_nothing():
    columns, counts = pronged_jets(30, seed=5)
    for algorithm in EVERY:
        label = subjet_labels(to_cartesian(*columns), counts, SubjetSettings(algorithm=algorithm))
        assert (label >= 0).all() == (algorithm != "density")
    share = np.bincount(np.repeat(np.arange(30), counts), columns[0] * (label >= 0)) / 500.0
    assert np.all((share > 0.6) & (share < 1.0 + 1e-9))


def test_events_of_two_jets_get_both():
    counts = np.array([[20, 8], [5, 30]])
    columns = some_jets(counts.ravel())
    both = subjet_arrays(*columns, counts, SubjetSettings())
    table, mask = found(columns, counts.ravel())
    np.testing.assert_array_equal(both["subjets/subjets"].reshape(4, 10, 6), table)
    np.testing.assert_array_equal(both["subjets/mask"].reshape(4, 10), mask)
    assert subjet_arrays(*columns, counts, None) == {}
    assert subjet_arrays(*np.zeros((4, 0)), np.zeros((0, 2), int), SubjetSettings())["subjets/mask"].shape == (0, 2, 10)


def test_features_of_events_have_them():
    columns, counts = pronged_jets(1, seed=8)
    objects = as_objects(np.zeros(counts[0], np.int64), *columns)
    pairs = fat_jet_pairs(objects, 1, 1.0, 100.0, 1)
    arrays = features(objects, pairs, Tokens(subjets=SubjetSettings(number=7)))
    assert arrays["subjets/subjets"].shape == (1, 1, 7, 6)
    own = objects.take(pairs.constituents)
    table, _ = found((own.pt, own.eta, own.phi, own.mass), pairs.counts[0], number=7)
    np.testing.assert_array_equal(arrays["subjets/subjets"][:, 0], table)
