"""The cross-attention block of the released code."""

import keras
from keras import layers

from mscat_tf.layers.attention_block import attention_spec
from mscat_tf.layers.checks import check_positive
from mscat_tf.layers.key_masked_attention import KeyMaskedAttention
from mscat_tf.layers.layer_normalisation import LayerNormalisation
from mscat_tf.layers.released_feed_forward import ReleasedFeedForward


@keras.saving.register_keras_serializable(package="mscat_tf")
class ReleasedCrossAttentionBlock(layers.Layer):
    """Let the tokens of one scale read those of another: `x = q + MHA(LN(q), LN(c))`, then `x + MLP(LN(x))`.

    Args:
        num_heads: int. Attention heads, each as wide as a query token.
        hidden_units: int. Hidden width of the MLP.
        dropout_rate: float in `[0, 1)`, after both dense layers of the MLP.

    Call arguments:
        query: `(batch, tokens_q, features)`, the kinematics.
        context: `(batch, tokens_c, features_c)`, the constituents: keys and values.
        context_mask: bool `(batch, tokens_c)`, True where a token is real; None means all are (fault B5).
        return_attention_scores: also return the scores; same weights, for explanations only.

    Returns:
        `(batch, tokens_q, features)`, and on request the scores `(batch, num_heads, tokens_q, tokens_c)`.

    Raises:
        ConfigError: an argument is out of range.

    Source: layout and sizes of the code released with arXiv:2401.00452.
    """

    def __init__(self, num_heads, hidden_units=64, dropout_rate=0.0, **kwargs):
        super().__init__(**kwargs)
        check_positive(self.name, num_heads=num_heads)
        same = {"dtype": self.dtype_policy}
        self.num_heads, self.hidden_units, self.dropout_rate = num_heads, hidden_units, dropout_rate
        self.norm_query = LayerNormalisation(**same, name="norm_query")
        self.norm_context = LayerNormalisation(**same, name="norm_context")
        self.feed_forward = ReleasedFeedForward(hidden_units, dropout_rate, **same, name="feed_forward")

    def build(self, query_shape, context_shape):
        self.attention = KeyMaskedAttention(self.num_heads, query_shape[-1], dtype=self.dtype_policy, name="attention")
        self.norm_query.build(query_shape)
        self.norm_context.build(context_shape)
        self.attention.build(query_shape, context_shape)
        self.feed_forward.build(query_shape)

    def call(self, query, context, context_mask=None, training=None, return_attention_scores=False):
        options = {
            "context_mask": context_mask,
            "training": training,
            "return_attention_scores": return_attention_scores,
        }
        found = self.attention(self.norm_query(query), self.norm_context(context), **options)
        read, scores = found if return_attention_scores else (found, None)
        query = self.feed_forward(query + read, training=training)
        return query if scores is None else (query, scores)

    def compute_output_spec(self, query, context, context_mask=None, training=None, return_attention_scores=False):
        return attention_spec(self, query, context, return_attention_scores)

    def get_config(self):
        own = ("num_heads", "hidden_units", "dropout_rate")
        return {**super().get_config(), **{name: getattr(self, name) for name in own}}
