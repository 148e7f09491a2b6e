"""Grad-CAM of tf-keras-vis against a direct computation with a gradient tape."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from mscat_tf.errors import ConfigError
from mscat_tf.interpretation.grad_cam import GradCam, all_zero, gradcam_layers, shares
from mscat_tf.models.registry import build
from tests.interpretation.test_attention_maps import network
from tests.models.mock_inputs import SIZES, mock_inputs, moved_weights, tiny

EVENTS = 9


@pytest.fixture(scope="module", params=["mscat", "concatenation"])
def model(request):
    return network(request.param)


def direct_grad_cam(model, inputs, layer, mask):
    """Oracle: ReLU of the token features weighed by the mean gradient of the logit, from the formula."""
    both = keras.Model(model.inputs, [model.get_layer(layer).output, model.get_layer("logit").output])
    with tf.GradientTape() as tape:
        features, logit = both(inputs)
        total = tf.reduce_sum(logit)
    gradient = tape.gradient(total, features).numpy()
    maps = np.zeros(mask.shape)
    for event, token in np.ndindex(mask.shape):
        weights = gradient[event].mean(axis=0)
        maps[event, token] = max(features.numpy()[event, token] @ weights, 0) * mask[event, token]
    return maps


@pytest.mark.parametrize("jet", [1, 2])
def test_equals_the_direct_computation(model, jet):
    inputs = mock_inputs(EVENTS, seed=3)
    mask = inputs[f"mask_{jet}"]
    layer = gradcam_layers(model)[jet]
    before = model.get_weights()
    found = GradCam(model)(inputs, layer, mask)
    np.testing.assert_allclose(found, direct_grad_cam(model, inputs, layer, mask), atol=1e-6)
    assert found.max() > 0
    assert np.all(found[~mask] == 0)
    assert model.get_layer("score").activation is keras.activations.sigmoid
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_jets_in_one_call_have_maps_of_their_own_at_every_block():
    keras.utils.set_random_seed(6)
    model = moved_weights(build(tiny(constituent_blocks=2, jets_at_once=True), SIZES))
    inputs, layer = mock_inputs(EVENTS, seed=3), "constituents_2_block_1"
    found = GradCam(model)(inputs, layer, inputs["mask_2"])
    np.testing.assert_allclose(found, direct_grad_cam(model, inputs, layer, inputs["mask_2"]), atol=1e-6)
    assert found.max() > 0


def test_padding_cannot_be_seen(model):
    clean, dirty = mock_inputs(EVENTS), mock_inputs(EVENTS)
    dirty["constituents_1"][~dirty["mask_1"]] = 1e5
    layer, mask, engine = gradcam_layers(model)[1], clean["mask_1"], GradCam(model)
    np.testing.assert_array_equal(engine(clean, layer, mask), engine(dirty, layer, mask))


def test_layers_of_both_jets():
    deep = build(tiny(constituent_blocks=2), SIZES)
    assert gradcam_layers(deep) == {1: "constituents_1_block_2", 2: "constituents_2_block_2"}
    assert gradcam_layers(deep, "constituents_2_block_1") == {1: "constituents_1_block_1", 2: "constituents_2_block_1"}
    with pytest.raises(
        ConfigError, match=r"'cross_block_1' is no constituent block.*choose from constituents_1_block_1"
    ):
        gradcam_layers(deep, "cross_block_1")
    assert gradcam_layers(build(tiny("kinematics_only"), SIZES)) == {}


def test_shares_and_events_without_any():
    maps = np.array([[1.0, 3.0, 0.0], [0.0, 0.0, 0.0]])
    np.testing.assert_array_equal(shares(maps), [[0.25, 0.75, 0.0], [0.0, 0.0, 0.0]])
    assert all_zero(maps).tolist() == [False, True]
