"""Sums of a sample, block by block, against the same from whole columns."""

import numpy as np
import pytest

from mscat_tf.config import DataSettings
from mscat_tf.config.training import TrainSettings
from mscat_tf.data import Sample, event_table
from mscat_tf.data.census import Census
from mscat_tf.data.lengths import class_edges
from mscat_tf.data.mock import write_mock_sample
from mscat_tf.data.splits import SPLITS, assign_splits
from mscat_tf.errors import InputError


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    with Sample(write_mock_sample(tmp_path_factory.mktemp("s"), events=1100, shards=2, constituents=6)) as opened:
        yield opened


def whole(sample):
    """Split, process and weight [fb] of every event, from the whole columns."""
    split = assign_splits(sample.column("group_id"), 0.64, 0.16)
    weight = sample.column("weights").astype("f8").prod(axis=1) * 10.0 / 2000.0
    return split, sample.column("process"), weight


def test_numbers_of_every_split_and_process(sample):
    census = Census(sample, DataSettings(), seed=0)
    split, process, weight = whole(sample)
    found = census.split_counts()
    for row, name in enumerate(SPLITS):
        for index, process_name in enumerate(census.processes):
            own = weight[(split == row) & (process == index)]
            entry = found[name][process_name]
            assert entry["events"] == census.counts[:, row, index].sum() == len(own)
            assert entry["effective_events"] == pytest.approx(own.sum() ** 2 / (own**2).sum())
    assert len(census) == 1100
    for number, block in enumerate(sample.blocks):
        np.testing.assert_array_equal(
            census.counts[number].sum(axis=(1, 2)), np.bincount(split[block.rows], minlength=3)
        )


def test_lengths_are_those_of_the_longest_jet(sample):
    census = Census(sample, DataSettings(max_constituents=5), 0, TrainSettings(length_buckets=3))
    edges = class_edges(5, 3)
    assert edges.tolist() == [2, 4, 5]
    longest = sample.column("constituents_mask")[:, :, :5].sum(axis=-1).max(axis=-1)
    np.testing.assert_array_equal(
        census.counts.sum(axis=(0, 1, 2)),
        [np.sum((longest > a) & (longest <= b)) for a, b in zip([-1, 2, 4], edges, strict=True)],
    )


@pytest.mark.parametrize("class_weights", ["balanced", "natural"])
@pytest.mark.parametrize("event_weights", [True, False])
def test_weights_of_a_loss(sample, class_weights, event_weights):
    train = TrainSettings(class_weights=class_weights, event_weights=event_weights)
    table = event_table(sample, DataSettings(), 0, train)
    _, process, weight = whole(sample)
    assert table.weight.mean() == pytest.approx(1.0)
    sums, expected = (np.bincount(process, w) for w in (table.weight, weight))
    if class_weights == "balanced":
        assert sums[0] == pytest.approx(550)
        sums, expected = sums[1:], expected[1:]
    np.testing.assert_allclose(sums / sums.sum(), expected / expected.sum(), err_msg="cross-sections are kept")
    for index in range(3):
        own = process == index
        ratio = table.weight[own] / (weight[own] if event_weights else 1.0)
        np.testing.assert_allclose(ratio, ratio[0])


def test_memory_does_not_grow_with_the_events_of_a_block(sample):
    census = Census(sample, DataSettings(), 0)
    held = sum(value.nbytes for value in vars(census).values() if isinstance(value, np.ndarray))
    assert held < 64 * len(sample.blocks) + 500


def test_shuffled_labels_are_balanced_in_the_sum(sample):
    table = event_table(sample, DataSettings(shuffle_labels=True), 3)
    assert table.weight[table.label == 1].sum() == pytest.approx(550)
    assert 0.3 < np.mean(table.label[table.process == 0]) < 0.7
    numbers = [np.bincount(table.label[table.rows(split)]) for split in SPLITS]
    np.testing.assert_array_equal(table.census.events_of_class, numbers)


def test_a_seed_of_labels_is_that_of_all_trainings(sample):
    shuffled = [
        event_table(sample, DataSettings(shuffle_labels=True, label_seed=label_seed), seed).label
        for label_seed, seed in ((None, 3), (3, 4), (3, 5), (6, 3))
    ]
    np.testing.assert_array_equal(shuffled[0], shuffled[1])
    np.testing.assert_array_equal(shuffled[1], shuffled[2])
    assert np.any(shuffled[0] != shuffled[3])


def test_a_split_without_a_class_is_refused(tmp_path):
    with Sample(write_mock_sample(tmp_path, events=4, shards=1)) as sample:
        census = Census(sample, DataSettings(), 0)
        with pytest.raises(InputError, match="split does not hold both classes; generate more events"):
            census.need_both_classes()
