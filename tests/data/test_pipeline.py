"""The same batches out of tf.data, for the worker and replicas of a context, with our own sentence for a fault."""

import itertools
import shutil

import h5py
import numpy as np
import pytest
import tensorflow as tf

from mscat_tf.config import DataSettings
from mscat_tf.config.training import TrainSettings
from mscat_tf.data import Sample
from mscat_tf.data.census import Census
from mscat_tf.data.mock import write_mock_sample
from mscat_tf.data.pipeline import distributed_dataset
from mscat_tf.data.stream import EventStream
from mscat_tf.errors import ConfigError, InputError

NAMES = (
    "constituents_1",
    "kinematics",
    "lund_1",
    "lund_mask_1",
    "lund_parent_1",
    "mask_1",
    "event_shapes",
    "subjets_1",
    "subjets_mask_1",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_mock_sample(
        tmp_path_factory.mktemp("s"), events=700, shards=2, constituents=6, declusterings=3, subjets=2
    )


def make(sample, **train):
    data, train = DataSettings(event_shapes=("sphericity",)), TrainSettings(batch_size=48, **train)
    return EventStream(sample, Census(sample, data, 0, train), data, "train", NAMES, 48, 3, train)


@pytest.mark.parametrize("train", [{}, {"length_buckets": 3}])
@pytest.mark.parametrize("context", [None, (2, 1, 4)])
def test_a_data_set_gives_the_elements_of_its_context(folder, train, context):
    with Sample(folder) as sample:
        stream = make(sample, **train)
        place = (1, 2, 2) if context else (0, 1, 1)
        expected = itertools.islice(stream.batches(stream.steps - 2, *place, endless=True), 8)
        data = stream.dataset(stream.steps - 2, context and tf.distribute.InputContext(*context), endless=True)
        for found, wanted in zip(data.take(8).as_numpy_iterator(), expected, strict=True):
            tf.nest.map_structure(np.testing.assert_array_equal, found, wanted)
        inputs, label, *_ = data.element_spec
        size = 12 if context else 48
        assert label.shape == (size,)
        assert inputs["lund_1"].shape == (size, 3, 3)
        assert inputs["subjets_1"].shape == (size, 2, 6)
        assert inputs["constituents_1"].shape.as_list() == [size, None if train else 6, 4]


def test_one_replica_takes_what_the_strategy_would_hand_it(folder):
    """And what it takes from has no tuner, for which the end of a data set may wait as long as it was in use."""
    strategy = tf.distribute.OneDeviceStrategy("CPU:0")
    with Sample(folder) as sample:
        stream = make(sample)
        direct = distributed_dataset(stream, strategy, 1, True)
        handed = strategy.distribute_datasets_from_function(lambda context: stream.dataset(1, context, True))
        for found, wanted in zip(itertools.islice(direct, 4), itertools.islice(handed, 4), strict=True):
            tf.nest.map_structure(np.testing.assert_array_equal, found, wanted)
        assert direct.options().autotune.enabled is False


def test_a_pass_ends(folder):
    with Sample(folder) as sample:
        stream = make(sample)
        assert sum(1 for _ in stream.dataset(stream.steps + 1)) == stream.steps - 1


def test_a_batch_that_cannot_be_dealt_is_refused_at_once(folder):
    with Sample(folder) as sample, pytest.raises(ConfigError, match=r"set train.batch_size to a multiple of 9"):
        make(sample).dataset(0, tf.distribute.InputContext(3, 0, 9))


def test_a_fault_comes_out_with_its_own_sentence(folder, tmp_path):
    shutil.copytree(folder, tmp_path / "broken")
    with h5py.File(tmp_path / "broken" / "mock-0001.h5", "a") as file:
        file["kinematics"][300, 0, 0] = np.inf
    with Sample(tmp_path / "broken") as sample:
        stream = make(sample)
        with (
            pytest.raises(InputError, match=r"mock-0001.h5: 'kinematics' column 'm' is inf in event 300"),
            stream.own_errors(),
        ):
            list(stream.dataset())
