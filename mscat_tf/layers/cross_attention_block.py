"""Cross-attention between two scales of one event."""

import keras
from keras import layers

from mscat_tf.layers.feed_forward import FeedForward
from mscat_tf.layers.key_masked_attention import KeyMaskedAttention


@keras.saving.register_keras_serializable(package="mscat_tf")
class CrossAttentionBlock(layers.Layer):
    """Let the tokens of one scale read the tokens of another: the pairs update the query tokens.

    Pre-norm transformer block: `x = q + MHA(LN(q), LN(c))`, then `x + MLP(LN(x))`.

    Args:
        num_heads: int. Attention heads.
        key_dim: int. Width of one head.
        mlp_ratio: float. Hidden width of the MLP, as a multiple of `features`.
        dropout_rate: float in `[0, 1)`, on the attention scores and in the MLP.

    Call arguments:
        query: `(batch, tokens_q, features)`, e.g. the kinematics of jets and event.
        context: `(batch, tokens_c, features_c)`, e.g. the jets' constituents: keys and values.
        context_mask: bool `(batch, tokens_c)`, True where a token is real. Padding is hidden as a key; an event
            without any real token gets no attention term at all.
        return_attention_scores: also return the scores; same weights, for explanations only.

    Returns:
        `(batch, tokens_q, features)`, and on request the scores `(batch, num_heads, tokens_q, tokens_c)`.

    Raises:
        ConfigError: an argument is out of range.

    Source: arXiv:2401.00452, "step 2"; values come from the substructure as in the released code, because only
    that choice has matching shapes.
    """

    def __init__(self, num_heads, key_dim, mlp_ratio=2.0, dropout_rate=0.0, **kwargs):
        super().__init__(**kwargs)
        same = {"dtype": self.dtype_policy}
        self.num_heads, self.key_dim = num_heads, key_dim
        self.mlp_ratio, self.dropout_rate = mlp_ratio, dropout_rate
        self.norm_query = layers.LayerNormalization(**same, name="norm_query")
        self.norm_context = layers.LayerNormalization(**same, name="norm_context")
        self.attention = KeyMaskedAttention(num_heads, key_dim, dropout_rate, **same, name="attention")
        self.feed_forward = FeedForward(mlp_ratio, dropout_rate, **same, name="feed_forward")

    def build(self, query_shape, context_shape):
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

    def get_config(self):
        own = ("num_heads", "key_dim", "mlp_ratio", "dropout_rate")
        return {**super().get_config(), **{name: getattr(self, name) for name in own}}
