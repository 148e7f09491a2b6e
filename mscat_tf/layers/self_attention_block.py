"""Self-attention inside one scale of an event."""

import keras
from keras import layers

from mscat_tf.layers.feed_forward import FeedForward
from mscat_tf.layers.key_masked_attention import KeyMaskedAttention


@keras.saving.register_keras_serializable(package="mscat_tf")
class SelfAttentionBlock(layers.Layer):
    """Let the tokens of one set read each other.

    Pre-norm transformer block: `x = t + MHA(LN(t))`, then `x + MLP(LN(x))`.

    Args:
        num_heads: int. Attention heads.
        key_dim: int. Width of one head.
        mlp_ratio: float. Hidden width of the MLP, as a multiple of `features`.
        dropout_rate: float in `[0, 1)`, on the attention scores and in the MLP.

    Call arguments:
        tokens: `(batch, tokens, features)`, e.g. the constituents of a jet.
        token_mask: bool `(batch, tokens)`, True where a token is real; padding is hidden as a key, so real tokens
            cannot see it. Rows of padding come out finite and carry no meaning.
        return_attention_scores: also return the scores; same weights, for explanations only.

    Returns:
        `(batch, tokens, features)`, and on request the scores `(batch, num_heads, tokens, tokens)`.

    Raises:
        ConfigError: an argument is out of range.

    Source: arXiv:2401.00452, "step 1"; pre-norm form: Xiong et al., arXiv:2002.04745.
    """

    def __init__(self, num_heads, key_dim, mlp_ratio=2.0, dropout_rate=0.0, **kwargs):
        super().__init__(**kwargs)
        same = {"dtype": self.dtype_policy}
        self.num_heads, self.key_dim = num_heads, key_dim
        self.mlp_ratio, self.dropout_rate = mlp_ratio, dropout_rate
        self.norm = layers.LayerNormalization(**same, name="norm")
        self.attention = KeyMaskedAttention(num_heads, key_dim, dropout_rate, **same, name="attention")
        self.feed_forward = FeedForward(mlp_ratio, dropout_rate, **same, name="feed_forward")

    def build(self, tokens_shape):
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

    def get_config(self):
        own = ("num_heads", "key_dim", "mlp_ratio", "dropout_rate")
        return {**super().get_config(), **{name: getattr(self, name) for name in own}}
