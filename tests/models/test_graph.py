"""Boxes and arrows of networks against what the networks are known to hold."""

import keras
from keras import layers

from mscat_tf.models.count import parameters
from mscat_tf.models.graph import boxes, levels
from mscat_tf.models.registry import build
from tests.models.mock_inputs import SIZES, tiny


def small():
    """Two inputs through one shared layer, then side by side; a dropout in between changes no shape."""
    first, second = keras.Input((3,), name="a"), keras.Input((3,), name="b")
    dense = layers.Dense(2, name="shared")
    joined = layers.Concatenate(name="joined")([layers.Dropout(0.5)(dense(first)), dense(second)])
    return keras.Model([first, second], layers.Dense(1, name="out")(joined))


def test_boxes_by_hand():
    found = {(box.name, box.again): box for box in boxes(small())}
    assert set(found) == {
        ("a", False),
        ("b", False),
        ("shared", False),
        ("shared", True),
        ("joined", False),
        ("out", False),
    }
    assert found["joined", False].shape == (4,)
    assert found["out", False].weights == 5
    order = boxes(small())
    assert [order[source].name for source in found["joined", False].sources] == ["shared", "shared"]
    assert all(source < place for place, box in enumerate(order) for source in box.sources)


def test_weights_count_once():
    model = build(tiny(), SIZES)
    assert sum(box.weights for box in boxes(model) if not box.again) == parameters(model)


def test_masks_are_left_out_and_arrows_point_down():
    found = boxes(build(tiny("joint_attention"), SIZES))
    assert not any("mask" in box.name for box in found)
    rows = levels(found)
    assert all(rows[source] < rows[place] for place, box in enumerate(found) for source in box.sources)
    assert min(rows) == 0
