"""Jet images, and the columns they are made from."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from mscat_tf.errors import ConfigError
from mscat_tf.layers import JetImage, SelectFeatures
from tests.layer_checks import check_layer

RNG = np.random.default_rng(5)
INIT = {"pixels": 7, "half_width": 0.6, "multiplicity": True}
TOKENS = np.stack([*RNG.normal(0, 0.4, (2, 4, 11)), RNG.exponential(20, (4, 11))], axis=-1).astype("float32")
MASK = np.arange(11) < np.array([[11], [6], [1], [0]])


def histogram(tokens, mask, weighted=True):
    """`numpy.histogram2d` of one jet, `(pixels, pixels)`."""
    eta, phi, pt = tokens[mask].T.astype("float64")
    edges = np.linspace(-INIT["half_width"], INIT["half_width"], INIT["pixels"] + 1)
    return np.histogram2d(eta, phi, bins=(edges, edges), weights=pt if weighted else None)[0]


def test_contract(tmp_path):
    check_layer(JetImage, INIT, {"tokens": TOKENS, "token_mask": MASK}, tmp_path)


def test_pictures_are_histograms():
    found = np.asarray(JetImage(**INIT)(TOKENS, MASK))
    assert found.shape == (4, 7, 7, 2)
    for jet in range(4):
        expected = histogram(TOKENS[jet], MASK[jet])
        np.testing.assert_allclose(found[jet, :, :, 0], expected / max(expected.sum(), 1e-9), rtol=1e-5, atol=1e-7)
        np.testing.assert_array_equal(found[jet, :, :, 1], histogram(TOKENS[jet], MASK[jet], weighted=False))
    assert 0 < found[0, :, :, 1].sum() < 11, "some of this jet must lie outside, or dropping is not tested"


def test_a_picture_by_hand():
    """Four pixels of 0.5: borders belong to the pixel above, the far border to none."""
    corners = [
        (-1.0, -1.0, 1.0),
        (-0.5, 0.99, 2.0),
        (0.0, 0.0, 4.0),
        (0.1, 0.49, 1.0),
        (1.0, 0.0, 50.0),
        (0.0, -1.01, 9.0),
    ]
    tokens = np.array([corners], "float32")
    expected = np.zeros((4, 4))
    expected[0, 0], expected[1, 3], expected[2, 2] = 1 / 8, 2 / 8, 5 / 8
    image = JetImage(4, 1.0)(tokens, np.ones((1, 6), bool))
    np.testing.assert_allclose(image[0, :, :, 0], expected, atol=1e-7)


def test_the_sum_is_one_or_nothing():
    inside = TOKENS * np.array([0.1, 0.1, 1.0], "float32")
    sums = np.asarray(JetImage(9, 0.6)(inside, MASK)).sum(axis=(1, 2, 3))
    np.testing.assert_allclose(sums, [1, 1, 1, 0], rtol=1e-6)
    assert not np.any(JetImage(9, 0.6)(inside + np.array([5, 0, 0], "float32"), MASK))


@settings(max_examples=15, deadline=None)
@given(order=st.permutations(range(11)), junk=st.sampled_from([np.nan, np.inf, -np.inf, 0.1, -1e30]))
def test_order_and_padding_have_no_influence(order, junk):
    layer, dirty = JetImage(**INIT), np.where(MASK[..., None], TOKENS, np.float32(junk))
    clean = np.asarray(layer(TOKENS, MASK))
    np.testing.assert_array_equal(layer(dirty, MASK), clean)
    np.testing.assert_allclose(layer(TOKENS[:, order], MASK[:, order]), clean, atol=1e-6)


def test_gradient_reaches_the_momenta():
    """d(share of a pixel) / d(pT) against the closed form, two constituents in two pixels; none of it from padding."""
    tokens = tf.constant([[[-0.5, -0.5, 3.0], [0.5, 0.5, 1.0], [np.nan, np.nan, np.nan]]] * 2)
    mask = np.array([[True, True, False], [False] * 3])
    with tf.GradientTape() as tape:
        tape.watch(tokens)
        share = JetImage(2, 1.0)(tokens, mask)[:, 0, 0, 0]
    gradient = np.asarray(tape.gradient(share, tokens))
    np.testing.assert_allclose(gradient[0, :, 2], [1 / 16, -3 / 16, 0], rtol=1e-6)
    assert np.all(gradient[..., :2] == 0)
    assert np.all(gradient[1] == 0)


def test_half_precision_bins_as_full_precision_does():
    """0.99999 rounds to 1 in bfloat16, which is outside."""
    tokens = np.array([[[0.99999, 0.0, 1.0]]], "float32")
    image = JetImage(4, 1.0, dtype="mixed_bfloat16")(tokens, np.ones((1, 1), bool))
    assert keras.backend.standardize_dtype(image.dtype) == "bfloat16"
    assert float(image[0, 3, 2, 0]) == 1.0


@pytest.mark.parametrize(("wrong", "sentence"), [({"pixels": 0}, "pixels is 0"), ({"half_width": -1.0}, "half_width")])
def test_impossible_pictures_are_refused(wrong, sentence):
    with pytest.raises(ConfigError, match=rf"{sentence}.*must be positive"):
        JetImage(**{**INIT, **wrong})


def test_selection_contract(tmp_path):
    init = {"columns": ("phi", "log_pt", "eta"), "features": ("eta", "phi")}
    check_layer(SelectFeatures, init, {"tokens": TOKENS}, tmp_path)
    np.testing.assert_array_equal(SelectFeatures(**init)(TOKENS), TOKENS[..., [2, 0]])


def test_selection_is_never_rounded():
    layer = SelectFeatures(("eta", "phi", "pt"), ("pt",), dtype="mixed_bfloat16")
    np.testing.assert_array_equal(layer(TOKENS), TOKENS[..., 2:])


def test_missing_column_is_named():
    with pytest.raises(ConfigError, match=r"needs .*eta, phi, pt but phi is not among eta, pt; add it"):
        SelectFeatures(("eta", "pt"), ("eta", "phi", "pt"))
