"""Distributions: sums against numpy, ranges, and what becomes of entries outside."""

import numpy as np
import pytest

from mscat_tf.config import DataSettings
from mscat_tf.data import event_table
from mscat_tf.data.sample import Sample
from mscat_tf.evaluation import sample_figures
from mscat_tf.schema import KINEMATIC_COLUMNS
from mscat_tf.validation.blocks import read_blocks
from mscat_tf.validation.histograms import IMAGE_EDGES, Distributions
from mscat_tf.validation.quantities import nice_edges, quantities_of
from tests.validation.sound import broken, write_sound_sample


def filled(sample):
    found = Distributions(quantities_of(sample), sample.header.processes, sample.header.jets)
    for block in read_blocks(sample):
        found.add(block)
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """300 events: more than a block in all, read only."""
    return write_sound_sample(tmp_path_factory.mktemp("distributions") / "s", events=150, shards=2)


def test_histograms_equal_numpy(folder):
    with Sample(folder) as sample:
        found = filled(sample)
        process, kinematics = sample.column("process"), sample.column("kinematics").astype("f8")
        weights = sample.column("weights").astype("f8").prod(axis=1)
    mass = kinematics[:, 1, KINEMATIC_COLUMNS.index("m")]
    histogram = found.histograms["fat_jet_mass_2"]
    edges = np.concatenate([[-np.inf], histogram.quantity.edges, [np.inf]])
    for index in range(3):
        own = process == index
        for weight, values in (
            (np.ones(own.sum()), histogram.entries[index]),
            (weights[own], histogram.sums[index]),
            (weights[own] ** 2, np.diag(histogram.covariance[index])),
        ):
            np.testing.assert_allclose(values, np.histogram(mass[own], edges, weights=weight)[0], rtol=1e-12)
    with_flow = histogram.of(0)
    np.testing.assert_allclose(with_flow.values(flow=True), histogram.sums[0])
    np.testing.assert_allclose(with_flow.variances(flow=True), np.diag(histogram.covariance[0]))
    assert found.histograms["constituent_pt_1"].entries.sum() == found_constituents(folder)


def found_constituents(folder):
    with Sample(folder) as sample:
        return int(sample.column("constituents_mask")[:, 0].sum())


def test_images_hold_the_mean_transverse_momentum(folder):
    with Sample(folder) as sample:
        found = filled(sample)
        cloud, process = sample.column("constituents").astype("f8"), sample.column("process")
        weights = sample.column("weights").astype("f8").prod(axis=1)
    inside = (np.abs(cloud[..., :2]) < IMAGE_EDGES[-1]).all(axis=-1)
    for index in range(3):
        own = process == index
        total = (cloud[own, ..., 2] * inside[own]).sum(axis=-1)
        expected = np.average(total, axis=0, weights=weights[own])
        np.testing.assert_allclose(found.images.mean(index).sum(axis=(1, 2)), expected, rtol=1e-6)


def test_ranges_hold_nearly_everything(folder):
    with Sample(folder) as sample:
        found = filled(sample)
    for name in ("fat_jet_mass_1", "fat_jet_pt_2", "fat_jet_eta_1", "multiplicity_1", "di_jet_mass", "tag_weight"):
        entries = found.histograms[name].entries.sum(axis=0)
        assert entries[1:-1].sum() >= 0.98 * entries.sum()


def test_untaggable_events_are_an_underflow(tmp_path):
    def untag(file):
        values = file["weights"][...]
        values[:5, 1] = 0.0
        file["weights"][...] = values

    with Sample(broken(write_sound_sample(tmp_path / "s"), untag)) as sample:
        assert filled(sample).histograms["tag_weight"].entries[:, 0].sum() == 5


def test_events_with_nan_are_left_out_and_counted(tmp_path):
    def spoil(file):
        file["kinematics"][3, 0, 0] = np.nan

    with Sample(broken(write_sound_sample(tmp_path / "s"), spoil)) as sample:
        found = filled(sample)
    assert (found.left_out, found.events.sum()) == (1, 119)
    assert all(np.isfinite(histogram.sums).all() for histogram in found.histograms.values())


@pytest.mark.parametrize(("low", "high"), [(51.0, 248.0), (-1.98, 1.97), (0.0, 0.0), (3e-5, 4e-5), (450.0, 1500.0)])
def test_edges_are_round_and_cover(low, high):
    edges = np.array(nice_edges(low, high))
    assert edges[0] <= low
    assert edges[-1] >= high
    assert 1 <= len(edges) - 1 <= 60
    np.testing.assert_allclose(np.diff(edges), edges[1] - edges[0], rtol=1e-6)


def test_edges_of_whole_numbers_lie_between_them():
    edges = np.array(nice_edges(3.0, 131.0, whole=True))
    assert np.all(edges % 1 == 0.5)
    assert edges[0] <= 3 <= 131 <= edges[-1]
    assert np.array_equal(nice_edges(3.0, 14.0, whole=True), np.arange(2.5, 15.0))


def test_tokens_beside_the_jets_and_event_shapes_have_distributions(tmp_path):
    with Sample(write_sound_sample(tmp_path / "s", jets=3, leptons=2)) as sample:
        found = filled(sample)
        kinematics, shapes = sample.column("kinematics").astype("f8"), sample.column("event_shapes").astype("f8")
    columns = {
        "lepton_pt_2": kinematics[:, 4, 3],
        "missing_pt": kinematics[:, 5, 3],
        "mass_of_sum": kinematics[:, 6, 0],
        "event_shape_aplanarity": shapes[:, 3],
    }
    assert "di_jet_mass" not in found.histograms
    for name, values in columns.items():
        histogram = found.histograms[name]
        expected = np.histogram(values, [-np.inf, *histogram.quantity.edges, np.inf])[0]
        np.testing.assert_array_equal(histogram.entries.sum(axis=0), expected)


def test_figures_of_a_sample_with_other_sizes(tmp_path, monkeypatch):
    """Drawn but not written, which would take most of the time: a panel for each jet, one for the sum."""
    panels = {}

    def keep(figure, folder, name):
        panels[name] = len(figure.axes)
        return folder / name

    monkeypatch.setattr(sample_figures, "save", keep)
    with Sample(write_sound_sample(tmp_path / "s", jets=3, leptons=1)) as sample:
        sample_figures.draw_sample(sample, event_table(sample, DataSettings(), 0), tmp_path)
    assert panels == {
        **dict.fromkeys(("fat_jet_mass", "fat_jet_pt", "theta", "multiplicity"), 3),
        "mass_of_sum": 1,
        "tag_weight": 1,
    }
