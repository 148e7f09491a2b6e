"""Attention where random weights of convenient shapes do not look."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from mscat_tf.layers import KeyMaskedAttention, KeyOverlapAttention, MergeJets, QueryMaskedAttention
from mscat_tf.layers.attention_core import join_from_context, queries_for_context
from tests.layer_checks import softmax_attention


def test_the_bias_of_the_keys_may_be_zero():
    """It is, in a new network: it counts zero times, and no quotient by it may spoil the queries."""
    rng = np.random.default_rng(1)
    query, context = rng.normal(size=(2, 3, 4)).astype("f4"), rng.normal(size=(2, 7, 5)).astype("f4")
    of_query, of_key = (rng.normal(size=(features, 2, 6)).astype("f4") for features in (4, 5))
    query_bias, key_bias = rng.normal(size=(2, 6)).astype("f4"), np.zeros((2, 6), "f4")
    found = np.asarray(queries_for_context(query, of_query, query_bias, of_key, key_bias))
    assert found.shape == (2, 1, 3 * 2, 5)
    scores = np.einsum("bqc,bkc->bqk", found[:, 0], context).reshape(2, 3, 2, 7)
    queries, keys = (
        np.einsum("bqf,fhd->bqhd", query, of_query) + query_bias,
        np.einsum("bkc,chd->bkhd", context, of_key),
    )
    np.testing.assert_allclose(scores, np.einsum("bqhd,bkhd->bqhk", queries, keys), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("ones", [False, True])
def test_what_heads_read_of_the_context_is_joined(ones):
    """All numbers of tokens, heads, features and columns differ; weights of a query sum to 1, as without dropout."""
    rng = np.random.default_rng(2)
    weights = rng.dirichlet(np.ones(7), (2, 3 * 4)).reshape(2, 3, 4, 7)
    context = rng.normal(size=(2, 7, 5))
    value_kernel, value_bias = rng.normal(size=(5, 4, 6)), rng.normal(size=(4, 6))
    output_kernel, output_bias = rng.normal(size=(4, 6, 8)), rng.normal(size=8)
    of_context = np.concatenate([context, np.ones((2, 7, 1))], -1) if ones else context
    read = np.einsum("bqhk,bkc->bqhc", weights, of_context).reshape(2, 1, 12, -1)
    arguments = (read, value_kernel, value_bias, output_kernel, output_bias)
    found = np.asarray(join_from_context(*(argument.astype("f4") for argument in arguments)))
    values = np.einsum("bkc,chd->bkhd", context, value_kernel) + value_bias
    heads = np.einsum("bqhk,bkhd->bqhd", weights, values)
    np.testing.assert_allclose(
        found, np.einsum("bqhd,hdf->bqf", heads, output_kernel) + output_bias, rtol=1e-3, atol=1e-4
    )


@pytest.mark.parametrize(
    ("layer", "own"),
    [
        (
            KeyMaskedAttention(3, 5, 0.25, fused=True),
            {"num_heads": 3, "key_dim": 5, "dropout_rate": 0.25, "fused": True},
        ),
        (QueryMaskedAttention(3, 5), {"num_heads": 3, "key_dim": 5}),
        (MergeJets("add"), {"mode": "add"}),
    ],
)
def test_layers_are_made_again_from_what_they_save(layer, own):
    saved = keras.saving.serialize_keras_object(layer)
    again = keras.saving.deserialize_keras_object(saved)
    assert type(again) is type(layer)
    assert {name: getattr(again, name) for name in own} == own
    assert again.name == layer.name


def test_weights_are_saved_under_the_names_of_keras():
    """Files of weights know them by these."""
    ours, theirs = (
        KeyMaskedAttention(2, 3, 0.5, name="attention"),
        keras.layers.MultiHeadAttention(2, 3, name="attention"),
    )
    query, context = np.zeros((1, 4, 5), "f4"), np.zeros((1, 6, 7), "f4")
    ours(query, context)
    theirs(query, context)
    assert [weight.path for weight in ours.weights] == [weight.path for weight in theirs.weights]
    assert (ours.dropout.name, ours.dropout.rate) == ("dropout", 0.5)


def test_all_parts_have_the_precision_of_the_layer():
    layer = KeyMaskedAttention(2, 3, 0.5, dtype="mixed_bfloat16")
    layer(np.zeros((1, 4, 5), "f4"), np.zeros((1, 6, 7), "f4"))
    parts = (layer.query_dense, layer.key_dense, layer.value_dense, layer.output_dense, layer.dropout)
    assert {part.dtype_policy.name for part in parts} == {"mixed_bfloat16"}


def test_a_bias_of_the_scores_is_trained_and_dropped_out_with_them():
    """What `attend` writes out has no gradient for the bias, so it may not stand in here."""
    rng = np.random.default_rng(3)
    query, context = rng.normal(size=(2, 3, 4)).astype("f4"), rng.normal(size=(2, 5, 4)).astype("f4")
    bias = tf.Variable(rng.normal(size=(2, 1, 3, 5)).astype("f4"))
    layer = KeyMaskedAttention(2, 6, 0.5)
    with tf.GradientTape() as tape:
        read = layer(query, context, training=True, bias=bias)
        loss = tf.reduce_sum(read**2)
    assert np.abs(tape.gradient(loss, bias).numpy()).max() > 1e-4
    assert np.abs(read - layer(query, context, training=False, bias=bias)).max() > 1e-3
    assert np.abs(layer(query, context, training=True) - layer(query, context, training=False)).max() > 1e-3


def test_values_may_be_made_of_the_queries():
    """Widths differ. `softmax(Q K^T)` times its own transpose, rows divided by their sums, reads the queries."""
    rng = np.random.default_rng(4)
    query, context = rng.normal(size=(2, 3, 4)).astype("f4"), rng.normal(size=(2, 7, 5)).astype("f4")
    layer = KeyOverlapAttention(2, 6)
    found = np.asarray(layer(query, context))
    weights = [np.asarray(weight, "f8") for weight in layer.get_weights()]
    queries, keys, values = (
        np.einsum("btf,fhd->bhtd", tokens, kernel) + bias[None, :, None]
        for tokens, kernel, bias in zip((query, context, query), weights[:6:2], weights[1:6:2], strict=True)
    )
    heads = [
        [softmax_attention(q, k, k)[1] for q, k in zip(*event, strict=True)]
        for event in zip(queries, keys, strict=True)
    ]
    scores = np.array(heads)
    overlap = np.einsum("bhqk,bhpk->bhqp", scores, scores)
    overlap /= overlap.sum(axis=-1, keepdims=True)
    heads = np.einsum("bhqp,bhpd->bqhd", overlap, values)
    np.testing.assert_allclose(found, np.einsum("bqhd,hdf->bqf", heads, weights[6]) + weights[7], rtol=1e-3, atol=1e-4)
