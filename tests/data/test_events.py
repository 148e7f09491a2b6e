"""Splits, weights and the event table."""

from dataclasses import replace

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mscat_tf.config import DataSettings
from mscat_tf.data import Sample, event_table
from mscat_tf.data.events import balanced, effective_events
from mscat_tf.data.mock import write_mock_sample
from mscat_tf.data.splits import assign_splits, uniform_hash
from mscat_tf.errors import InputError


def splitmix64(x):
    """The generator in plain integers: its first output for seed 0 is published as 0xE220A8397B1DCDAF."""
    x = (x + 0x9E3779B97F4A7C15) % 2**64
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
    x = (x ^ (x >> 27)) * 0x94D049BB133111EB % 2**64
    return x ^ (x >> 31)


def test_oracle_gives_the_published_value():
    assert splitmix64(0) == 0xE220A8397B1DCDAF


@given(st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=20))
def test_hash_is_splitmix64(identifiers):
    expected = [(splitmix64(i) >> 11) / 2**53 for i in identifiers]
    np.testing.assert_array_equal(uniform_hash(np.array(identifiers, dtype=np.uint64)), expected)


def test_fractions_of_the_splits():
    split = assign_splits(np.arange(100_000, dtype=np.uint64), 0.64, 0.16)
    np.testing.assert_allclose(np.bincount(split) / 1e5, [0.64, 0.16, 0.20], atol=4 * np.sqrt(0.25 / 1e5))


@given(st.permutations(range(30)), st.integers(1, 30))
def test_split_does_not_move_with_order_or_size(order, kept):
    groups = np.arange(1000, 1030, dtype=np.uint64)
    everything = assign_splits(groups, 0.5, 0.2)
    np.testing.assert_array_equal(assign_splits(groups[order][:kept], 0.5, 0.2), everything[order][:kept])


@given(st.integers(1, 50), st.floats(0.1, 10))
def test_effective_events_of_equal_weights_is_their_number(count, weight):
    assert effective_events(np.full(count, weight)) == pytest.approx(count)


def test_effective_events_of_none():
    assert effective_events(np.zeros(3)) == 0.0


def test_weights_in_femtobarn_are_formed_over_all_files(tmp_path):
    """cross-section x generator x tag / sum of generated weights: 10 fb from 3 files of 1000 generated events each."""
    with Sample(write_mock_sample(tmp_path, events=30, shards=3)) as sample:
        table = event_table(sample, DataSettings(), seed=1)
        np.testing.assert_allclose(table.weight_fb, sample.column("weights").prod(axis=1) * 10.0 / 3000.0, rtol=1e-6)
        assert sample.normalisation["4b"].generated_events == 3000
        assert sample.normalisation["4b"].cross_section_error_fb == pytest.approx(0.1), "one figure, quoted three times"
        assert sample.cut_flow["4b"] == [{"cut": "generated", "raw": 3000, "weighted": 3000.0}]


def test_errors_of_independent_cross_sections_average_out(tmp_path):
    """Two files quote one figure, a third another, of equal size: error^2 = (2/3 e)^2 + (1/3 f)^2."""
    with Sample(write_mock_sample(tmp_path, events=30, shards=3)) as sample:
        header = sample.headers[2]
        sample.headers[2] = replace(
            header, normalisation={"4b": replace(header.normalisation["4b"], cross_section_fb=13.0)}
        )
        norm = sample.normalisation["4b"]
    assert norm.cross_section_fb == pytest.approx(11.0)
    assert norm.cross_section_error_fb == pytest.approx(0.1 * np.sqrt(5) / 3)


def test_classes_are_balanced_and_backgrounds_keep_their_ratio(mock_folder):
    with Sample(mock_folder) as sample:
        table = event_table(sample, DataSettings(), seed=1)
    for label in (0, 1):
        assert table.weight[table.label == label].sum() == pytest.approx(len(table) / 2)
    ratio = [w[table.process == 1].sum() / w[table.process == 2].sum() for w in (table.weight, table.weight_fb)]
    assert ratio[0] == pytest.approx(ratio[1])


def test_shuffled_labels_keep_their_number_and_balance(mock_folder):
    with Sample(mock_folder) as sample:
        true = event_table(sample, DataSettings(), seed=5)
        mixed = event_table(sample, DataSettings(shuffle_labels=True), seed=5)
        again = event_table(sample, DataSettings(shuffle_labels=True), seed=5)
    assert mixed.label.sum() == true.label.sum()
    assert 0.3 < np.mean(mixed.label != true.label) < 0.7
    np.testing.assert_array_equal(mixed.label, again.label)
    assert mixed.weight[mixed.label == 1].sum() == pytest.approx(len(mixed) / 2)


def test_balanced_leaves_an_empty_class_alone():
    np.testing.assert_allclose(balanced(np.array([1.0, 3.0]), np.array([1, 1])), [0.25, 0.75])


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [("label", 0, "contradicts"), ("process", 7, "points outside"), ("process", 1, "contradicts")],
)
def test_contradictions_are_refused(tmp_path, name, value, sentence):
    folder = write_mock_sample(tmp_path, events=12, shards=1)
    with h5py.File(folder / "mock-0000.h5", "a") as file:
        file[name][0] = value
    with Sample(folder) as sample, pytest.raises(InputError, match=sentence):
        event_table(sample, DataSettings(), seed=1)


def test_one_class_alone_is_refused(tmp_path):
    folder = write_mock_sample(tmp_path, events=1, shards=1)
    with Sample(folder) as sample, pytest.raises(InputError, match="no background event"):
        event_table(sample, DataSettings(), seed=1)


def test_files_of_different_samples_are_not_mixed(tmp_path):
    write_mock_sample(tmp_path, events=12, shards=2, constituents=5)
    other = write_mock_sample(tmp_path / "other", events=12, shards=1, constituents=6)
    (other / "mock-0000.h5").rename(tmp_path / "mock-0001.h5")
    with pytest.raises(InputError, match="keep samples of different configurations in different folders"):
        Sample(tmp_path)
