"""Multi-head attention that cannot see padding."""

import keras
from keras import layers, ops

from mscat_tf.layers.checks import check_dropout_rate, check_positive

HIDDEN = -1e9
"""Score of a padded key: its exponential is exactly 0 beside that of any real key."""


SCORES = "bqhd,bkhd->bhqk"
"""From queries and keys `(batch, tokens, heads, width)`."""

READ = "bhqk,bkhd->bqhd"
"""From scores and values."""


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
        ConfigError: an argument is out of range.

    Source: Vaswani et al., arXiv:1706.03762; bias as in Qu, Li, Qian, arXiv:2202.03772, equation 5.
    """

    def __init__(self, num_heads, key_dim, dropout_rate=0.0, **kwargs):
        super().__init__(**kwargs)
        check_dropout_rate(self.name, dropout_rate)
        check_positive(self.name, num_heads=num_heads, key_dim=key_dim)
        self.num_heads, self.key_dim, self.dropout_rate = num_heads, key_dim, dropout_rate

    def build(self, query_shape, context_shape):
        heads, same = (self.num_heads, self.key_dim), {"dtype": self.dtype_policy}
        split, join = {"bias_axes": "de", **same}, {"bias_axes": "d", **same}
        self.query_dense = layers.EinsumDense("abc,cde->abde", (None, *heads), **split, name="query")
        self.key_dense = layers.EinsumDense("abc,cde->abde", (None, *heads), **split, name="key")
        self.value_dense = layers.EinsumDense("abc,cde->abde", (None, *heads), **split, name="value")
        self.output_dense = layers.EinsumDense(
            "abec,ecd->abd", (None, query_shape[-1]), **join, name="attention_output"
        )
        self.dropout = layers.Dropout(self.dropout_rate, **same, name="dropout")
        self.query_dense.build(query_shape)
        self.key_dense.build(context_shape)
        self.value_dense.build(self._source_of_values(query_shape, context_shape))
        self.output_dense.build((*query_shape[:-1], *heads))

    def call(self, query, context, context_mask=None, training=None, return_attention_scores=False, bias=None):
        if context_mask is not None:  # what padding holds, NaN included, must not reach the products below
            context = ops.where(ops.expand_dims(context_mask, -1), context, 0.0)
        scores = self._scores(self.query_dense(query), self.key_dense(context), context_mask, bias)
        weights = self.dropout(scores, training=training)
        read = self._read(weights, self.value_dense(self._source_of_values(query, context)))
        if context_mask is not None:
            any_real = ops.any(context_mask, axis=-1)
            read = ops.where(any_real[:, None, None], read, 0.0)
            scores = ops.where(any_real[:, None, None, None], scores, 0.0) if return_attention_scores else scores
        return (read, scores) if return_attention_scores else read

    def _source_of_values(self, query, context):
        """Which of the two the values are made of; also asked about their shapes."""
        return context

    def _scores(self, queries, keys, context_mask, bias):
        """Attention `(batch, num_heads, tokens_q, tokens_c)` from `(batch, tokens, num_heads, key_dim)`."""
        return softmax_over_keys(ops.einsum(SCORES, queries * self.key_dim**-0.5, keys), context_mask, bias)

    def _read(self, weights, values):
        """`(batch, tokens_q, features)` from attention and values `(batch, tokens_c, num_heads, key_dim)`."""
        return self.output_dense(ops.einsum(READ, weights, values))

    def get_config(self):
        own = ("num_heads", "key_dim", "dropout_rate")
        return {**super().get_config(), **{name: getattr(self, name) for name in own}}


def softmax_over_keys(scores, context_mask=None, bias=None):
    """Softmax of `scores + bias` over the real keys, in float32, back in the type of the scores.

    Args:
        scores: `(batch, num_heads, tokens_q, tokens_c)`. bias: of a shape that broadcasts to it.
        context_mask: bool `(batch, tokens_c)`. Without any real key the row is uniform: the caller must hide it.
    """
    precise = ops.cast(scores, "float32")
    if bias is not None:
        precise = precise + ops.cast(bias, "float32")
    if context_mask is not None:
        precise = ops.where(context_mask[:, None, None], precise, HIDDEN)
    return ops.cast(ops.softmax(precise, axis=-1), scores.dtype)
