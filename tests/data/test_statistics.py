"""Moments of the columns, and which columns are read."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mscat_tf.config import DataSettings
from mscat_tf.data import Sample, event_table
from mscat_tf.data.mock import write_mock_sample
from mscat_tf.data.statistics import RunningMoments, column_moments
from mscat_tf.schema import CONSTITUENT_COLUMNS, KINEMATIC_COLUMNS


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    """Blocks of 256 in files of 300 and 299 events: nothing divides evenly."""
    with Sample(write_mock_sample(tmp_path_factory.mktemp("s"), events=599, shards=2, constituents=4)) as opened:
        yield opened


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
    moments = column_moments(sample, table.census, settings, logs)
    low, high = moments["constituents"], moments["kinematics"]
    train = table.rows("train")
    real = sample.column("constituents")[train][sample.column("constituents_mask")[train]].astype(float)
    real[:, 2] = np.log(real[:, 2])
    np.testing.assert_allclose(low.mean, real.mean(axis=0), rtol=1e-5)
    tokens = sample.column("kinematics")[train].astype(float)
    tokens[..., [0, 3]] = np.log(tokens[..., [0, 3]])
    np.testing.assert_allclose(high.width[0], tokens.std(axis=0)[0], rtol=1e-5)
