"""Cross-attention between two scales of one event."""

import keras

from mscat_tf.layers.attention_block import AttentionBlock, attention_spec


@keras.saving.register_keras_serializable(package="mscat_tf")
class CrossAttentionBlock(AttentionBlock):
    """Let the tokens of one scale read the tokens of another: the pairs update the query tokens.

    Args:
        num_heads, key_dim, ...: see `AttentionBlock`. With `attention_kind` `key_overlap` the values come from the
            query tokens, else from the context.

    Call arguments:
        query: `(batch, tokens_q, features)`, e.g. the kinematics of jets and event.
        context: `(batch, tokens_c, features_c)`, e.g. the jets' constituents: keys and values.
        context_mask: bool `(batch, tokens_c)`, True where a token is real. Padding is hidden as a key; an event
            without any real token gets no attention term at all.
        return_attention_scores: also return the scores; same weights, for explanations only.

    Returns:
        `(batch, tokens_q, features)`, and on request the scores `(batch, num_heads, tokens_q, tokens_c)`.

    Source: arXiv:2401.00452, "step 2"; values come from the substructure as in the released code, because what the
    talk writes has no matching shapes.
    """

    norms = ("norm_query", "norm_context")

    def build(self, query_shape, context_shape):
        self.norm_query.build(query_shape)
        if self.norm_first:
            self.norm_context.build(context_shape)
        self.attention.build(query_shape, context_shape)
        self.feed_forward.build(query_shape)

    def call(self, query, context, context_mask=None, training=None, return_attention_scores=False):
        asking, answering = query, context
        if self.norm_first:
            asking, answering = self.norm_query(query), self.norm_context(context)
        return self._update(query, asking, answering, training, return_attention_scores, context_mask=context_mask)

    def compute_output_spec(self, query, context, context_mask=None, training=None, return_attention_scores=False):
        return attention_spec(self, query, context, return_attention_scores)
