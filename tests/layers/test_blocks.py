"""Switches of the transformer blocks: kind of attention, normalisation, its place, bias, stochastic depth."""

import keras
import numpy as np
import pytest

from mscat_tf.errors import ConfigError
from mscat_tf.layers import CrossAttentionBlock, FeedForward, KeyOverlapAttention, SelfAttentionBlock, StochasticDepth
from tests.layer_checks import check_layer
from tests.layers.test_attention import CONTEXT, TOKENS, cloud, event, randomise


def test_post_norm_ends_with_a_normalisation():
    """Every token leaves with mean 0 and variance 1; pre-norm tokens do not."""
    for cls, inputs in ((SelfAttentionBlock, cloud()), (CrossAttentionBlock, event())):
        last = np.asarray(cls(2, 4, norm_first=False)(**inputs))
        np.testing.assert_allclose(last.mean(axis=-1), 0.0, atol=1e-5)
        np.testing.assert_allclose(last.var(axis=-1), 1.0, rtol=0.02)
        first = np.asarray(cls(2, 4)(**inputs))
        assert np.abs(first.var(axis=-1) - 1).max() > 0.2


def test_post_norm_block_by_its_formula():
    """Layer normalisation after each residual, none before; the layers' own outputs put together by hand."""
    block, inputs = SelfAttentionBlock(2, 4, norm_first=False), cloud()
    block(**inputs)
    randomise(block)
    tokens, mask = inputs["tokens"], inputs["token_mask"]

    def normalise(values, layer):
        spread = values - values.mean(axis=-1, keepdims=True)
        gamma, beta = layer.get_weights()
        return spread / np.sqrt((spread**2).mean(axis=-1, keepdims=True) + layer.epsilon) * gamma + beta

    middle = normalise(tokens + np.asarray(block.attention(tokens, tokens, mask)), block.norm)
    ff = block.feed_forward
    expected = normalise(middle + np.asarray(ff.out(ff.hidden(middle))), ff.norm)
    np.testing.assert_allclose(block(**inputs), expected, rtol=1e-4, atol=1e-5)


def test_root_mean_square_neither_shifts_nor_centres():
    """Tokens leave a post-norm block with mean square 1 and another mean than 0."""
    found = np.asarray(SelfAttentionBlock(2, 4, norm_first=False, normalisation="root_mean_square")(**cloud()))
    np.testing.assert_allclose((found**2).mean(axis=-1), 1.0, rtol=1e-4)
    assert np.abs(found.mean(axis=-1)).max() > 0.05


def test_bias_moves_attention():
    """A bias that hides all keys but one is attention to that one alone."""
    block, inputs = SelfAttentionBlock(2, 4), cloud(CONTEXT)
    bias = np.full((2, 1, CONTEXT, CONTEXT), -1e9, "float32")
    bias[..., 3] = 0.0
    _, scores = block(**inputs, bias=bias, return_attention_scores=True)
    np.testing.assert_array_equal(scores, np.broadcast_to(np.arange(CONTEXT) == 3, scores.shape).astype("float32"))


@pytest.mark.parametrize("kind", ["differential", "key_overlap"])
def test_other_kinds_of_attention_keep_the_promises_on_padding(kind):
    block = CrossAttentionBlock(2, 4, attention_kind=kind)
    block(**event())
    randomise(block)
    clean, dirty = event(2), event(2)
    dirty["context"][:, 2:] = np.nan
    np.testing.assert_array_equal(block(**clean), block(**dirty))
    np.testing.assert_array_equal(block(**event(0)), block.feed_forward(event()["query"]))
    order = [4, 2, 0, 1, 3]
    moved = {name: values[:, order] if name != "query" else values for name, values in event().items()}
    np.testing.assert_allclose(block(**event()), block(**moved), rtol=1e-4, atol=1e-4)


def test_key_overlap_equals_a_loop_over_queries():
    """S = A A^T with rows divided by their sums, on values made of the queries."""
    block, inputs = CrossAttentionBlock(2, 4, attention_kind="key_overlap"), event()
    block(**inputs)
    randomise(block)
    attention = block.attention
    found, scores = attention(**inputs, return_attention_scores=True)
    scores = np.asarray(scores)
    wv, bv, wo, bo = attention.get_weights()[4:]
    assert wv.shape == (8, 2, 4)
    expected = np.zeros((2, TOKENS, 8)) + bo
    for i, head, q in np.ndindex(2, 2, TOKENS):
        overlap = np.array([scores[i, head, q] @ scores[i, head, other] for other in range(TOKENS)])
        values = inputs["query"][i] @ wv[:, head] + bv[head]
        expected[i, q] += (overlap / overlap.sum()) @ values @ wo[head]
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_key_overlap_contract(tmp_path):
    check_layer(KeyOverlapAttention, {"num_heads": 2, "key_dim": 4, "dropout_rate": 0.1}, event(), tmp_path)


def test_key_overlap_survives_dropout_of_every_key():
    block = CrossAttentionBlock(2, 4, dropout_rate=0.9, attention_kind="key_overlap")
    assert np.isfinite(block(**event(1), training=True)).all()


def test_stochastic_depth_contract(tmp_path):
    check_layer(StochasticDepth, {"rate": 0.3}, {"branch": event()["query"]}, tmp_path)


def test_stochastic_depth_keeps_the_mean_and_drops_whole_events():
    """20 000 events: a share of 0.3 loses all of its branch, the mean stays within five standard errors."""
    keras.utils.set_random_seed(1)
    layer, branch = StochasticDepth(0.3), np.ones((20_000, 2, 3), "float32")
    found = np.asarray(layer(branch, training=True))
    assert np.all(found == found[:, :1, :1])
    assert set(np.unique(found)) == {np.float32(0), np.float32(1) / np.float32(0.7)}
    error = np.sqrt(0.3 / 0.7 / 20_000)
    assert abs(found[:, 0, 0].mean() - 1) < 5 * error
    np.testing.assert_array_equal(layer(branch), branch)
    assert np.any(np.asarray(layer(branch, training=True)) != found)


def test_an_event_may_lose_attention_or_mlp_and_keeps_its_tokens():
    """With four outcomes for an event; both lost is the identity, and inference ignores the rate."""
    keras.utils.set_random_seed(2)
    block, plain = SelfAttentionBlock(2, 4, stochastic_depth=0.5), SelfAttentionBlock(2, 4)
    one = {name: np.repeat(values[:1], 60, axis=0) for name, values in cloud().items()}
    block(**one)
    plain(**one)
    plain.set_weights([weight for weight in block.get_weights() if weight.dtype == np.float32])
    np.testing.assert_array_equal(block(**one), plain(**one))
    found = np.asarray(block(**one, training=True))
    assert len(np.unique(found.round(4), axis=0)) == 4
    assert np.any(np.all(found == one["tokens"], axis=(1, 2)))


def test_without_skips_only_what_was_read_is_left():
    """Post-norm with neither skip: norm(MLP(norm(attention))), by the block's own parts."""
    block, one = SelfAttentionBlock(2, 4, norm_first=False, attention_skip=False, mlp_skip=False), cloud()
    found = np.asarray(block(**one))
    read = block.norm(block.attention(one["tokens"], one["tokens"], context_mask=one["token_mask"]))
    mlp = block.feed_forward
    hidden = mlp.hidden(np.reshape(read, (-1, read.shape[-1])))
    np.testing.assert_allclose(found, mlp.norm(np.reshape(mlp.out(hidden), read.shape)), atol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"attention_kind": "linear"}, "attention_kind 'linear' is unknown; choose from softmax, differential"),
        ({"normalisation": "batch"}, "normalisation 'batch' is unknown; choose from layer, root_mean_square"),
        ({"stochastic_depth": 1.0}, "rate is 1.0 but must lie in"),
    ],
)
def test_impossible_switches_are_refused(arguments, sentence):
    with pytest.raises(ConfigError, match=sentence):
        SelfAttentionBlock(2, 4, **arguments)
    if "attention_kind" not in arguments:
        with pytest.raises(ConfigError, match=sentence):
            FeedForward(**arguments)(event()["query"])
