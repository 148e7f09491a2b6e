"""Pooling by a learned query, the class token, and masks that are ignored."""

import numpy as np
import pytest

from mscat_tf.errors import ConfigError
from mscat_tf.layers import AttentionPooling, ClassToken, IgnoreMask, TokenEmbedding
from tests.layer_checks import check_layer, softmax_attention
from tests.layers.test_attention import cloud, randomise


def test_contracts(tmp_path):
    check_layer(AttentionPooling, {"num_heads": 2, "key_dim": 3, "dropout_rate": 0.1}, cloud(), tmp_path)
    check_layer(ClassToken, {}, {"tokens": cloud()["tokens"]}, tmp_path)
    check_layer(IgnoreMask, {}, {"token_mask": cloud()["token_mask"]}, tmp_path)


def test_pooling_equals_attention_of_one_query():
    layer, inputs = AttentionPooling(1, 3), cloud(3)
    layer(**inputs)
    randomise(layer)
    query, wq, bq, wk, bk, wv, bv, wo, bo = layer.get_weights()
    found, scores = layer(**inputs, return_attention_scores=True)
    assert scores.shape == (2, 1, 1, 5)
    for i, tokens in enumerate(inputs["tokens"]):
        parts = (query @ wq[:, 0] + bq[0], tokens @ wk[:, 0] + bk[0], tokens @ wv[:, 0] + bv[0])
        read, weights = softmax_attention(*parts, inputs["token_mask"][i])
        np.testing.assert_allclose(found[i], (read @ wo[0] + bo)[0], rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(scores[i, 0], weights, atol=1e-6)


def test_pooling_sees_a_set_of_real_tokens_only():
    layer, order = AttentionPooling(2, 3), [3, 0, 4, 1, 2]
    layer(**cloud())
    randomise(layer)
    inputs, dirty = cloud(3), cloud(3)
    dirty["tokens"][:, 3:] = np.inf
    np.testing.assert_array_equal(layer(**inputs), layer(**dirty))
    moved = {name: values[:, order] for name, values in inputs.items()}
    np.testing.assert_allclose(layer(**inputs), layer(**moved), atol=1e-5)
    assert np.all(np.asarray(layer(**cloud(0))) == 0)


def test_class_token_is_the_last_and_the_same_for_all_events():
    layer, tokens = ClassToken(), cloud()["tokens"]
    found = np.asarray(layer(tokens))
    np.testing.assert_array_equal(found[:, :-1], tokens)
    np.testing.assert_array_equal(found[:, -1], np.tile(layer.get_weights()[0], (2, 1)))
    assert np.ptp(found[:, -1]) > 0


def test_ignored_masks_call_everything_real():
    assert np.all(IgnoreMask()(cloud(2)["token_mask"]))


def test_tokens_that_are_alike_share_a_vector():
    layer, tokens = TokenEmbedding(5, alike=3), cloud()["tokens"]
    added = np.asarray(layer(tokens)) - tokens
    vectors = layer.get_weights()[0]
    assert vectors.shape == (3, 6)
    np.testing.assert_allclose(added, np.broadcast_to(vectors[[0, 0, 0, 1, 2]], tokens.shape), atol=1e-6)
    with pytest.raises(ConfigError, match="alike is 3 but there are 2 tokens"):
        TokenEmbedding(2, alike=3)
