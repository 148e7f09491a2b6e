"""Attention among queries that goes by way of a context: values are the queries' own."""

import keras
from keras import ops

from mscat_tf.layers.attention_core import products
from mscat_tf.layers.key_masked_attention import KeyMaskedAttention


@keras.saving.register_keras_serializable(package="mscat_tf")
class KeyOverlapAttention(KeyMaskedAttention):
    """Let query tokens read each other as far as they look at the same tokens of a context.

    With `A = softmax(Q K^T / sqrt(d))` over the context `(tokens_q, tokens_c)`, the overlap of two queries is
    `S = A A^T` `(tokens_q, tokens_q)`; its rows are divided by their sums and weigh the values, which are made of the
    queries. Arguments, calls and promises on padding are those of `KeyMaskedAttention`; the scores that it returns are
    A, dropout acts on A.

    Source: our reading of "Q, V = kinematics, K = substructure" in the talk on arXiv:2401.00452. What is written there,
    A V, has no matching shapes: A has a column for each context token, V a row for each query.
    """

    closed_form = False

    def __init__(self, num_heads, key_dim, dropout_rate=0.0, **kwargs):  # no `fused`: it has no such form
        super().__init__(num_heads, key_dim, dropout_rate, **kwargs)

    def _source_of_values(self, query, context):
        return query

    def _read(self, weights, values):
        overlap = products(weights, weights)
        total = ops.sum(overlap, axis=-1, keepdims=True)
        overlap = overlap / ops.where(total > 0, total, 1.0)  # dropout may leave a query without any key
        return super()._read(overlap, values)
