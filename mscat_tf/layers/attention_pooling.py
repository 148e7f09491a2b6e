"""One vector for a set of tokens, with learned weights."""

import keras
from keras import layers, ops

from mscat_tf.layers.key_masked_attention import KeyMaskedAttention


@keras.saving.register_keras_serializable(package="mscat_tf")
class AttentionPooling(layers.Layer):
    """Let one learned query, the same for all events, read a set of tokens. It does not depend on their order.

    Args:
        num_heads: int. Attention heads.
        key_dim: int. Width of one head.
        dropout_rate: float in `[0, 1)`, on the attention scores.

    Call arguments:
        tokens: `(batch, tokens, features)`.
        token_mask: bool `(batch, tokens)`, True where a token is real; None means all are.
        return_attention_scores: also return the scores; same weights, for explanations only.

    Returns:
        `(batch, features)`, exactly 0 for a set without any real token, and on request the scores
        `(batch, num_heads, 1, tokens)`.

    Raises:
        ConfigError: an argument is out of range.

    Source: pooling by attention of Lee et al., arXiv:1810.00825, with one seed vector and without its MLPs.
    """

    def __init__(self, num_heads, key_dim, dropout_rate=0.0, **kwargs):
        super().__init__(**kwargs)
        self.num_heads, self.key_dim, self.dropout_rate = num_heads, key_dim, dropout_rate
        same = {"dtype": self.dtype_policy}
        self.attention = KeyMaskedAttention(num_heads, key_dim, dropout_rate, **same, name="attention")

    def build(self, tokens_shape):
        start = keras.initializers.RandomNormal(stddev=0.02)
        self.query = self.add_weight(shape=(1, tokens_shape[-1]), initializer=start, name="query")
        self.attention.build((tokens_shape[0], 1, tokens_shape[-1]), tokens_shape)

    def call(self, tokens, token_mask=None, training=None, return_attention_scores=False):
        query = ops.zeros_like(tokens[:, :1]) + ops.cast(self.query, tokens.dtype)
        options = {"training": training, "return_attention_scores": return_attention_scores}
        found = self.attention(query, tokens, context_mask=token_mask, **options)
        read, scores = found if return_attention_scores else (found, None)
        return read[:, 0] if scores is None else (read[:, 0], scores)

    def get_config(self):
        own = ("num_heads", "key_dim", "dropout_rate")
        return {**super().get_config(), **{name: getattr(self, name) for name in own}}
