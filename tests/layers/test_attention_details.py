"""Attention where random weights of convenient shapes do not look."""

import keras
import numpy as np
import pytest

from mscat_tf.layers import KeyMaskedAttention, MergeJets, QueryMaskedAttention
from mscat_tf.layers.attention_core import join_from_context, queries_for_context


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
