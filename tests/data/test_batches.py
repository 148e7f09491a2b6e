"""Batches: every event once, matched to its tokens, the same for the same seed, well shuffled."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mscat_tf.config import DataSettings
from mscat_tf.data import Sample, batches, event_table
from mscat_tf.data.batches import batches as make_batches
from mscat_tf.data.mock import write_mock_sample
from mscat_tf.data.statistics import RunningMoments, column_moments
from mscat_tf.schema import CONSTITUENT_COLUMNS, KINEMATIC_COLUMNS


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    """Blocks of 256 in files of 300 and 299 events: nothing divides evenly."""
    with Sample(write_mock_sample(tmp_path_factory.mktemp("s"), events=599, shards=2, constituents=4)) as opened:
        yield opened


@given(st.sets(st.integers(0, 598), min_size=1), st.integers(1, 700), st.sampled_from([None, (1, 0), (7, 3)]))
def test_each_row_comes_once_with_its_own_tokens(sample, wanted, size, shuffle):
    rows = np.array(sorted(wanted))
    kinematics = sample.column("kinematics")
    cloud = sample.column("constituents")
    found = []
    for chosen, inputs in make_batches(sample, rows, DataSettings(), size, shuffle):
        np.testing.assert_array_equal(inputs["kinematics"], kinematics[chosen])
        np.testing.assert_array_equal(inputs["constituents_2"], cloud[chosen, 1])
        found.append(chosen)
    assert [len(part) for part in found[:-1]] == [size] * (len(found) - 1)
    together = np.concatenate(found)
    np.testing.assert_array_equal(np.sort(together), rows)
    if shuffle is None:
        np.testing.assert_array_equal(together, rows)


def test_order_depends_on_seed_and_epoch_only(sample):
    def order(*shuffle):
        parts = make_batches(sample, np.arange(599), DataSettings(), 50, shuffle)
        return np.concatenate([rows for rows, _ in parts])

    np.testing.assert_array_equal(order(1, 2), order(1, 2))
    assert not np.array_equal(order(1, 2), order(1, 3))
    assert not np.array_equal(order(1, 2), order(2, 2))


def test_shuffling_is_uniform_within_a_window(sample):
    """Mean place of each event over many epochs: 598 / 2 with the width of a uniform distribution."""
    epochs = 60
    places = np.zeros(599)
    for epoch in range(epochs):
        parts = make_batches(sample, np.arange(599), DataSettings(), 599, (3, epoch))
        places[np.concatenate([rows for rows, _ in parts])] += np.arange(599) / epochs
    pull = (places - 299.0) / (599 / np.sqrt(12 * epochs))
    assert abs(pull.mean()) < 1e-9
    assert 0.9 < pull.std() < 1.1


def test_windows_hand_on_what_does_not_fill_a_batch(sample, monkeypatch):
    monkeypatch.setattr(batches, "WINDOW_BLOCKS", 1)
    parts = [rows for rows, _ in make_batches(sample, np.arange(599), DataSettings(), 100, (1, 1))]
    assert [len(part) for part in parts] == [100] * 5 + [99]
    np.testing.assert_array_equal(np.sort(np.concatenate(parts)), np.arange(599))


def test_columns_and_truncation(sample):
    settings = DataSettings(constituent_features=("pt", "eta"), kinematic_features=("theta",), max_constituents=3)
    _, inputs = next(make_batches(sample, np.arange(5), settings, 5))
    cloud = sample.column("constituents")[:5]
    wanted = [CONSTITUENT_COLUMNS.index(name) for name in ("pt", "eta")]
    np.testing.assert_array_equal(inputs["constituents_1"], cloud[:, 0, :3][..., wanted])
    assert inputs["mask_1"].shape == (5, 3)
    theta = sample.column("kinematics")[:5, :, KINEMATIC_COLUMNS.index("theta")]
    np.testing.assert_array_equal(inputs["kinematics"][..., 0], theta)


@given(st.lists(st.integers(0, 40), min_size=1, max_size=6), st.integers(0, 1000))
def test_running_moments_are_those_of_the_whole(sizes, seed):
    rng = np.random.default_rng(seed)
    parts = [rng.normal(5.0, 2.0, (size, 3)) for size in sizes]
    moments = RunningMoments((3,))
    for part in parts:
        moments.update(part)
    whole = np.concatenate(parts)
    assert moments.count == len(whole)
    if len(whole) > 1:
        np.testing.assert_allclose(moments.mean, whole.mean(axis=0), rtol=1e-10)
        np.testing.assert_allclose(moments.width, whole.std(axis=0), rtol=1e-8)


def test_constant_column_has_width_one():
    moments = RunningMoments((1,))
    moments.update(np.full((9, 1), 3.0))
    assert moments.width == 1.0


def test_moments_use_the_training_split_without_padding(sample):
    settings = DataSettings()
    table = event_table(sample, settings, seed=1)
    logs = {
        "constituents": [name == "pt" for name in CONSTITUENT_COLUMNS],
        "kinematics": [name in ("m", "pt") for name in KINEMATIC_COLUMNS],
    }
    moments = column_moments(sample, table, settings, logs)
    low, high = moments["constituents"], moments["kinematics"]
    train = table.rows("train")
    real = sample.column("constituents")[train][sample.column("constituents_mask")[train]].astype(float)
    real[:, 2] = np.log(real[:, 2])
    np.testing.assert_allclose(low.mean, real.mean(axis=0), rtol=1e-5)
    tokens = sample.column("kinematics")[train].astype(float)
    tokens[..., [0, 3]] = np.log(tokens[..., [0, 3]])
    np.testing.assert_allclose(high.width[0], tokens.std(axis=0)[0], rtol=1e-5)
