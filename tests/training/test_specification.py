"""What a network is told about a sample, and what it says when the sample cannot serve it."""

import numpy as np
import pytest

from mscat_tf.config import load_config
from mscat_tf.data import Sample, event_table
from mscat_tf.data.mock import write_mock_sample
from mscat_tf.errors import InputError
from mscat_tf.training.specification import input_specification, input_statistics

BOTH = ["model.streams=[constituents, lund]", "data.event_shapes=[sphericity, scalar_sum_pt]"]


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    return Sample(write_mock_sample(tmp_path_factory.mktemp("plain"), events=60))


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    return Sample(write_mock_sample(tmp_path_factory.mktemp("full"), events=60, declusterings=5, subjets=4))


def test_sizes_follow_the_sample(full):
    found = input_specification(load_config("smoke", BOTH), full)
    assert (found.jets, found.constituents, found.tokens, found.high_tokens, found.declusterings) == (2, 8, 3, 4, 5)
    assert input_specification(load_config("smoke"), full).declusterings == 0
    assert input_specification(load_config("smoke", ["model.name=mixer"]), full).subjets == 4
    without = ["model.name=mixer", "model.mixer.subjets=false"]
    assert input_specification(load_config("smoke", without), full).subjets == 0


def test_statistics_of_trees_and_event_shapes(full):
    config = load_config("smoke", BOTH)
    table = event_table(full, config.data, config.seed)
    found = input_statistics(config, full, table.census, input_specification(config, full))
    train = table.rows("train")
    tree = full.column("lund/declusterings")[train][full.column("lund/mask")[train]].astype(float)
    np.testing.assert_allclose(found.declustering_mean, tree[:, :3].mean(axis=0), rtol=1e-5)
    shapes = full.column("event_shapes")[train].astype(float)
    np.testing.assert_allclose(found.event_shape_mean[0], shapes[:, 2].mean(), rtol=1e-5)
    np.testing.assert_allclose(found.event_shape_width[1], np.log(shapes[:, 4]).std(), rtol=1e-5)


def test_statistics_of_subjets(full):
    """Of the chosen columns of real subjets in the training split; the logarithm of pT."""
    config = load_config("smoke", ["model.name=mixer", "data.subjet_features=[radius, pt]"])
    table = event_table(full, config.data, config.seed)
    found = input_statistics(config, full, table.census, input_specification(config, full))
    train = table.rows("train")
    subjets = full.column("subjets/subjets")[train][full.column("subjets/mask")[train]].astype(float)
    np.testing.assert_allclose(found.subjet_mean, [subjets[:, 5].mean(), np.log(subjets[:, 0]).mean()], rtol=1e-5)
    np.testing.assert_allclose(found.subjet_width[1], np.log(subjets[:, 0]).std(), rtol=1e-5)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        (BOTH[0], r"no data set 'lund/declusterings', which network 'mscat' reads; .*tokens.declusterings=50"),
        ("model.name=mixer", r"no data set 'subjets/subjets', which network 'mixer' reads; .*`mscat prepare`"),
        (BOTH[1], r"no data set 'event_shapes', which data.event_shapes asks for; .*tokens.event_shapes=true"),
    ],
)
def test_missing_stream_is_one_sentence(plain, override, message):
    with pytest.raises(InputError, match=message):
        input_specification(load_config("smoke", [override]), plain)
