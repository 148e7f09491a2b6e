"""ParticleNet and its light form: sizes and graphs. Two replicas: tests/training/test_replicas.py."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from mscat_tf.config import ModelSettings
from mscat_tf.models.count import parameters
from mscat_tf.models.inputs import InputSpecification
from mscat_tf.models.registry import build
from tests.models.mock_inputs import SIZES, inputs_of, mock_inputs, moved_weights, tiny

ONE_JET = InputSpecification(jets=1, tokens=1)


def block(features, width, layers=3):
    """Weights of an EdgeConv block: edge function and shortcut without bias, scale and offset after each."""
    edge = 2 * features * width + (layers - 1) * width**2 + layers * 2 * width
    return edge + (features * width + 2 * width if features != width else 0)


def whole(features, widths, head, outputs):
    """Batch normalisation of the inputs, the blocks, one hidden layer, the outputs."""
    blocks = sum(block(*pair) for pair in zip((features, *widths), widths, strict=False))
    return 2 * features + blocks + (widths[-1] + 1) * head + (head + 1) * outputs


@pytest.mark.parametrize(
    ("name", "widths", "head", "published"),
    [("particle_net", (64, 128, 256), 256, 366_160), ("particle_net_light", (32, 64), 128, 26_416)],
)
def test_published_size(name, widths, head, published):
    """With seven features and two outputs the formula gives the published number; we have five and one."""
    assert whole(7, widths, head, 2) == published
    found = parameters(build(ModelSettings(name=name), ONE_JET))
    assert found == whole(5, widths, head, 1)
    assert abs(found / published - 1) < 0.03


@pytest.fixture(scope="module")
def network():
    keras.utils.set_random_seed(4)
    return moved_weights(build(tiny("particle_net", kinematics=False), SIZES))


def test_later_graphs_are_those_of_the_features(network):
    """First neighbours in eta and phi, then in what the block before made of them."""
    first, second = network.get_layer("neighbours_1"), network.get_layer("neighbours_2")
    assert first.input[0] is network.get_layer("coordinates").output
    assert second.input[0] is network.get_layer("edge_convolution_1").output
    view = keras.Model(network.inputs, [second.input[0], second.output])
    values, (index, found) = view(inputs_of(network, mock_inputs(5)))
    values = np.asarray(values, "f8")
    for jet, places, real in zip(values, np.asarray(index), np.asarray(found), strict=True):
        for own, row, kept in zip(jet, places, real, strict=True):
            others = np.sum((jet[places[0]] - own) ** 2, axis=-1)
            assert len(others) == len(row)
            gaps = np.sum((jet[row[kept]] - own) ** 2, axis=-1)
            assert np.all(np.diff(gaps) >= -1e-5)


def test_both_jets_pass_the_same_trunk(network):
    """Swapped jets swap their features, and nothing else."""
    inputs = mock_inputs(4)
    other = {name: inputs[name.translate(str.maketrans("12", "21"))] for name in inputs}
    view = keras.Model(network.inputs, network.get_layer("each_jet").output)
    straight, swapped = (view(inputs_of(network, values)) for values in (inputs, other))
    np.testing.assert_allclose(swapped[0], straight[1], atol=1e-5)
    np.testing.assert_allclose(swapped[1], straight[0], atol=1e-5)


def test_running_moments_are_those_of_both_jets_together(network):
    inputs = mock_inputs(6)
    view = keras.Model(network.inputs, network.get_layer("constituent_features").output)
    features, norm = np.asarray(view(inputs_of(network, inputs))), network.get_layer("constituent_norm")
    mask = np.concatenate([inputs["mask_1"], inputs["mask_2"]])
    before = network.get_weights()
    mean, variance = norm.moving_mean.numpy(), norm.moving_variance.numpy()
    network(inputs_of(network, inputs), training=True)
    np.testing.assert_allclose(norm.moving_mean, 0.9 * mean + 0.1 * features[mask].mean(axis=0), atol=1e-5)
    np.testing.assert_allclose(norm.moving_variance, 0.9 * variance + 0.1 * features[mask].var(axis=0), rtol=1e-4)
    network.set_weights(before)


@pytest.mark.parametrize("least", [0, 1])
def test_gradients_are_finite_for_empty_and_single_constituent_jets(network, least):
    inputs = inputs_of(network, mock_inputs(3))
    for jet in (1, 2):
        inputs[f"mask_{jet}"] = np.tile(np.arange(SIZES.constituents) < least, (3, 1))
        inputs[f"constituents_{jet}"] = np.full_like(inputs[f"constituents_{jet}"], np.nan)
        inputs[f"constituents_{jet}"][:, :least] = [0.0, 0.0, 30.0, np.log(30.0)]
    before = network.get_weights()
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(network(inputs, training=True))
    gradients = tape.gradient(loss, [weight.value for weight in network.trainable_weights])
    network.set_weights(before)
    assert all(np.isfinite(tf.convert_to_tensor(gradient)).all() for gradient in gradients)


def test_the_same_under_xla_and_nearly_under_bfloat16(network):
    """bfloat16 may choose other neighbours in the second block, so only the size of the difference is bounded."""
    inputs = inputs_of(network, mock_inputs(4))
    plain = np.asarray(network(inputs))
    np.testing.assert_allclose(tf.function(network, jit_compile=True)(inputs), plain, atol=1e-5)
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        half = build(tiny("particle_net", kinematics=False), SIZES)
    finally:
        keras.config.set_dtype_policy("float32")
    half.set_weights(network.get_weights())
    rounded = half(inputs)
    assert rounded.dtype == "float32"
    np.testing.assert_allclose(rounded, plain, atol=0.1)
