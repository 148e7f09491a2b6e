"""The block of the Particle Transformer, for constituents and for a class token."""

import keras
from keras import layers, ops

from mscat_tf.errors import ConfigError
from mscat_tf.layers.activations import gelu
from mscat_tf.layers.attention_block import attention_spec
from mscat_tf.layers.checks import check_dropout_rate, check_positive
from mscat_tf.layers.dropout import Dropout
from mscat_tf.layers.key_masked_attention import KeyMaskedAttention
from mscat_tf.layers.layer_normalisation import LayerNormalisation


@keras.saving.register_keras_serializable(package="mscat_tf")
class ParticleAttentionBlock(layers.Layer):
    """Let constituents read each other with a bias for each pair, or let a class token read them.

    Pre-norm with more normalisations and learned scales, in the manner of NormFormer (arXiv:2110.09456):
    `x = t + LN(c * MHA(LN(t)))`, then `s * x + Dense(LN(GELU(Dense(LN(x)))))`; c holds one number for each head,
    s one for each feature, both start at 1. With a class token, the query is the token as it is and the context is
    `LN(token and constituents)`; only the token is returned.

    Args:
        num_heads: int. Attention heads; the features are shared out among them.
        mlp_ratio: float. Hidden width of the MLP, as a multiple of `features`.
        dropout_rate: float in `[0, 1)`, on the attention scores, on what is read, and twice in the MLP.

    Call arguments:
        tokens: `(batch, tokens, features)`, the constituents of a jet.
        token_mask: bool `(batch, tokens)`, True where a token is real; padding is hidden as a key. None means all are.
        bias: `(batch, num_heads or 1, tokens, tokens)`, see `KeyMaskedAttention`; not for a class token.
        class_token: `(batch, 1, features)`, which is to read the tokens and itself.
        return_attention_scores: also return the scores; same weights, for explanations only.

    Returns:
        `(batch, tokens, features)`, or `(batch, 1, features)` of the class token; on request the scores too:
        `(batch, num_heads, tokens, tokens)`, or `(batch, num_heads, 1, 1 + tokens)` of the class token and the tokens.

    Raises:
        ConfigError: an argument is out of range, or the heads cannot share the features.

    Source: Qu, Li, Qian, arXiv:2202.03772, and its released code where the paper leaves a choice: c multiplies the
    output of the projection, cut into as many parts as there are heads, not the heads before it.
    """

    def __init__(self, num_heads, mlp_ratio=4.0, dropout_rate=0.0, **kwargs):
        super().__init__(**kwargs)
        check_dropout_rate(self.name, dropout_rate)
        check_positive(self.name, num_heads=num_heads, mlp_ratio=mlp_ratio)
        self.num_heads, self.mlp_ratio, self.dropout_rate = num_heads, mlp_ratio, dropout_rate

    def build(self, tokens_shape):
        features, same = tokens_shape[-1], {"dtype": self.dtype_policy}
        if features % self.num_heads:
            raise ConfigError(
                f"{self.name}: {self.num_heads} heads cannot share {features} features equally; choose a width that is "
                "a multiple of num_heads"
            )
        hidden_shape = (*tokens_shape[:-1], max(1, round(self.mlp_ratio * features)))
        self.head_scale = self.add_weight(shape=(self.num_heads,), initializer="ones", name="head_scale")
        self.residual_scale = self.add_weight(shape=(features,), initializer="ones", name="residual_scale")
        for name in ("norm_tokens", "norm_read", "norm_mlp", "norm_hidden"):
            setattr(self, name, LayerNormalisation(epsilon=1e-5, **same, name=name))
            getattr(self, name).build(hidden_shape if name == "norm_hidden" else tokens_shape)
        self.attention = KeyMaskedAttention(
            self.num_heads, features // self.num_heads, self.dropout_rate, **same, name="attention"
        )
        self.attention.build(tokens_shape, tokens_shape)
        self.hidden = layers.Dense(hidden_shape[-1], activation=gelu, **same, name="hidden")
        self.hidden.build(tokens_shape)
        self.out = layers.Dense(features, **same, name="out")
        self.out.build(hidden_shape)
        self.dropout = Dropout(self.dropout_rate, **same, name="dropout")

    def call(self, tokens, token_mask=None, bias=None, class_token=None, training=None, return_attention_scores=False):
        if class_token is None:
            query = context = self.norm_tokens(tokens)
            updated = tokens
        else:
            query = updated = class_token
            context = self.norm_tokens(ops.concatenate([class_token, tokens], axis=1))
            if token_mask is not None:
                token_mask = ops.concatenate([ops.ones_like(token_mask[:, :1]), token_mask], axis=1)
        options = {"training": training, "return_attention_scores": return_attention_scores}
        found = self.attention(query, context, context_mask=token_mask, bias=bias, **options)
        read, scores = found if return_attention_scores else (found, None)
        scale = ops.repeat(self.head_scale, tokens.shape[-1] // self.num_heads)
        updated = updated + self.dropout(self.norm_read(scale * read), training=training)
        hidden = self.dropout(self.hidden(self.norm_mlp(updated)), training=training)
        change = self.dropout(self.out(self.norm_hidden(hidden)), training=training)
        updated = self.residual_scale * updated + change
        return updated if scores is None else (updated, scores)

    def compute_output_spec(
        self, tokens, token_mask=None, bias=None, class_token=None, training=None, return_attention_scores=False
    ):
        if class_token is None:
            return attention_spec(self, tokens, tokens, return_attention_scores)
        together = keras.KerasTensor((tokens.shape[0], 1 + tokens.shape[1], tokens.shape[2]))
        return attention_spec(self, class_token, together, return_attention_scores)

    def get_config(self):
        own = ("num_heads", "mlp_ratio", "dropout_rate")
        return {**super().get_config(), **{name: getattr(self, name) for name in own}}
