"""Masked attention and the two blocks against Keras, a NumPy oracle and invariances."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from mscat_tf.errors import ConfigError
from mscat_tf.layers import (
    CrossAttentionBlock,
    DifferentialAttention,
    FeedForward,
    KeyMaskedAttention,
    KeyOverlapAttention,
    SelfAttentionBlock,
)
from mscat_tf.layers.attention_core import cheaper_without_keys
from tests.layer_checks import check_layer, softmax_attention

TOKENS, CONTEXT = 3, 5


def event(real=4):
    """Two events; every axis has its own length, so a swapped axis cannot pass."""
    rng = np.random.default_rng(7)
    return {
        "query": rng.normal(size=(2, TOKENS, 8)).astype("float32"),
        "context": rng.normal(size=(2, CONTEXT, 6)).astype("float32"),
        "context_mask": np.tile(np.arange(CONTEXT) < real, (2, 1)),
    }


def cloud(real=4):
    values = event(real)
    return {"tokens": values["context"], "token_mask": values["context_mask"]}


def randomise(layer):
    """Weights away from their start (biases are 0 there), so that a lost bias shows."""
    rng = np.random.default_rng(3)
    layer.set_weights([rng.normal(0, 0.5, w.shape).astype("float32") for w in layer.get_weights()])
    return layer


@pytest.fixture(scope="module")
def attention():
    layer = KeyMaskedAttention(num_heads=2, key_dim=4)
    layer(**event())
    return randomise(layer)


@pytest.fixture(scope="module")
def cross():
    layer = CrossAttentionBlock(num_heads=2, key_dim=4)
    layer(**event())
    return randomise(layer)


@pytest.fixture(scope="module")
def block():
    layer = SelfAttentionBlock(num_heads=2, key_dim=4)
    layer(**cloud())
    return randomise(layer)


ATTENTION_INIT = {"num_heads": 2, "key_dim": 4, "dropout_rate": 0.1}
RESIDUAL_INIT = {"normalisation": "root_mean_square", "norm_first": False, "stochastic_depth": 0.2}
MLP_INIT = {"mlp_ratio": 3.0, "dropout_rate": 0.1, **RESIDUAL_INIT}
BLOCK_INIT = {
    **ATTENTION_INIT,
    **MLP_INIT,
    "attention_kind": "differential",
    "lambda_init": 0.3,
    "fused_attention": True,
    "attention_skip": False,
    "mlp_skip": False,
}


@pytest.mark.parametrize(
    ("cls", "init", "inputs"),
    [
        (
            KeyMaskedAttention,
            {**ATTENTION_INIT, "fused": True},
            {**event(), "bias": np.ones((2, 2, TOKENS, CONTEXT), "float32")},
        ),
        (CrossAttentionBlock, BLOCK_INIT, event()),
        (SelfAttentionBlock, BLOCK_INIT, cloud()),
        (FeedForward, {**MLP_INIT, "skip": False, "activation": "relu"}, {"tokens": event()["query"]}),
    ],
)
def test_contract(cls, init, inputs, tmp_path):
    check_layer(cls, init, inputs, tmp_path)


def test_attention_equals_a_loop_over_queries(attention):
    """Scores and output from the weights, by hand, one event, head and query at a time."""
    inputs = event()
    found, scores = attention(**inputs, return_attention_scores=True)
    wq, bq, wk, bk, wv, bv, wo, bo = attention.get_weights()
    expected = np.zeros((2, TOKENS, 8)) + bo
    for i in range(2):
        for head in range(2):
            q = inputs["query"][i] @ wq[:, head] + bq[head]
            k = inputs["context"][i] @ wk[:, head] + bk[head]
            v = inputs["context"][i] @ wv[:, head] + bv[head]
            read, weights = softmax_attention(q, k, v, inputs["context_mask"][i])
            expected[i] += read @ wo[head]
            np.testing.assert_allclose(scores[i, head], weights, atol=1e-6)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_attention_equals_keras_with_the_same_weights(attention):
    inputs = event()
    keras_layer = keras.layers.MultiHeadAttention(2, 4)
    keras_layer.build(inputs["query"].shape, inputs["context"].shape)
    keras_layer.set_weights(attention.get_weights())
    expected = keras_layer(inputs["query"], inputs["context"], attention_mask=inputs["context_mask"][:, None])
    np.testing.assert_allclose(attention(**inputs), expected, atol=1e-6)


@pytest.mark.parametrize("heads", [1, 2])
def test_bias_is_added_before_softmax(attention, heads):
    """Adding b to a score multiplies its weight by exp(b), for all heads or each apart; padded keys stay hidden."""
    bias = np.random.default_rng(5).normal(size=(2, heads, TOKENS, CONTEXT)).astype("float32")
    bias[..., 4:] = np.nan
    _, plain = attention(**event(real=4), return_attention_scores=True)
    read, scores = attention(**event(real=4), bias=bias, return_attention_scores=True)
    expected = np.asarray(plain, float)[..., :4] * np.exp(bias[..., :4].astype(float))
    np.testing.assert_allclose(scores[..., :4], expected / expected.sum(-1, keepdims=True), atol=1e-5)
    assert np.all(np.asarray(scores)[..., 4:] == 0)
    *_, wv, bv, wo, bo = attention.get_weights()
    values = np.einsum("bkc,che->bhke", event()["context"], wv) + bv[:, None]
    by_hand = np.einsum("bhqk,bhke,hec->bqc", scores, values, wo) + bo
    np.testing.assert_allclose(read, by_hand, atol=1e-5)


@pytest.mark.parametrize("dropout_rate", [0.0, 0.3])
def test_asking_for_scores_changes_nothing_else(dropout_rate):
    layer = CrossAttentionBlock(2, 4, dropout_rate=dropout_rate)
    plain = layer(**event())
    with_scores, scores = layer(**event(), return_attention_scores=True)
    np.testing.assert_allclose(plain, with_scores, atol=1e-6)
    assert scores.shape == (2, 2, TOKENS, CONTEXT)


@settings(deadline=None)
@given(real=st.integers(1, CONTEXT))
def test_scores_are_probabilities_over_real_keys(cross, real):
    _, scores = cross(**event(real), return_attention_scores=True)
    np.testing.assert_allclose(np.sum(scores, axis=-1), 1.0, atol=1e-6)
    assert np.all(np.asarray(scores)[..., real:] == 0)


@settings(max_examples=15, deadline=None)
@given(real=st.integers(0, CONTEXT), junk=st.sampled_from([np.nan, np.inf, -1e3, 17.0]))
def test_padding_cannot_be_seen(cross, block, real, junk):
    clean, dirty = event(real), event(real)
    dirty["context"][:, real:] = junk
    np.testing.assert_array_equal(cross(**clean), cross(**dirty))
    clean, dirty = cloud(real), cloud(real)
    dirty["tokens"][:, real:] = junk
    np.testing.assert_array_equal(block(**clean)[:, :real], block(**dirty)[:, :real])


def test_nothing_real_contributes_exactly_nothing(attention, cross):
    read, scores = attention(**event(0), return_attention_scores=True)
    assert np.all(np.asarray(read) == 0)
    assert np.all(np.asarray(scores) == 0)
    other = event(0)
    other["context"] = -3 * other["context"]
    np.testing.assert_array_equal(cross(**event(0)), cross(**other))
    np.testing.assert_array_equal(cross(**event(0)), cross.feed_forward(event()["query"]))


@settings(max_examples=8, deadline=None)
@given(order=st.permutations(range(CONTEXT)))
def test_constituents_are_a_set(cross, block, order):
    shuffled = event()
    for name in ("context", "context_mask"):
        shuffled[name] = shuffled[name][:, order]
    np.testing.assert_allclose(cross(**event()), cross(**shuffled), rtol=1e-4, atol=1e-4)
    inputs = cloud()
    moved = block(inputs["tokens"][:, order], inputs["token_mask"][:, order])
    np.testing.assert_allclose(np.asarray(block(**inputs))[:, order], moved, rtol=1e-4, atol=1e-4)


class SameMask:
    """Dropout with one mask, whether each head has an axis or is a row of its query."""

    def __init__(self, rate, heads):
        self.rate = rate
        self.mask = np.random.default_rng(11).random((2, heads, TOKENS, CONTEXT)) >= rate

    def kept(self, shape):
        return tf.constant(self.mask if shape[1] > 1 else self.mask.transpose(0, 2, 1, 3).reshape(2, 1, -1, CONTEXT))

    def __call__(self, scores, training):
        return tf.where(self.kept(scores.shape), scores / (1 - self.rate), 0.0) if training else scores


@pytest.mark.parametrize("real", [0, 2])
@pytest.mark.parametrize("rate", [0.0, 0.4])
@pytest.mark.parametrize("key_dim", [1, 4])
def test_every_way_of_reading_gives_the_same(real, rate, key_dim):
    """Asked for the scores, or given a bias of 0, the layer goes step by step; wide heads read the context itself."""
    layer, inputs = KeyMaskedAttention(2, key_dim, rate), {k: tf.constant(v) for k, v in event(real).items()}
    layer(**inputs)
    randomise(layer)
    assert cheaper_without_keys(TOKENS, CONTEXT, 6, key_dim) == (key_dim == 4)
    layer.dropout = SameMask(rate, 2)
    found, bias = [], tf.zeros((2, 1, TOKENS, CONTEXT))
    for options in ({}, {"bias": bias}, {"return_attention_scores": True}):
        watched = [inputs["query"], inputs["context"], *layer.trainable_variables]
        with tf.GradientTape() as tape:
            tape.watch(watched[:2])
            read = layer(**inputs, **options, training=True)
            read = read[0] if isinstance(read, tuple) else read
            loss = tf.reduce_sum(read**3)
        found.append([read, *tape.gradient(loss, watched)])
    largest = max(np.abs(gradient).max() for gradient in found[0])
    for steps in found[1:]:
        for mine, wanted in zip(found[0], steps, strict=True):
            np.testing.assert_allclose(mine, wanted, rtol=1e-4, atol=2e-6 * largest)


@pytest.mark.parametrize("with_bias", [False, True])
@pytest.mark.parametrize("real", [0, 2, CONTEXT])
def test_fused_attention_is_the_same(attention, real, with_bias):
    """Whatever padding holds; in training too, with no score dropped; with the scores on request, and gradients."""
    fused = KeyMaskedAttention(2, 4, dropout_rate=0.5, fused=True)
    fused(**event())
    fused.set_weights(attention.get_weights())
    clean, dirty = event(real), event(real)
    dirty["context"][:, real:] = np.nan
    options = {}
    if with_bias:
        options["bias"] = np.random.default_rng(5).normal(size=(2, 1, TOKENS, CONTEXT)).astype("float32")
        options["bias"][..., real:] = np.nan
    wanted, wanted_scores = attention(**clean, **options, return_attention_scores=True)
    with tf.GradientTape() as tape:
        found = fused(**dirty, **options, training=True)
        loss = tf.reduce_sum(found**3)
    np.testing.assert_allclose(found, wanted, atol=1e-5)
    assert real or np.all(np.asarray(found) == 0)
    read, scores = fused(**dirty, **options, training=True, return_attention_scores=True)
    np.testing.assert_allclose(read, wanted, atol=1e-5)
    np.testing.assert_allclose(scores, wanted_scores, atol=1e-6)
    gradients = tape.gradient(loss, fused.trainable_variables)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(attention(**clean, **options) ** 3)
    for mine, steps in zip(gradients, tape.gradient(loss, attention.trainable_variables), strict=True):
        np.testing.assert_allclose(mine, steps, rtol=1e-4, atol=1e-4)


def test_fused_attention_in_half_precision(attention):
    half = KeyMaskedAttention(2, 4, fused=True, dtype="mixed_bfloat16")
    half(**event())
    half.set_weights(attention.get_weights())
    found = half(**event(2))
    assert found.dtype == tf.bfloat16
    np.testing.assert_allclose(tf.cast(found, "float32"), attention(**event(2)), rtol=0.05, atol=0.1)
    assert np.all(tf.cast(half(**event(0)), "float32") == 0)


@pytest.mark.parametrize("cls", [DifferentialAttention, KeyOverlapAttention])
def test_other_kinds_have_no_fused_form(cls):
    with pytest.raises(ConfigError, match=f"{cls.__name__} has no fused form; leave fused at False"):
        cls(2, 4, fused=True)


def test_dropout_acts_only_in_training():
    layer = SelfAttentionBlock(2, 4, dropout_rate=0.5)
    np.testing.assert_array_equal(layer(**cloud()), layer(**cloud(), training=False))
    assert np.abs(np.asarray(layer(**cloud(), training=True)) - np.asarray(layer(**cloud()))).max() > 1e-3


@pytest.mark.parametrize("cls", [KeyMaskedAttention, SelfAttentionBlock, CrossAttentionBlock])
def test_impossible_arguments_are_refused(cls):
    with pytest.raises(ConfigError, match=r"dropout_rate is 10 .* write 0.1 for 10 %"):
        cls(2, 4, dropout_rate=10)
    with pytest.raises(ConfigError, match="key_dim is 0 but must be positive"):
        cls(2, 0)
