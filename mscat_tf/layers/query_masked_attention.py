"""Multi-head attention with the mask on the wrong side, to measure what that costs."""

import keras
from keras import layers, ops

from mscat_tf.layers.checks import check_positive


@keras.saving.register_keras_serializable(package="mscat_tf")
class QueryMaskedAttention(layers.Layer):
    """Self-attention in which padded queries are masked and padded keys are not: fault B3 of the released code.

    A real query reads every token, padding included. A padded query has all its keys hidden, so its scores are the
    softmax of equal numbers: 1 / tokens for each. (Keras 2 does that by itself; Keras 3 would give 0.)

    Args:
        num_heads: int. Attention heads.
        key_dim: int. Width of one head, for queries, keys and values.

    Call arguments:
        query, context: `(batch, tokens, features)`, the same set of tokens.
        context_mask: bool `(batch, tokens)`, True where a token is real.
        return_attention_scores: also return the scores.

    Returns:
        `(batch, tokens, features)`, and on request the scores `(batch, num_heads, tokens, tokens)`.

    Raises:
        ConfigError: an argument is out of range.
    """

    def __init__(self, num_heads, key_dim, **kwargs):  # pragma: no mutate block
        super().__init__(**kwargs)
        check_positive(self.name, num_heads=num_heads, key_dim=key_dim)
        self.num_heads, self.key_dim = num_heads, key_dim
        self.attention = layers.MultiHeadAttention(num_heads, key_dim, dtype=self.dtype_policy, name="attention")

    def build(self, query_shape, context_shape):
        self.attention.build(query_shape, context_shape)

    def call(self, query, context, context_mask, training=None, return_attention_scores=False):
        found = self.attention(query, context, training=training, return_attention_scores=return_attention_scores)
        read, scores = found if return_attention_scores else (found, None)
        real = ops.expand_dims(context_mask, -1)
        average = self.attention.value_dense(ops.mean(context, axis=1, keepdims=True))
        read = ops.where(real, read, self.attention.output_dense(average))
        if scores is None:
            return read
        return read, ops.where(real[:, None], scores, 1.0 / scores.shape[-1])

    def compute_output_shape(self, query_shape):
        return query_shape

    def get_config(self):
        return {**super().get_config(), "num_heads": self.num_heads, "key_dim": self.key_dim}
