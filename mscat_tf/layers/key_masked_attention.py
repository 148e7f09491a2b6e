"""Multi-head attention that cannot see padding."""

from typing import Any

import keras
from keras import layers, ops

from mscat_tf.errors import ConfigError
from mscat_tf.layers.attention_core import (
    added_to_scores,
    attend,
    attend_fused,
    cheaper_without_keys,
    join_from_context,
    products,
    queries_for_context,
    softmax_over_keys,
    with_ones,
)
from mscat_tf.layers.checks import check_dropout_rate, check_positive
from mscat_tf.layers.dropout import Dropout


@keras.saving.register_keras_serializable(package="mscat_tf")
class KeyMaskedAttention(layers.Layer):
    """Let every query token read the real tokens of a context.

    `keras.layers.MultiHeadAttention` (same weights in the same order) with three things added: padding is hidden as a
    key, whatever it holds; a context without any real token gives exactly 0 (not the average of padding, nor the bias
    of the output projection); the scores may be given a bias, for which Keras' layer has no argument. Softmax is
    taken in float32 under any policy.

    Args:
        num_heads: int. Attention heads.
        key_dim: int. Width of one head, for queries, keys and values.
        dropout_rate: float in `[0, 1)`, on the attention scores.
        fused: bool. Read by `keras.ops.dot_product_attention`, one operation for which a backend may have one kernel.
            It cannot drop scores, so `dropout_rate` then has no effect. Where the scores are asked for they are
            computed as without it, from the same weights.

    Call arguments:
        query: `(batch, tokens_q, features)`.
        context: `(batch, tokens_c, features_c)`, source of keys and values.
        context_mask: bool `(batch, tokens_c)`, True where a token is real; None means all are.
        return_attention_scores: also return the scores.
        bias: `(batch, num_heads or 1, tokens_q, tokens_c)`, added to the scores before softmax, e.g. of
            `PairInteractions`; None means 0.

    Returns:
        `(batch, tokens_q, features)`, and on request the scores `(batch, num_heads, tokens_q, tokens_c)` after
        softmax: rows sum to 1, or to 0 where the context has no real token.

    Raises:
        ConfigError: an argument is out of range, or `fused` is asked of a class that has no such form.

    Source: Vaswani et al., arXiv:1706.03762; bias as in Qu, Li, Qian, arXiv:2202.03772, equation 5.
    """

    closed_form = True
    """Whether `attend` in training, or `attend_fused`, may stand for `_scores`, dropout and `_read` of this class."""

    def __init__(self, num_heads, key_dim, dropout_rate=0.0, fused=False, **kwargs):  # pragma: no mutate block
        super().__init__(**kwargs)
        check_dropout_rate(self.name, dropout_rate)
        check_positive(self.name, num_heads=num_heads, key_dim=key_dim)
        if fused and not self.closed_form:
            raise ConfigError(f"{self.name}: {type(self).__name__} has no fused form; leave fused at False")
        self.num_heads, self.key_dim, self.dropout_rate, self.fused = num_heads, key_dim, dropout_rate, fused

    def build(self, query_shape, context_shape):
        heads, same = (self.num_heads, self.key_dim), {"dtype": self.dtype_policy}
        split, join = {"bias_axes": "de", **same}, {"bias_axes": "d", **same}
        self.query_dense = layers.EinsumDense("abc,cde->abde", (None, *heads), **split, name="query")
        self.key_dense = layers.EinsumDense("abc,cde->abde", (None, *heads), **split, name="key")
        self.value_dense = layers.EinsumDense("abc,cde->abde", (None, *heads), **split, name="value")
        self.output_dense = layers.EinsumDense(
            "abec,ecd->abd", (None, query_shape[-1]), **join, name="attention_output"
        )
        self.dropout = Dropout(0.0 if self.fused else self.dropout_rate, **same, name="dropout")
        self.query_dense.build(query_shape)
        self.key_dense.build(context_shape)
        self.value_dense.build(self._source_of_values(query_shape, context_shape))
        self.output_dense.build((*query_shape[:-1], *heads))

    def call(self, query, context, context_mask=None, training=None, return_attention_scores=False, bias=None):
        if context_mask is not None:  # what padding holds, NaN included, must not reach the products below
            context = ops.where(ops.expand_dims(context_mask, -1), context, 0.0)
        of_context = bias is None and self._cheaper_of_context(query, context)
        asked = self._ask_context(query, context, training) if of_context else self._project(query, context)
        added = added_to_scores(context_mask, bias)
        heads, scores = self._attend(asked, added, training, bias is None, return_attention_scores)
        read = self._join_from_context(heads) if of_context else self._join(heads)
        if context_mask is not None:
            any_real = ops.any(context_mask, axis=-1)
            read = ops.where(any_real[:, None, None], read, 0.0)
            scores = ops.where(any_real[:, None, None, None], scores, 0.0) if return_attention_scores else scores
        if not return_attention_scores:
            return read
        if of_context:  # heads as rows of each query
            scores = ops.reshape(scores, (-1, query.shape[1], self.num_heads, ops.shape(context)[1]))
            scores = ops.transpose(scores, (0, 2, 1, 3))
        return read, scores

    def _source_of_values(self, query, context):
        """Which of the two the values are made of; also asked about their shapes."""
        return context

    def _cheaper_of_context(self, query, context):
        """Whether the heads read the context itself, see `queries_for_context`."""
        tokens, features = context.shape[1:]
        return self.closed_form and cheaper_without_keys(query.shape[1], tokens, features, self.key_dim)

    def _ask_context(self, query, context, training):
        """Queries, keys and values of one head that stands for all: `(batch, 1, tokens, features)`."""
        weights = [weight for dense in (self.query_dense, self.key_dense) for weight in (dense.kernel, dense.bias)]
        queries = queries_for_context(query, *weights)
        values = with_ones(context) if training and self.dropout.rate > 0 else context
        return queries, context[:, None], values[:, None]

    def _join_from_context(self, read):
        value, output = self.value_dense, self.output_dense
        return join_from_context(read, value.kernel, value.bias, output.kernel, output.bias)

    def _attend(self, asked, added, training, no_bias, return_attention_scores):
        """What the heads read, and the scores where they are computed by themselves."""
        (queries, keys, values), scale = asked, self.key_dim**-0.5
        if self.fused and not return_attention_scores:
            return attend_fused(queries, keys, values, scale, added), None
        if training and self.closed_form and no_bias and not return_attention_scores:
            return attend(queries, keys, values, scale, added, self.dropout), None
        scores = self._scores(queries, keys, added)
        return self._read(self.dropout(scores, training=training), values), scores

    def _project(self, query, context):
        """Queries, keys and values `(batch, num_heads, tokens, key_dim)`; those of the same tokens in one product."""
        denses = (self.query_dense, self.key_dense, self.value_dense)
        sources = (query, context, self._source_of_values(query, context))
        found: dict[str, Any] = {}
        for source in {id(source): source for source in sources}.values():
            group = [dense for dense, its_own in zip(denses, sources, strict=True) if its_own is source]
            found |= zip((dense.name for dense in group), project(source, group), strict=True)
        return tuple(found[dense.name] for dense in denses)

    def _scores(self, queries, keys, added):
        """Attention `(batch, num_heads, tokens_q, tokens_c)` from queries and keys; `added` to it before softmax."""
        return softmax_over_keys(products(queries, keys), self.key_dim**-0.5, added)

    def _read(self, weights, values):
        """What each head reads, `(batch, num_heads, tokens_q, key_dim)`."""
        return ops.matmul(weights, values)

    def _join(self, heads):
        """`(batch, tokens_q, features)` from what the heads read."""
        kernel, tokens = self.output_dense.kernel, ops.shape(heads)[2]
        flat = ops.reshape(ops.transpose(heads, (0, 2, 1, 3)), (-1, self.num_heads * self.key_dim))
        joined = ops.add(ops.matmul(flat, ops.reshape(kernel, (flat.shape[-1], -1))), self.output_dense.bias)
        return ops.reshape(joined, (-1, tokens, kernel.shape[-1]))

    def get_config(self):
        own = ("num_heads", "key_dim", "dropout_rate", "fused")
        return {**super().get_config(), **{name: getattr(self, name) for name in own}}


def project(tokens, denses):
    """Tokens `(batch, tokens, features)` through several projections, as one matrix product over all tokens.

    Keras' own form is a product for each event, whose gradient makes a kernel for each event too and then adds them.

    Args:
        denses: layers `EinsumDense` with kernels `(features, heads, width)`, all of the same shape.

    Returns:
        A list of `(batch, heads, tokens, width)`, an entry for each layer.
    """
    features, heads, width = denses[0].kernel.shape
    kernel = ops.concatenate([ops.reshape(dense.kernel, (features, heads * width)) for dense in denses], axis=1)
    bias = ops.concatenate([ops.reshape(dense.bias, (heads * width,)) for dense in denses])
    flat = ops.add(ops.matmul(ops.reshape(tokens, (-1, features)), kernel), bias)
    split = ops.reshape(flat, (-1, ops.shape(tokens)[1], len(denses), heads, width))
    return ops.unstack(ops.transpose(split, (2, 0, 3, 1, 4)), len(denses))
