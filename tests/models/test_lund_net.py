"""LundNet: size, what it reads of the tree, and its symmetries."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from mscat_tf.config import ModelSettings
from mscat_tf.errors import ConfigError
from mscat_tf.models.count import parameters
from mscat_tf.models.inputs import InputSpecification
from mscat_tf.models.registry import build, streams
from mscat_tf.schema import LUND_COLUMNS
from tests.models.mock_inputs import inputs_of, mock_inputs, moved_weights, tiny

NODES = 7
SIZES = InputSpecification(constituents=4, declusterings=NODES)
PARENT = np.array([-1, 0, 0, 1, 1, 2, 3])
"""A binary tree, so that no child is left out."""


@pytest.mark.parametrize(("columns", "published"), [(LUND_COLUMNS[:3], 391_528), (LUND_COLUMNS, 391_724)])
def test_published_size(columns, published):
    """Six blocks of two layers, a layer that reads all of them, the head; the released network has two outputs."""
    widths = (32, 32, 64, 64, 128, 128)
    expected = 2 * len(columns)
    for before, width in zip((len(columns), *widths), widths, strict=False):
        expected += 2 * before * width + width**2 + 2 * 2 * width
        expected += before * width + 2 * width if before != width else 0
    expected += sum(widths) * 384 + 384 + 2 * 384 + 384 * 256 + 256
    assert expected + 2 * (256 + 1) == published
    inputs = InputSpecification(jets=1, tokens=1, declusterings=20, declustering_features=columns)
    found = parameters(build(ModelSettings(name="lund_net"), inputs))
    assert found == expected + 256 + 1
    assert abs(found / published - 1) < 0.03


def test_it_reads_trees_alone():
    assert streams(ModelSettings(name="lund_net")) == ("lund",)
    with pytest.raises(ConfigError, match="lund_net: the inputs have no Lund trees"):
        build(tiny("lund_net"), InputSpecification())


def trees(events=4, seed=0):
    """Binary trees, of which padding cuts off the end: parents stand before children."""
    inputs = mock_inputs(events, seed, SIZES)
    for jet in (1, 2):
        inputs[f"lund_parent_{jet}"] = np.where(inputs[f"lund_mask_{jet}"], PARENT, -1).astype("int32")
    return inputs


@pytest.fixture(scope="module")
def network():
    keras.utils.set_random_seed(6)
    return moved_weights(build(tiny("lund_net", kinematics=False), SIZES))


@pytest.fixture(scope="module")
def logits(network):
    """A score near 0 or 1 would hide differences."""
    view = tf.function(keras.Model(network.inputs, network.get_layer("logit").output))
    return lambda inputs: np.asarray(view(inputs_of(network, inputs)))


@given(order=st.permutations(range(NODES)))
def test_places_in_the_list_do_not_matter(logits, order):
    """Declusterings moved to other places, parents following."""
    order = np.array(order)
    to = np.argsort(order)
    moved = trees()
    for name in ("lund_1", "lund_mask_1", "lund_parent_1"):
        moved[name] = moved[name][:, order]
    moved["lund_parent_1"] = np.where(moved["lund_parent_1"] >= 0, to[moved["lund_parent_1"]], -1).astype("int32")
    np.testing.assert_allclose(logits(moved), logits(trees()), atol=1e-5)


def test_the_tree_matters(logits):
    """The same declusterings under other parents give another score."""
    changed = trees()
    mask = np.ones_like(changed["lund_mask_1"])
    changed |= {"lund_mask_1": mask, "lund_parent_1": np.tile(PARENT, (4, 1)).astype("int32")}
    chain = changed | {"lund_parent_1": np.tile(np.arange(NODES) - 1, (4, 1)).astype("int32")}
    assert np.abs(logits(changed) - logits(chain)).min() > 1e-4


@pytest.mark.parametrize("junk", [np.nan, np.inf, 1e30])
def test_padding_has_no_influence(logits, junk):
    dirty = trees()
    for jet in (1, 2):
        mask = dirty[f"lund_mask_{jet}"]
        dirty[f"lund_{jet}"] = np.where(mask[..., None], dirty[f"lund_{jet}"], np.float32(junk))
        dirty[f"lund_parent_{jet}"] = np.where(mask, dirty[f"lund_parent_{jet}"], 0).astype("int32")
    np.testing.assert_array_equal(logits(dirty), logits(trees()))


@pytest.mark.parametrize("nodes", [0, 1])
def test_gradients_are_finite_for_jets_without_a_tree(network, nodes):
    inputs = trees()
    for jet in (1, 2):
        inputs[f"lund_mask_{jet}"][:] = np.arange(NODES) < nodes
        inputs[f"lund_{jet}"][:, nodes:] = np.nan
    before = network.get_weights()
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(network(inputs_of(network, inputs), training=True))
    gradients = tape.gradient(loss, [weight.value for weight in network.trainable_weights])
    network.set_weights(before)
    assert all(np.isfinite(tf.convert_to_tensor(gradient)).all() for gradient in gradients)


def test_saved_network_agrees_exactly(network, tmp_path):
    inputs = inputs_of(network, trees())
    plain = np.asarray(network(inputs))
    network.save(tmp_path / "lund.keras")
    np.testing.assert_array_equal(keras.models.load_model(tmp_path / "lund.keras")(inputs), plain)


def test_half_precision_is_near(network):
    inputs = inputs_of(network, trees())
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        half = build(tiny("lund_net", kinematics=False), SIZES)
    finally:
        keras.config.set_dtype_policy("float32")
    half.set_weights(network.get_weights())
    np.testing.assert_allclose(half(inputs), network(inputs), atol=0.05)
