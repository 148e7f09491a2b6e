"""Self-attention inside one scale of an event."""

import keras

from mscat_tf.layers.attention_block import AttentionBlock, attention_spec


@keras.saving.register_keras_serializable(package="mscat_tf")
class SelfAttentionBlock(AttentionBlock):
    """Let the tokens of one set read each other.

    Args:
        num_heads, key_dim, ...: see `AttentionBlock`.

    Call arguments:
        tokens: `(batch, tokens, features)`, e.g. the constituents of a jet.
        token_mask: bool `(batch, tokens)`, True where a token is real; padding is hidden as a key, so real tokens
            cannot see it. Rows of padding come out finite and carry no meaning.
        bias: `(batch, num_heads or 1, tokens, tokens)`, added to the scores before softmax; None means 0.
        return_attention_scores: also return the scores; same weights, for explanations only.

    Returns:
        `(batch, tokens, features)`, and on request the scores `(batch, num_heads, tokens, tokens)`.

    Source: arXiv:2401.00452, "step 1".
    """

    def build(self, tokens_shape):
        self.norm.build(tokens_shape)
        self.attention.build(tokens_shape, tokens_shape)
        self.feed_forward.build(tokens_shape)

    def call(self, tokens, token_mask=None, bias=None, training=None, return_attention_scores=False):
        normed = self.norm(tokens) if self.norm_first else tokens
        options = {"context_mask": token_mask, "bias": bias}
        return self._update(tokens, normed, normed, training, return_attention_scores, **options)

    def compute_output_spec(self, tokens, token_mask=None, bias=None, training=None, return_attention_scores=False):
        return attention_spec(self, tokens, tokens, return_attention_scores)
