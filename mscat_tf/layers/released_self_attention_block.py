"""The self-attention block of the released code."""

import keras
from keras import layers

from mscat_tf.layers.attention_block import attention_spec
from mscat_tf.layers.checks import check_positive
from mscat_tf.layers.key_masked_attention import KeyMaskedAttention
from mscat_tf.layers.layer_normalisation import LayerNormalisation
from mscat_tf.layers.query_masked_attention import QueryMaskedAttention
from mscat_tf.layers.released_feed_forward import ReleasedFeedForward


@keras.saving.register_keras_serializable(package="mscat_tf")
class ReleasedSelfAttentionBlock(layers.Layer):
    """Let the tokens of one set read each other: `x = t + MHA(LN(t))`, then `x + MLP(LN(x))`; heads as wide as a token.

    Args:
        num_heads: int. Attention heads, each of width `features`.
        hidden_units: int. Hidden width of the MLP.
        dropout_rate: float in `[0, 1)`, after both dense layers of the MLP.
        mask_queries: bool. True makes fault B3 of the released code again, see `QueryMaskedAttention`.

    Call arguments:
        tokens: `(batch, tokens, features)`.
        token_mask: bool `(batch, tokens)`, True where a token is real; None means all are.
        return_attention_scores: also return the scores; same weights, for explanations only.

    Returns:
        `(batch, tokens, features)`, and on request the scores `(batch, num_heads, tokens, tokens)`.

    Raises:
        ConfigError: an argument is out of range.

    Source: layout and sizes of the code released with arXiv:2401.00452.
    """

    def __init__(self, num_heads, hidden_units=64, dropout_rate=0.0, mask_queries=False, **kwargs):
        super().__init__(**kwargs)
        check_positive(self.name, num_heads=num_heads)
        same = {"dtype": self.dtype_policy}
        self.num_heads, self.hidden_units = num_heads, hidden_units
        self.dropout_rate, self.mask_queries = dropout_rate, mask_queries
        self.norm = LayerNormalisation(**same, name="norm")
        self.feed_forward = ReleasedFeedForward(hidden_units, dropout_rate, **same, name="feed_forward")

    def build(self, tokens_shape):
        attention = QueryMaskedAttention if self.mask_queries else KeyMaskedAttention
        self.attention = attention(self.num_heads, tokens_shape[-1], dtype=self.dtype_policy, name="attention")
        self.norm.build(tokens_shape)
        self.attention.build(tokens_shape, tokens_shape)
        self.feed_forward.build(tokens_shape)

    def call(self, tokens, token_mask=None, training=None, return_attention_scores=False):
        normed = self.norm(tokens)
        options = {"context_mask": token_mask, "training": training, "return_attention_scores": return_attention_scores}
        found = self.attention(normed, normed, **options)
        read, scores = found if return_attention_scores else (found, None)
        tokens = self.feed_forward(tokens + read, training=training)
        return tokens if scores is None else (tokens, scores)

    def compute_output_spec(self, tokens, token_mask=None, training=None, return_attention_scores=False):
        return attention_spec(self, tokens, tokens, return_attention_scores)

    def get_config(self):
        own = ("num_heads", "hidden_units", "dropout_rate", "mask_queries")
        return {**super().get_config(), **{name: getattr(self, name) for name in own}}
