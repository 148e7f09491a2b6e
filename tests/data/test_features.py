"""Which data sets and columns become which inputs of a network."""

import numpy as np
import pytest

from mscat_tf.config import DataSettings
from mscat_tf.data import Sample
from mscat_tf.data.blocks import Block
from mscat_tf.data.features import data_sets, model_inputs
from mscat_tf.data.mock import write_mock_sample
from mscat_tf.schema import EVENT_SHAPE_COLUMNS, LUND_COLUMNS

SETTINGS = DataSettings(declustering_features=("ln_z", "psi"), event_shapes=("missing_pt", "sphericity"))


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    with Sample(write_mock_sample(tmp_path_factory.mktemp("mock"), events=40, shards=2, declusterings=5)) as found:
        yield found


def test_only_what_a_network_reads_is_read():
    assert data_sets(["kinematics"]) == ("kinematics",)
    assert data_sets(["kinematics", "mask_2"]) == ("constituents", "constituents_mask", "kinematics")
    assert set(data_sets(["lund_1", "lund_mask_1"])) - set(data_sets([])) == {
        "lund/declusterings",
        "lund/mask",
        "lund/parent",
    }
    assert set(data_sets(["subjets_2"])) - set(data_sets([])) == {"subjets/subjets", "subjets/mask"}
    assert data_sets(["event_shapes", "kinematics"])[-1] == "event_shapes"


def test_trees_and_event_shapes_become_inputs(sample):
    names = data_sets(["lund_1", "event_shapes"])
    inputs = model_inputs(sample.read(Block(0, 0, 7, 0), names), SETTINGS)
    tree, shapes = sample.column("lund/declusterings")[:7], sample.column("event_shapes")[:7]
    for jet in (1, 2):
        for column, name in enumerate(SETTINGS.declustering_features):
            wanted = tree[:, jet - 1, :, LUND_COLUMNS.index(name)]
            np.testing.assert_array_equal(inputs[f"lund_{jet}"][..., column], wanted)
        np.testing.assert_array_equal(inputs[f"lund_mask_{jet}"], sample.column("lund/mask")[:7, jet - 1])
        np.testing.assert_array_equal(inputs[f"lund_parent_{jet}"], sample.column("lund/parent")[:7, jet - 1])
    for column, name in enumerate(SETTINGS.event_shapes):
        np.testing.assert_array_equal(inputs["event_shapes"][:, column], shapes[:, EVENT_SHAPE_COLUMNS.index(name)])


def test_subjets_become_inputs(tmp_path):
    settings = DataSettings(subjet_features=("radius", "pt"))
    with Sample(write_mock_sample(tmp_path, events=20, subjets=3)) as sample:
        inputs = model_inputs(sample.read(Block(0, 0, 7, 0), data_sets(["subjets_1"])), settings)
        stored, mask = sample.column("subjets/subjets")[:7], sample.column("subjets/mask")[:7]
    for jet in (1, 2):
        np.testing.assert_array_equal(inputs[f"subjets_{jet}"], stored[:, jet - 1][..., [5, 0]])
        np.testing.assert_array_equal(inputs[f"subjets_mask_{jet}"], mask[:, jet - 1])


@pytest.mark.parametrize(("jets", "tokens"), [(1, 1), (3, 5)])
def test_any_number_of_jets_and_tokens(jets, tokens):
    arrays = {
        "constituents": np.zeros((2, jets, 4, 4)),
        "constituents_mask": np.ones((2, jets, 4), bool),
        "kinematics": np.zeros((2, tokens, 6)),
    }
    inputs = model_inputs(arrays, DataSettings())
    assert {name for name in inputs if name.startswith("constituents")} == {
        f"constituents_{j + 1}" for j in range(jets)
    }
    assert inputs["kinematics"].shape == (2, tokens, 6)
