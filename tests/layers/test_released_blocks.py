"""The released code's blocks: sizes to the last weight, and both sides of the mask against a NumPy oracle."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import erf

from mscat_tf.errors import ConfigError
from mscat_tf.layers import (
    QueryMaskedAttention,
    ReleasedCrossAttentionBlock,
    ReleasedFeedForward,
    ReleasedSelfAttentionBlock,
    TwoClassLogit,
)
from tests.layer_checks import check_layer, softmax_attention

QUERIES, TOKENS = 3, 5
RNG = np.random.default_rng(4)
CLOUD = RNG.normal(size=(2, TOKENS, 4)).astype("float32")
KINEMATICS = RNG.normal(size=(2, QUERIES, 6)).astype("float32")
MASK = np.array([[True, True, True, False, False], [True, False, False, False, False]])

ATTENTION = {"num_heads": 2, "key_dim": 3}
MLP = {"hidden_units": 8, "dropout_rate": 0.1}
OWN = {"query": CLOUD, "context": CLOUD, "context_mask": MASK}
SET = {"tokens": CLOUD, "token_mask": MASK}
BOTH = {"query": KINEMATICS, "context": CLOUD, "context_mask": MASK}


def moved(layer, inputs):
    """Built, with weights away from their start (biases are 0 there)."""
    layer(**inputs)
    rng = np.random.default_rng(3)
    layer.set_weights([w + rng.normal(0, 0.3, w.shape).astype("float32") for w in layer.get_weights()])
    return layer


@pytest.mark.parametrize(
    ("cls", "init", "inputs"),
    [
        (QueryMaskedAttention, ATTENTION, OWN),
        (ReleasedFeedForward, MLP, {"tokens": CLOUD}),
        (ReleasedSelfAttentionBlock, {"num_heads": 2, **MLP, "mask_queries": True}, SET),
        (ReleasedCrossAttentionBlock, {"num_heads": 2, **MLP}, BOTH),
        (TwoClassLogit, {}, {"classes": CLOUD[:, 0, :2]}),
    ],
)
def test_contract(cls, init, inputs, tmp_path):
    check_layer(cls, init, inputs, tmp_path)


def test_sizes_of_the_released_blocks():
    """Counted in the released code: 5 heads, 50 x 4, 3 x 6, and 3 x 6 reading 50 x 4."""
    for layer, shapes, count in (
        (ReleasedSelfAttentionBlock(5), [(None, 50, 4)], 980),
        (ReleasedSelfAttentionBlock(5), [(None, 3, 6)], 1_678),
        (ReleasedSelfAttentionBlock(5, mask_queries=True), [(None, 50, 4)], 980),
        (ReleasedCrossAttentionBlock(5), [(None, 3, 6), (None, 50, 4)], 1_566),
    ):
        layer.build(*shapes)
        assert layer.count_params() == count


@pytest.mark.parametrize(
    ("layer", "inputs"), [(ReleasedSelfAttentionBlock(2), SET), (ReleasedCrossAttentionBlock(2), BOTH)]
)
@pytest.mark.parametrize("asked", [False, True])
def test_promised_shapes_are_the_real_ones(layer, inputs, asked):
    promised = layer.compute_output_spec(**inputs, return_attention_scores=asked)
    found = layer(**inputs, return_attention_scores=asked)
    for one, other in zip(*(values if asked else [values] for values in (promised, found)), strict=True):
        assert (one.shape, one.dtype) == (tuple(other.shape), other.dtype.name)


def norm(layer, tokens):
    """Layer normalisation by the formula, epsilon 1e-3 as Keras has it."""
    centred = tokens - tokens.mean(axis=-1, keepdims=True)
    gamma, beta = layer.get_weights()
    return centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + 1e-3) * gamma + beta


def dense_gelu(layer, x):
    weight, bias = layer.get_weights()
    y = x @ weight + bias
    return y * (1 + erf(y / np.sqrt(2))) / 2


def feed_forward(layer, tokens):
    return tokens + dense_gelu(layer.out, dense_gelu(layer.hidden, norm(layer.norm, tokens)))


def attention(layer, query, context, visible):
    """One event and one head at a time; `visible` are the keys of each query, none means all alike."""
    wq, bq, wk, bk, wv, bv, wo, bo = layer.attention.get_weights()
    read = np.zeros(query.shape) + bo
    scores = np.zeros((len(query), wq.shape[1], query.shape[1], context.shape[1]))
    for event, head in np.ndindex(scores.shape[:2]):
        q, k = query[event] @ wq[:, head] + bq[head], context[event] @ wk[:, head] + bk[head]
        v = context[event] @ wv[:, head] + bv[head]
        for row, seen in enumerate(visible[event]):
            one = np.zeros_like(q[row]) if not seen.any() else q[row]
            out, scores[event, head, row] = softmax_attention(one[None], k, v, seen if seen.any() else None)
            read[event, row] += out[0] @ wo[head]
    return read, scores


@pytest.mark.parametrize("mask_queries", [False, True])
def test_self_attention_block_equals_a_loop(mask_queries):
    """Fault B3: a real query reads all five places, a padded one all of them alike."""
    block = moved(ReleasedSelfAttentionBlock(2, hidden_units=7, mask_queries=mask_queries), SET)
    found, scores = block(**SET, return_attention_scores=True)
    normed = norm(block.norm, CLOUD)
    visible = np.broadcast_to(MASK[:, :, None] if mask_queries else MASK[:, None], (2, TOKENS, TOKENS))
    read, expected = attention(block, normed, normed, visible)
    np.testing.assert_allclose(scores, expected, atol=1e-5)
    np.testing.assert_allclose(found, feed_forward(block.feed_forward, CLOUD + read), atol=1e-4)
    np.testing.assert_allclose(block(**SET), found, atol=1e-6)
    padding = np.asarray(scores).transpose(0, 2, 1, 3)[~MASK]
    if mask_queries:
        np.testing.assert_allclose(padding, 1 / TOKENS)
    else:
        assert np.all(np.asarray(scores).transpose(0, 3, 1, 2)[~MASK] == 0)


@pytest.mark.parametrize("mask", [MASK, None])
def test_cross_attention_block_equals_a_loop(mask):
    """Fault B5 is no mask: the kinematics read padding."""
    inputs = {**BOTH, "context_mask": mask}
    block = moved(ReleasedCrossAttentionBlock(2, hidden_units=7), inputs)
    found, scores = block(**inputs, return_attention_scores=True)
    visible = np.broadcast_to((MASK if mask is not None else np.ones_like(MASK))[:, None], (2, QUERIES, TOKENS))
    read, expected = attention(block, norm(block.norm_query, KINEMATICS), norm(block.norm_context, CLOUD), visible)
    np.testing.assert_allclose(scores, expected, atol=1e-5)
    np.testing.assert_allclose(found, feed_forward(block.feed_forward, KINEMATICS + read), atol=1e-4)
    assert (np.asarray(scores).transpose(0, 3, 1, 2)[~MASK] > 0).all() == (mask is None)


@pytest.mark.parametrize("mask_queries", [False, True])
def test_what_stands_in_a_padded_place(mask_queries):
    """It reaches every real constituent with the mask on the queries, and none with the mask on the keys."""
    block = moved(ReleasedSelfAttentionBlock(2, mask_queries=mask_queries), SET)
    dirty = CLOUD.copy()
    dirty[~MASK] += RNG.normal(size=(6, 4)).astype("float32")
    difference = np.abs(np.asarray(block(**SET)) - np.asarray(block(dirty, MASK)))[MASK].max(axis=-1)
    assert difference.min() > 1e-4 if mask_queries else difference.max() == 0


@settings(deadline=None)
@given(st.floats(-30, 30, width=32), st.floats(-30, 30, width=32))
def test_logit_of_two_classes(background, signal):
    """Sigmoid of it = softmax, both in double precision from the standard formulas."""
    logit = float(TwoClassLogit()(np.float32([[background, signal]]))[0, 0])
    largest = max(background, signal)
    powers = np.exp(np.array([background, signal], "float64") - largest)
    np.testing.assert_allclose(1 / (1 + np.exp(-logit)), powers[1] / powers.sum(), rtol=1e-5)


def test_arguments_out_of_range_are_refused():
    for wrong in (lambda: ReleasedSelfAttentionBlock(0), lambda: ReleasedCrossAttentionBlock(2, dropout_rate=10)):
        with pytest.raises(ConfigError, match="must"):
            wrong()
