"""Multi-head attention that cannot see padding."""

import keras
from keras import layers, ops

from mscat_tf.layers.checks import check_dropout_rate, check_positive


@keras.saving.register_keras_serializable(package="mscat_tf")
class KeyMaskedAttention(layers.Layer):
    """Let every query token read the real tokens of a context.

    `keras.layers.MultiHeadAttention` with two promises added: padding is hidden as a key, and a context without
    any real token gives exactly 0 (not the average of padding, nor the bias of the output projection).

    Args:
        num_heads: int. Attention heads.
        key_dim: int. Width of one head, for queries, keys and values.
        dropout_rate: float in `[0, 1)`, on the attention scores.

    Call arguments:
        query: `(batch, tokens_q, features)`.
        context: `(batch, tokens_c, features_c)`, source of keys and values.
        context_mask: bool `(batch, tokens_c)`, True where a token is real; None means all are.
        return_attention_scores: also return the scores.

    Returns:
        `(batch, tokens_q, features)`, and on request the scores `(batch, num_heads, tokens_q, tokens_c)` after
        softmax: rows sum to 1, or to 0 where the context has no real token.

    Raises:
        ConfigError: an argument is out of range.

    Source: Vaswani et al., arXiv:1706.03762.
    """

    def __init__(self, num_heads, key_dim, dropout_rate=0.0, **kwargs):
        super().__init__(**kwargs)
        check_dropout_rate(self.name, dropout_rate)
        check_positive(self.name, num_heads=num_heads, key_dim=key_dim)
        self.num_heads, self.key_dim, self.dropout_rate = num_heads, key_dim, dropout_rate
        self.attention = layers.MultiHeadAttention(
            num_heads, key_dim, dropout=dropout_rate, dtype=self.dtype_policy, name="attention"
        )

    def build(self, query_shape, context_shape):
        self.attention.build(query_shape, context_shape)

    def call(self, query, context, context_mask=None, training=None, return_attention_scores=False):
        keys = None if context_mask is None else ops.expand_dims(context_mask, 1)
        found = self.attention(
            query, context, attention_mask=keys, training=training, return_attention_scores=return_attention_scores
        )
        read, scores = found if return_attention_scores else (found, None)
        if keys is not None:
            any_real = ops.any(keys, axis=-1, keepdims=True)
            read = ops.where(any_real, read, 0.0)
            scores = None if scores is None else ops.where(any_real[:, None], scores, 0.0)
        return read if scores is None else (read, scores)

    def compute_output_shape(self, query_shape):
        return query_shape

    def get_config(self):
        own = ("num_heads", "key_dim", "dropout_rate")
        return {**super().get_config(), **{name: getattr(self, name) for name in own}}
