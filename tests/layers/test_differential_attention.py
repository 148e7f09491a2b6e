"""Differential attention against a loop over queries, its limits, and what it promises on padding."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from mscat_tf.errors import ConfigError
from mscat_tf.layers import DifferentialAttention, KeyMaskedAttention
from tests.layer_checks import check_layer

TOKENS, CONTEXT, HEADS, WIDTH = 3, 5, 2, 6
INIT = {"num_heads": HEADS, "key_dim": WIDTH, "dropout_rate": 0.1, "lambda_init": 0.5}


def event(real=4, heads=HEADS):
    """Two events; every axis has its own length, so a swapped axis cannot pass."""
    rng = np.random.default_rng(7)
    return {
        "query": rng.normal(size=(2, TOKENS, 8)).astype("float32"),
        "context": rng.normal(size=(2, CONTEXT, 7)).astype("float32"),
        "context_mask": np.tile(np.arange(CONTEXT) < real, (2, 1)),
        "bias": rng.normal(size=(2, heads, TOKENS, CONTEXT)).astype("float32"),
    }


@pytest.fixture(scope="module")
def attention():
    """Weights away from their start, so that a lost bias or scale shows."""
    layer = DifferentialAttention(HEADS, WIDTH, lambda_init=0.6)
    layer(**event())
    rng = np.random.default_rng(3)
    layer.set_weights([rng.normal(0, 0.5, w.shape).astype("float32") for w in layer.get_weights()])
    return layer


def softmax(scores, mask):
    weights = np.exp(scores) * mask
    return weights / weights.sum()


def by_hand(layer, inputs):
    """Output and scores, one event, head and query at a time, in float64."""
    vectors, wq, bq, wk, bk, wv, bv, wo, bo, scale = (w.astype(float) for w in layer.get_weights())
    factor = np.exp(vectors[0] @ vectors[1]) - np.exp(vectors[2] @ vectors[3]) + layer.lambda_init
    output, scores = np.zeros((2, TOKENS, 8)) + bo, np.zeros((2, HEADS, TOKENS, CONTEXT))
    half, bias = WIDTH // 2, inputs["bias"]
    for event_, head, token in np.ndindex(2, HEADS, TOKENS):
        q = inputs["query"][event_, token] @ wq[:, head] + bq[head]
        k = inputs["context"][event_] @ wk[:, head] + bk[head]
        v = inputs["context"][event_] @ wv[:, head] + bv[head]
        places = {1: (0, 0), HEADS: (head, head), 2 * HEADS: (head, HEADS + head)}[bias.shape[1]]
        first, second = (
            softmax(k[:, part] @ q[part] / np.sqrt(half) + bias[event_, place, token], inputs["context_mask"][event_])
            for part, place in zip((slice(half), slice(half, None)), places, strict=True)
        )
        scores[event_, head, token] = first - factor * second
        read = scores[event_, head, token] @ v
        read = read / np.sqrt(np.mean(read**2) + 1e-5) * scale * (1 - layer.lambda_init)
        output[event_, token] += read @ wo[head]
    return output, scores, factor


def test_contract(tmp_path):
    check_layer(DifferentialAttention, INIT, event(), tmp_path)


@pytest.mark.parametrize("heads", [1, HEADS, 2 * HEADS])
def test_it_equals_a_loop_over_queries(attention, heads):
    inputs = event(heads=heads)
    found, scores = attention(**inputs, return_attention_scores=True)
    output, expected, factor = by_hand(attention, inputs)
    np.testing.assert_allclose(scores, expected, atol=1e-5)
    np.testing.assert_allclose(found, output, atol=1e-5)
    np.testing.assert_allclose(np.sum(scores, axis=-1), 1 - factor, atol=1e-5)


def test_without_the_second_maps_it_is_softmax_attention_of_the_first_halves(attention):
    alone = DifferentialAttention(HEADS, WIDTH, lambda_init=0.0)
    alone(**event())
    vectors, wq, bq, wk, bk, *others = attention.get_weights()
    alone.set_weights([np.zeros_like(vectors), wq, bq, wk, bk, *others])
    plain, half = KeyMaskedAttention(HEADS, WIDTH // 2), WIDTH // 2
    plain(**event())
    plain.set_weights([w[..., :half] for w in (wq, bq, wk, bk)] + plain.get_weights()[4:])
    _, scores = alone(**event(), return_attention_scores=True)
    _, expected = plain(**event(), return_attention_scores=True)
    np.testing.assert_allclose(scores, expected, atol=1e-6)


def test_what_both_maps_see_cancels(attention):
    """Equal halves of queries and keys: what is left is 1 - lambda of one map."""
    layer, half = DifferentialAttention(HEADS, WIDTH), WIDTH // 2
    layer(**event())
    vectors, *projections = attention.get_weights()
    doubled = [np.concatenate([w[..., :half]] * 2, axis=-1) for w in projections[:4]]
    layer.set_weights([0 * vectors, *doubled, *projections[4:]])
    np.testing.assert_allclose(layer.current_lambda(), 0.8, atol=1e-6)  # the published start
    _, scores = layer(**event(), return_attention_scores=True)
    assert np.min(scores) >= 0
    np.testing.assert_allclose(np.sum(scores, axis=-1), 0.2, atol=1e-6)


def test_it_has_as_many_projections_as_softmax_attention():
    layers = [DifferentialAttention(HEADS, WIDTH), KeyMaskedAttention(HEADS, WIDTH)]
    for layer in layers:
        layer(**event())
    differential, plain = (layer.count_params() for layer in layers)
    assert differential - plain == 4 * WIDTH // 2 + WIDTH


@settings(max_examples=8, deadline=None)
@given(real=st.integers(0, CONTEXT), junk=st.sampled_from([np.nan, np.inf, -1e3, 17.0]))
def test_padding_cannot_be_seen(attention, real, junk):
    clean, dirty = event(real), event(real)
    dirty["context"][:, real:] = junk
    dirty["bias"][..., real:] = junk
    for first, second in zip(
        attention(**clean, return_attention_scores=True),
        attention(**dirty, return_attention_scores=True),
        strict=True,
    ):
        np.testing.assert_array_equal(first, second)
        assert np.any(np.asarray(first)) == (real > 0)  # without a real token exactly 0, both output and scores


def test_constituents_are_a_set(attention):
    order, moved = [4, 2, 0, 3, 1], event()
    for name in ("context", "context_mask"):
        moved[name] = moved[name][:, order]
    moved["bias"] = moved["bias"][..., order]
    np.testing.assert_allclose(attention(**event()), attention(**moved), atol=1e-5)


@pytest.mark.parametrize("real", [0, 1])
def test_gradients_are_finite_with_few_constituents(attention, real):
    inputs = {name: tf.constant(value) for name, value in event(real).items()}
    watched = [inputs[name] for name in ("query", "context", "bias")]
    with tf.GradientTape() as tape:
        tape.watch(watched)
        loss = tf.reduce_sum(attention(**inputs) ** 2)
    gradients = tape.gradient(loss, watched + attention.trainable_variables)
    assert all(np.isfinite(gradient).all() for gradient in gradients)


def test_dropout_acts_only_in_training():
    keras.utils.set_random_seed(1)
    layer = DifferentialAttention(HEADS, WIDTH, dropout_rate=0.5)
    np.testing.assert_array_equal(layer(**event()), layer(**event(), training=False))
    assert np.abs(np.asarray(layer(**event(), training=True)) - np.asarray(layer(**event()))).max() > 1e-3


def test_impossible_arguments_are_refused():
    with pytest.raises(ConfigError, match="key_dim is 5 but differential attention halves it; choose an even one"):
        DifferentialAttention(2, 5)
    with pytest.raises(ConfigError, match=r"lambda_init is 1.0 but must lie in \[0, 1\); 0.8 is published"):
        DifferentialAttention(2, 4, lambda_init=1.0)
