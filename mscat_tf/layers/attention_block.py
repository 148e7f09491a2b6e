"""What self- and cross-attention blocks share: their arguments, the residual and the MLP."""

import keras
from keras import layers

from mscat_tf.layers.checks import check_choice
from mscat_tf.layers.differential_attention import DifferentialAttention
from mscat_tf.layers.feed_forward import FeedForward
from mscat_tf.layers.key_masked_attention import KeyMaskedAttention
from mscat_tf.layers.key_overlap_attention import KeyOverlapAttention
from mscat_tf.layers.normalisations import normalisation_layer
from mscat_tf.layers.stochastic_depth import StochasticDepth

ATTENTIONS = ("softmax", "differential", "key_overlap")


def attention_spec(block, tokens, context, return_attention_scores):
    """What a call of a block returns, without tracing it, which would be most of the time to build a network.

    Args:
        block: a layer with `num_heads`. tokens, context: queries and keys.
    """
    found = keras.KerasTensor(tokens.shape, block.compute_dtype)
    scores = (tokens.shape[0], block.num_heads, tokens.shape[1], context.shape[1])
    return (found, keras.KerasTensor(scores, block.compute_dtype)) if return_attention_scores else found


class AttentionBlock(layers.Layer):
    """Base of the transformer blocks; it is no layer by itself.

    Pre-norm: `x = t + MHA(norm(t), ...)`, then `x + MLP(norm(x))`. Post-norm: `x = norm(t + MHA(t, ...))`, then
    `norm(x + MLP(x))`.

    Args:
        num_heads: int. Attention heads.
        key_dim: int. Width of one head.
        mlp_ratio: float. Hidden width of the MLP, as a multiple of `features`.
        dropout_rate: float in `[0, 1)`, on the attention scores and in the MLP.
        attention_kind: `softmax` (`KeyMaskedAttention`), `differential` (`DifferentialAttention`) or `key_overlap`
            (`KeyOverlapAttention`).
        lambda_init: float in `[0, 1)`. Of `differential` alone.
        normalisation: `layer` or `root_mean_square`, see `normalisation_layer`.
        norm_first: bool. Pre-norm instead of post-norm.
        stochastic_depth: float in `[0, 1)`. Share of events that lose the attention, and of those that lose the MLP,
            while training.
        fused_attention: bool. `fused` of `KeyMaskedAttention`, without dropout on the scores; the other kinds have no
            such form and stay as they are.
        attention_skip, mlp_skip: bool. Off, what attention or MLP give replaces the tokens (the `t` and `x` before a
            plus above go).

    Raises:
        ConfigError: an argument is out of range.

    Sources: arXiv:1706.03762 (post-norm), arXiv:2002.04745 (pre-norm), arXiv:1603.09382 (stochastic depth).
    """

    norms: tuple[str, ...] = ("norm",)
    """Names of the normalisations: of the tokens, then, with pre-norm alone, of the context."""

    def __init__(
        self,
        num_heads,
        key_dim,
        mlp_ratio=2.0,
        dropout_rate=0.0,
        attention_kind="softmax",
        lambda_init=0.8,
        normalisation="layer",
        norm_first=True,
        stochastic_depth=0.0,
        fused_attention=False,
        attention_skip=True,
        mlp_skip=True,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.num_heads, self.key_dim, self.mlp_ratio, self.dropout_rate = num_heads, key_dim, mlp_ratio, dropout_rate
        self.attention_kind, self.lambda_init = attention_kind, lambda_init
        self.normalisation, self.norm_first, self.stochastic_depth = normalisation, norm_first, stochastic_depth
        self.fused_attention, self.attention_skip, self.mlp_skip = fused_attention, attention_skip, mlp_skip
        same = {"dtype": self.dtype_policy}
        for name in self.norms if norm_first else self.norms[:1]:
            setattr(self, name, normalisation_layer(normalisation, **same, name=name))
        self.attention = self._attention_layer(same)
        self.drop = StochasticDepth(stochastic_depth, **same, name="stochastic_depth")
        options = {"normalisation": normalisation, "norm_first": norm_first, "stochastic_depth": stochastic_depth}
        options["skip"] = mlp_skip
        self.feed_forward = FeedForward(mlp_ratio, dropout_rate, **options, **same, name="feed_forward")

    def _attention_layer(self, same):
        check_choice(self.name, "attention_kind", self.attention_kind, ATTENTIONS)
        sizes = (self.num_heads, self.key_dim, self.dropout_rate)
        if self.attention_kind == "differential":
            return DifferentialAttention(*sizes, self.lambda_init, **same, name="attention")
        if self.attention_kind == "key_overlap":
            return KeyOverlapAttention(*sizes, **same, name="attention")
        return KeyMaskedAttention(*sizes, fused=self.fused_attention, **same, name="attention")

    def _update(self, tokens, query, context, training, return_attention_scores, **options):
        """Tokens `(batch, tokens, features)` after attention and MLP; on request the scores too."""
        found = self.attention(
            query, context, training=training, return_attention_scores=return_attention_scores, **options
        )
        read, scores = found if return_attention_scores else (found, None)
        read = self.drop(read, training=training)
        tokens = tokens + read if self.attention_skip else read
        if not self.norm_first:
            tokens = getattr(self, self.norms[0])(tokens)
        tokens = self.feed_forward(tokens, training=training)
        return tokens if scores is None else (tokens, scores)

    def get_config(self):
        own = (
            *("num_heads", "key_dim", "mlp_ratio", "dropout_rate", "attention_kind", "lambda_init"),
            *("normalisation", "norm_first", "stochastic_depth", "fused_attention", "attention_skip", "mlp_skip"),
        )
        return {**super().get_config(), **{name: getattr(self, name) for name in own}}
