"""Networks on jet images."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from mscat_tf.config import ModelSettings
from mscat_tf.errors import ConfigError
from mscat_tf.models.cnn_image import pixels_left
from mscat_tf.models.count import parameters
from mscat_tf.models.inputs import InputSpecification
from mscat_tf.models.registry import build
from tests.models.mock_inputs import SIZES, mock_inputs, moved_weights, tiny

NAMES = ("mlp_image", "cnn_image")
ONE_JET = InputSpecification(jets=1, constituents=6, tokens=1)


def test_published_sizes():
    """CNN of arXiv:1902.09914, 610 K with two outputs; the other is it without convolutions, counted by hand."""
    assert parameters(build(ModelSettings(name="cnn_image"), ONE_JET)) == pytest.approx(610_000, rel=0.03)
    dense = [(1600, 64), (64, 256), (256, 256), (256, 1)]
    assert parameters(build(ModelSettings(name="mlp_image"), ONE_JET)) == sum((n + 1) * m for n, m in dense)


def test_published_widths():
    model = build(ModelSettings(name="cnn_image"), ONE_JET)
    shapes = {layer.name: layer.output.shape[1:] for layer in model.layers}
    assert shapes["image"] == (40, 40, 1)
    assert [shapes[f"convolution_{n}"] for n in (1, 2, 3, 4)] == [
        (40, 40, 128),
        (39, 39, 64),
        (18, 18, 64),
        (17, 17, 64),
    ]
    assert shapes["image_flat"] == (8 * 8 * 64,)
    assert [shapes[name] for name in ("image_dense_1", "head_1", "head_2")] == [(64,), (256,), (256,)]


@pytest.mark.parametrize(("pixels", "filters"), [(40, 4), (37, 4), (9, 3), (4, 2), (2, 1)])
def test_size_that_is_left(pixels, filters):
    section = {"pixels": pixels, "filters": (2,) * filters}
    left = pixels_left(pixels, section["filters"])
    model = build(tiny("cnn_image", cnn_image=section), ONE_JET)
    assert model.get_layer("image_flat").output.shape[1] == left**2 * 2


def test_too_small_a_picture_is_refused():
    with pytest.raises(ConfigError, match=r"nothing is left of 6 x 6 pixels after 4 convolutions; choose more"):
        build(tiny("cnn_image", cnn_image={"pixels": 6, "filters": (2,) * 4}), ONE_JET)


@pytest.mark.parametrize("name", NAMES)
def test_missing_momentum_is_named(name):
    sizes = InputSpecification(constituent_features=("eta", "phi", "log_pt"))
    with pytest.raises(ConfigError, match=r"pt is not among eta, phi, log_pt; add it to data.constituent_features"):
        build(tiny(name), sizes)


@pytest.mark.parametrize("name", NAMES)
def test_only_the_picture_is_seen(name):
    """Twice the momentum of all constituents of a jet is the same picture; a turned jet is not."""
    model, inputs = moved_weights(build(tiny(name), ONE_JET)), mock_inputs(5, sizes=ONE_JET)
    scaled, turned = (dict(inputs, constituents_1=inputs["constituents_1"].copy()) for _ in range(2))
    scaled["constituents_1"][..., 2] *= 2
    turned["constituents_1"] = inputs["constituents_1"][..., [1, 0, 2, 3]]
    np.testing.assert_allclose(model(scaled), model(inputs), atol=1e-6)
    assert np.abs(model(turned) - model(inputs)).max() > 1e-3


@pytest.mark.parametrize("name", NAMES)
def test_multiplicity_is_a_second_channel(name):
    model = build(tiny(name, **{name: {"pixels": 8, "filters": (3,), "multiplicity": True}}), SIZES)
    assert model.get_layer("image").output.shape == (None, 8, 8, 2)
    assert np.isfinite(model(mock_inputs(3))).all()


@pytest.mark.parametrize("name", NAMES)
def test_gradients_without_constituents_are_finite(name):
    model, inputs = build(tiny(name), SIZES), mock_inputs(4)
    inputs["mask_1"][:2], inputs["mask_2"][:2] = False, np.arange(6) < 1
    inputs["constituents_1"][:2] = np.nan
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(model(inputs))
    gradients = tape.gradient(loss, model.trainable_variables)
    assert all(np.isfinite(gradient).all() for gradient in gradients)


def test_convolutions_learn_where_the_momentum_is():
    """Two prongs along eta against one prong, momenta alike: a few steps must separate them."""
    keras.utils.set_random_seed(4)
    rng, events = np.random.default_rng(0), 64
    label = np.arange(events) % 2
    side = rng.choice([-0.5, 0.5], (events, 6)) * label[:, None]
    angles = np.stack([side, np.zeros_like(side)], -1) + rng.normal(0, 0.05, (events, 6, 2))
    pt = rng.exponential(20, (events, 6, 1)) + 1
    tokens = np.concatenate([angles, pt, np.log(pt)], -1).astype("float32")
    section = {"pixels": 8, "filters": (4, 5), "jet_units": (8,), "head_units": (6,)}
    model = build(tiny("cnn_image", cnn_image=section), ONE_JET)
    inputs = {"constituents_1": tokens, "mask_1": np.ones((events, 6), bool)}
    optimizer = keras.optimizers.SGD(0.3, momentum=0.9)
    optimizer.build(model.trainable_variables)

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(keras.losses.binary_crossentropy(label[:, None], model(inputs)))
        optimizer.apply(tape.gradient(loss, model.trainable_variables))
        return loss

    losses = [float(step()) for _ in range(60)]
    assert losses[-1] < 0.3 * losses[0]
