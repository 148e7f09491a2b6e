"""Class activation maps of tf-keras-vis against direct computations with a gradient tape, and by their formulas."""

from dataclasses import replace

import keras
import numpy as np
import pytest
import tensorflow as tf

from mscat_tf.errors import ConfigError
from mscat_tf.interpretation.grad_cam import GradCam, all_zero, gradcam_layers
from mscat_tf.interpretation.integrated_gradients import coordinates_of
from mscat_tf.interpretation.plane_figures import shares
from mscat_tf.interpretation.score_cam import ScoreCam
from mscat_tf.models.inputs import Statistics
from mscat_tf.models.registry import build
from tests.interpretation.test_attention_maps import network
from tests.models.mock_inputs import SIZES, inputs_of, mock_inputs, moved_weights, tiny

EVENTS = 9


@pytest.fixture(scope="module")
def model():
    return network("mscat")


def features_and_gradients(model, inputs, layers):
    """Token features of each layer, and the gradient of the logit with respect to them."""
    both = keras.Model(
        model.inputs, [*(model.get_layer(name).output for name in layers), model.get_layer("logit").output]
    )
    with tf.GradientTape() as tape:
        *features, logit = both(inputs_of(model, inputs))
        total = tf.reduce_sum(logit)
    return [part.numpy() for part in features], [part.numpy() for part in tape.gradient(total, features)]


def direct_grad_cam(model, inputs, layers):
    """Oracle: ReLU of the token features weighed by the mean gradient of the logit, from the formula."""
    found = {}
    parts = zip(layers, *features_and_gradients(model, inputs, layers.values()), strict=True)
    for jet, features, gradient in parts:
        mask = inputs[f"mask_{jet}"]
        found[jet] = np.zeros(mask.shape)
        for event, token in np.ndindex(mask.shape):
            weights = gradient[event].mean(axis=0)
            found[jet][event, token] = max(features[event, token] @ weights, 0) * mask[event, token]
    return found


def masks_of(inputs, layers):
    return {jet: inputs[f"mask_{jet}"] for jet in layers}


def test_equals_the_direct_computation_and_leaves_the_network_alone(model):
    inputs, layers = mock_inputs(EVENTS, seed=3), gradcam_layers(model)
    before, uses = model.get_weights(), [len(layer._inbound_nodes) for layer in model.layers]
    found, expected = GradCam(model, layers)(inputs, masks_of(inputs, layers)), direct_grad_cam(model, inputs, layers)
    assert max(maps.max() for maps in found.values()) > 1e-3
    for jet, maps in found.items():
        np.testing.assert_allclose(maps, expected[jet], atol=1e-5)
        assert np.all(maps[~inputs[f"mask_{jet}"]] == 0)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    assert [len(layer._inbound_nodes) for layer in model.layers] == uses


@pytest.mark.parametrize(
    ("name", "changes", "layer"),
    [
        ("mscat", {"constituent_blocks": 2, "jets_at_once": True}, "constituents_1_block_1"),
        ("joint_attention", {"masks": False}, None),
    ],
)
def test_other_networks_and_deeper_layers_too(name, changes, layer):
    keras.utils.set_random_seed(6)
    model, inputs = moved_weights(build(tiny(name, **changes), SIZES)), mock_inputs(EVENTS, seed=3)
    layers = gradcam_layers(model, layer)
    found, expected = GradCam(model, layers)(inputs, masks_of(inputs, layers)), direct_grad_cam(model, inputs, layers)
    assert max(maps.max() for maps in found.values()) > 1e-3
    for jet, maps in found.items():
        np.testing.assert_allclose(maps, expected[jet], atol=1e-5)


def test_grad_cam_plus_plus_is_its_equation(model):
    """Equations 10 and 19 of arXiv:1710.11063 with exp(logit) as the score, over the real tokens alone."""
    inputs, layers = mock_inputs(EVENTS, seed=3), gradcam_layers(model)
    engine = GradCam(model, layers, "grad_cam_plus_plus")
    found = engine(inputs, masks_of(inputs, layers))
    dirty = {**inputs, "constituents_1": np.where(inputs["mask_1"][..., None], inputs["constituents_1"], 1e5)}
    np.testing.assert_array_equal(engine(dirty, masks_of(inputs, layers))[1], found[1])
    features, gradients = features_and_gradients(model, inputs, layers.values())
    for jet, part, gradient in zip(layers, features, gradients, strict=True):
        for event, mask in enumerate(inputs[f"mask_{jet}"]):
            a, g = part[event][mask].astype(float), gradient[event][mask].astype(float)
            alpha = np.divide(g**2, 2 * g**2 + a.sum(axis=0) * g**3, out=np.zeros_like(g), where=g != 0)
            total = alpha.sum(axis=0)
            weights = (np.maximum(g, 0) * alpha / np.where(total == 0, 1, total)).sum(axis=0)
            expected = np.maximum(a @ weights, 0)
            np.testing.assert_allclose(found[jet][event][mask], expected, rtol=2e-3, atol=2e-4 * (1 + expected.max()))


def test_score_cam_is_the_score_seen_through_each_feature(model):
    """arXiv:1910.01279, equations 5 to 8, feature by feature; masked towards the mean constituent."""
    inputs, layers = mock_inputs(4, seed=3), {1: gradcam_layers(model)[1]}
    coordinates = coordinates_of(SIZES, Statistics.identity(SIZES), log_features=True)
    found = ScoreCam(model, layers, coordinates)(inputs, masks_of(inputs, layers))
    (features,), _ = features_and_gradients(model, inputs, layers.values())
    low, high = features.min(axis=1, keepdims=True), features.max(axis=1, keepdims=True)
    share = ((features - low) / (high - low + 1e-7)).transpose(2, 0, 1).reshape(-1, SIZES.constituents)
    every = {name: np.tile(inputs[name], (features.shape[2],) + (1,) * (inputs[name].ndim - 1)) for name in inputs}
    pt = every["constituents_1"][..., 2]
    every["constituents_1"] = every["constituents_1"] * share[..., None]
    every["constituents_1"][..., 2] = np.exp(np.log(np.maximum(pt, 1e-6)) * share)
    weights = np.asarray(model(inputs_of(model, every))).reshape(-1, 4).T
    expected = np.maximum(np.einsum("etf,ef->et", features, weights), 0) * inputs["mask_1"]
    np.testing.assert_allclose(found[1], expected, atol=1e-4)
    assert found[1].max() > 0.1


def test_maps_where_any_number_of_constituents_is_read(model):
    """With `train.length_buckets` above 1."""
    free = network(sizes=replace(SIZES, constituents=None))
    inputs, layers = mock_inputs(4, seed=3), gradcam_layers(model)
    coordinates = coordinates_of(SIZES, Statistics.identity(SIZES), log_features=True)
    for make in (GradCam, lambda own, names: ScoreCam(own, names, coordinates)):
        maps = [make(own, layers)(inputs, masks_of(inputs, layers)) for own in (free, model)]
        np.testing.assert_allclose(maps[0][2], maps[1][2], atol=1e-5)


def test_layers_of_both_jets():
    deep = build(tiny(constituent_blocks=2), SIZES)
    assert gradcam_layers(deep) == {1: "constituents_1_block_2", 2: "constituents_2_block_2"}
    assert gradcam_layers(deep, "constituents_2_block_1") == {1: "constituents_1_block_1", 2: "constituents_2_block_1"}
    with pytest.raises(
        ConfigError, match=r"'cross_block_1' is no constituent block.*choose from constituents_1_block_1"
    ):
        gradcam_layers(deep, "cross_block_1")
    without = build(tiny("kinematics_only"), SIZES)
    assert gradcam_layers(without) == {}
    with pytest.raises(ConfigError, match="'kinematics_only' has no constituent block"):
        gradcam_layers(without, "constituents_1_block_1")


def test_shares_and_events_without_any():
    maps = np.array([[1.0, 3.0, 0.0], [0.0, 0.0, 0.0]])
    np.testing.assert_array_equal(shares(maps), [[0.25, 0.75, 0.0], [0.0, 0.0, 0.0]])
    assert all_zero(maps).tolist() == [False, True]
