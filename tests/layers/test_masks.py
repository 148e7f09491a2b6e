"""Layers and functions that make or apply masks, against loops of NumPy; tokens of which every axis differs."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from mscat_tf.errors import ConfigError
from mscat_tf.layers import IgnoreMask, MaskedMean, MaskedSum, MergeJets, QueryMaskedAttention
from mscat_tf.layers.attention_core import (
    HIDDEN,
    added_to_scores,
    attend_fused,
    cheaper_without_keys,
    products,
    softmax_over_keys,
    with_ones,
)
from tests.layer_checks import softmax_attention

RNG = np.random.default_rng(23)
TOKENS = RNG.normal(size=(4, 5, 4)).astype("float32")
MASK = np.array([[True, True, False, True, False], [False] * 5, [True] * 5, [False, False, True, False, False]])
DIRTY = np.where(MASK[..., None], TOKENS, np.float32(np.nan))
HEADS = {name: RNG.normal(size=(2, 3, tokens, 4)).astype("float32") for name, tokens in (("q", 6), ("k", 5), ("v", 5))}


@pytest.mark.parametrize(("cls", "reduce"), [(MaskedMean, np.mean), (MaskedSum, np.sum)])
def test_sums_and_means_are_of_the_real_tokens(cls, reduce):
    expected = [
        reduce(tokens[real], axis=0) if real.any() else np.zeros(4) for tokens, real in zip(TOKENS, MASK, strict=True)
    ]
    np.testing.assert_allclose(cls()(DIRTY, MASK), expected, rtol=1e-5, atol=1e-6)
    half = cls(dtype="mixed_bfloat16")(DIRTY, MASK)
    assert half.dtype == tf.bfloat16
    np.testing.assert_allclose(tf.cast(half, "float32"), expected, rtol=0.02, atol=0.05)


def test_a_long_sum_in_half_precision_is_added_in_single():
    """300 ones: bfloat16 by itself stops at 256."""
    found = MaskedSum(dtype="mixed_bfloat16")(np.ones((1, 300, 1), "float32"), np.ones((1, 300), bool))
    assert found.dtype == tf.bfloat16
    assert float(found[0, 0]) == 300.0


def test_to_ignore_a_mask_is_to_call_all_tokens_real():
    found = IgnoreMask()(MASK)
    assert found.dtype == tf.bool
    np.testing.assert_array_equal(found, np.ones((4, 5), bool))
    symbol = IgnoreMask()(keras.Input((5,), dtype="bool"))
    assert (symbol.shape, symbol.dtype) == ((None, 5), "bool")


def test_merged_jets_hold_their_own_padding_or_zero():
    tokens, masks = MergeJets("add")([DIRTY, 2 * DIRTY[::-1]], [MASK, MASK[::-1]])
    clean = np.where(MASK[..., None], TOKENS, 0.0)
    np.testing.assert_allclose(tokens, clean + 2 * clean[::-1], rtol=1e-6)
    np.testing.assert_array_equal(masks, MASK | MASK[::-1])
    tokens, masks = MergeJets()([TOKENS, TOKENS[:, :2]], [MASK, MASK[:, :2]])
    np.testing.assert_array_equal(tokens, np.concatenate([TOKENS, TOKENS[:, :2]], axis=1))
    np.testing.assert_array_equal(masks, np.concatenate([MASK, MASK[:, :2]], axis=1))


def test_jets_and_masks_come_in_pairs():
    with pytest.raises(ValueError, match="zip"):
        MergeJets("add")([TOKENS, TOKENS], [MASK])


def test_query_masks_hide_nothing_from_a_real_query_and_everything_from_padding():
    """Fault B3 of the released code: a real query reads padding, a padded one the average of all tokens."""
    layer = QueryMaskedAttention(num_heads=2, key_dim=3)
    layer(TOKENS, TOKENS, MASK)
    layer.set_weights([RNG.normal(0, 0.5, w.shape).astype("float32") for w in layer.get_weights()])
    wq, bq, wk, bk, wv, bv, wo, bo = layer.get_weights()
    read, scores = layer(TOKENS, TOKENS, MASK, return_attention_scores=True)
    np.testing.assert_allclose(layer(TOKENS, TOKENS, MASK), read, atol=1e-6)
    for event, (tokens, real) in enumerate(zip(TOKENS, MASK, strict=True)):
        expected = np.zeros((5, 4)) + bo
        for head in range(2):
            query, key, value = (tokens @ w[:, head] + b[head] for w, b in ((wq, bq), (wk, bk), (wv, bv)))
            _, weights = softmax_attention(query, key, value)
            weights[~real] = 0.2
            np.testing.assert_allclose(scores[event, head], weights, atol=1e-6)
            expected += weights @ value @ wo[head]
        np.testing.assert_allclose(read[event], expected, atol=1e-5)
    assert layer.compute_output_shape((None, 5, 4)) == (None, 5, 4)
    for name in ("num_heads", "key_dim"):
        with pytest.raises(ConfigError, match=f"{name} is 0 but must be positive"):
            QueryMaskedAttention(**{"num_heads": 2, "key_dim": 3, name: 0})


def test_what_is_added_to_scores():
    """Nothing, the bias as it is, or the bias at real keys and `HIDDEN` at padding, whatever the bias is there."""
    bias = RNG.normal(size=(4, 2, 6, 5)).astype("float32")
    assert added_to_scores() is None
    assert added_to_scores(None, bias) is bias
    hidden = np.broadcast_to(~MASK[:, None, None], bias.shape)
    np.testing.assert_array_equal(added_to_scores(MASK, bias), np.where(hidden, np.float32(HIDDEN), bias))
    alone = np.asarray(added_to_scores(MASK))
    assert alone.shape == (4, 1, 1, 5)
    np.testing.assert_array_equal(alone[:, 0, 0], np.where(MASK, 0.0, np.float32(HIDDEN)))
    assert HIDDEN <= -1e8
    assert np.exp(np.float64(HIDDEN) / 2) == 0.0


def test_products_softmax_and_fused_reading_by_loops():
    queries, keys, values = HEADS["q"], HEADS["k"], HEADS["v"]
    np.testing.assert_allclose(
        products(queries, keys), np.einsum("bhqd,bhkd->bhqk", queries, keys), rtol=1e-4, atol=1e-5
    )
    added = RNG.normal(size=(2, 3, 6, 5)).astype("float32")
    for extra in (None, added):
        logits = 0.7 * np.einsum("bhqd,bhkd->bhqk", queries, keys).astype(float) + (0 if extra is None else extra)
        weights = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
        found = softmax_over_keys(products(queries, keys), 0.7, extra)
        np.testing.assert_allclose(found, weights, atol=1e-5)
        np.testing.assert_allclose(attend_fused(queries, keys, values, 0.7, extra), weights @ values, atol=1e-4)
    half = softmax_over_keys(tf.cast(products(queries, keys), "bfloat16"), 0.7, added)
    assert half.dtype == tf.bfloat16
    np.testing.assert_allclose(tf.cast(half, "float32"), weights, atol=0.03)


def multiplications(queries, context, features, width):
    """Of one head, by counting: with keys and values made, and with queries and what is read mapped instead."""
    made = 2 * context * features * width + 2 * queries * context * width
    asked = 2 * queries * width * features + 2 * queries * context * features
    return made, asked


@pytest.mark.parametrize("width", [1, 3, 8, 30])
@pytest.mark.parametrize("queries", [1, 3, 50])
def test_the_context_is_asked_itself_where_that_takes_fewer_multiplications(queries, width):
    for context in (1, 5, 50, 100):
        for features in (4, 8, 32):
            made, asked = multiplications(queries, context, features, width)
            assert cheaper_without_keys(queries, context, features, width) == (asked <= made)
    for features in (4, 8, 32):  # of a context of any length: as that of a very long one
        made, asked = multiplications(queries, 10**9, features, width)
        if asked != made:
            assert cheaper_without_keys(queries, None, features, width) == (asked < made)
    assert cheaper_without_keys(None, 5, 4, width) is False


def test_ones_stand_behind_the_features():
    found = np.asarray(with_ones(TOKENS))
    np.testing.assert_array_equal(found[..., :4], TOKENS)
    np.testing.assert_array_equal(found[..., 4:], np.ones((4, 5, 1)))
