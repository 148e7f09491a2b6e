"""Layers that look at one token at a time or bring token sets together."""

import math

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mscat_tf.errors import ConfigError
from mscat_tf.layers import FeatureNormalisation, MaskedMean, MergeJets, TokenEmbedding
from mscat_tf.layers.activations import gelu
from tests.layer_checks import check_layer

RNG = np.random.default_rng(11)
TOKENS = np.exp(RNG.normal(size=(2, 5, 3))).astype("float32")
MASK = np.array([[True, True, False, True, False], [False] * 5])
INIT = {
    "columns": ("eta", "pt", "theta"),
    "mean": (0.5, 2.0, 0.0),
    "width": (2.0, 0.5, 0.0),
    "logarithm": (False, True, False),
}


def test_normalisation_contract(tmp_path):
    check_layer(FeatureNormalisation, INIT, {"tokens": TOKENS, "token_mask": MASK}, tmp_path)


def test_normalisation_by_hand():
    found = np.asarray(FeatureNormalisation(**INIT)(TOKENS, MASK))
    eta, pt, theta = TOKENS[0, 3]
    np.testing.assert_allclose(found[0, 3], [(eta - 0.5) / 2, (math.log(pt) - 2) / 0.5, theta], rtol=1e-5)
    assert np.all(found[~MASK] == 0)


def test_normalisation_for_every_token():
    mean, width = RNG.normal(size=(5, 3)), RNG.uniform(1, 2, size=(5, 3))
    layer = FeatureNormalisation(("a", "b", "c"), mean.tolist(), width.tolist(), (False,) * 3)
    np.testing.assert_allclose(layer(TOKENS), (TOKENS - mean) / width, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("junk", [np.nan, np.inf, -1e30, 0.0])
def test_padding_is_zero_whatever_it_holds(junk):
    dirty = np.where(MASK[..., None], TOKENS, np.float32(junk))
    layer = FeatureNormalisation(**INIT)
    np.testing.assert_array_equal(layer(dirty, MASK), layer(TOKENS, MASK))


def test_normalisation_refuses_what_does_not_match():
    with pytest.raises(ConfigError, match=r"3 columns, mean of shape .2,.*give one of each"):
        FeatureNormalisation(**{**INIT, "mean": (0.0, 1.0)})
    with pytest.raises(ConfigError, match="negative or not finite"):
        FeatureNormalisation(**{**INIT, "width": (1.0, -1.0, 1.0)})


def test_token_embedding_contract(tmp_path):
    check_layer(TokenEmbedding, {"tokens": 5, "alike": 2}, {"inputs": TOKENS}, tmp_path)


@pytest.mark.parametrize("tokens", [1, 5])
def test_token_embedding_adds_its_vectors(tokens):
    layer = TokenEmbedding(tokens)
    moved = np.asarray(layer(TOKENS))
    np.testing.assert_allclose(moved - TOKENS, np.broadcast_to(layer.get_weights()[0], TOKENS.shape), atol=1e-6)
    assert np.ptp(layer.get_weights()[0]) > 0


def test_masked_mean_contract(tmp_path):
    check_layer(MaskedMean, {}, {"tokens": TOKENS, "token_mask": MASK}, tmp_path)


def test_masked_mean_by_hand():
    found = np.asarray(MaskedMean()(TOKENS, MASK))
    np.testing.assert_allclose(found[0], TOKENS[0, [0, 1, 3]].mean(axis=0), rtol=1e-6)
    assert np.all(found[1] == 0)


def merged(mode):
    other, other_mask = -2 * TOKENS, ~MASK
    other_mask[1, 2:] = False
    return (TOKENS, MASK), (other, other_mask), MergeJets(mode)([TOKENS, other], [MASK, other_mask])


def test_merging_by_concatenation():
    (first, first_mask), (second, second_mask), (tokens, mask) = merged("concatenate")
    np.testing.assert_array_equal(tokens, np.concatenate([first, second], axis=1))
    np.testing.assert_array_equal(mask, np.concatenate([first_mask, second_mask], axis=1))


def test_merging_by_addition_ignores_padding():
    (first, first_mask), (second, second_mask), (tokens, mask) = merged("add")
    for i in range(2):
        for token in range(5):
            expected = np.zeros(3)
            expected += first[i, token] if first_mask[i, token] else 0
            expected += second[i, token] if second_mask[i, token] else 0
            np.testing.assert_allclose(tokens[i, token], expected, rtol=1e-6)
            assert bool(mask[i, token]) == bool(first_mask[i, token] or second_mask[i, token])


@pytest.mark.parametrize("mode", ["concatenate", "add"])
def test_merged_model_is_saved_exactly(mode, tmp_path):
    clouds = [keras.Input((5, 3)), keras.Input((5, 3))]
    masks = [keras.Input((5,), dtype="bool"), keras.Input((5,), dtype="bool")]
    model = keras.Model([*clouds, *masks], MergeJets(mode)(clouds, masks))
    model.save(tmp_path / "merge.keras")
    again = keras.models.load_model(tmp_path / "merge.keras")
    for before, after in zip(model([TOKENS, TOKENS, MASK, ~MASK]), again([TOKENS, TOKENS, MASK, ~MASK]), strict=True):
        np.testing.assert_array_equal(before, after)


def test_merging_refuses_an_unknown_mode():
    with pytest.raises(ConfigError, match="mode 'sum' is unknown; choose from concatenate, add"):
        MergeJets("sum")


@settings(deadline=None)
@given(st.floats(-8, 8, width=32))
def test_gelu_is_the_normal_distribution_function(x):
    """x * P(normal < x), with the distribution function of the standard library."""
    expected = x * (1 + math.erf(x / math.sqrt(2))) / 2
    np.testing.assert_allclose(gelu(np.float32([x]))[0], expected, rtol=1e-4, atol=2e-6)


def test_half_precision_rounds_after_standardising():
    """125.0 and 125.3 GeV are one number in bfloat16; 0 and 0.1 widths from the mean are not."""
    layer = FeatureNormalisation(("m",), (125.0,), (3.0,), (False,), dtype="mixed_bfloat16")
    found = layer(np.array([[[125.0], [125.3]]], "f4"))
    assert found.dtype == "bfloat16"
    np.testing.assert_allclose(np.asarray(found, "f4").ravel(), [0.0, 0.1], rtol=2**-8, atol=1e-6)
