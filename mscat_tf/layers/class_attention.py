"""One vector for a jet, read by a class token in several steps."""

import keras
from keras import layers, ops

from mscat_tf.layers.checks import check_positive
from mscat_tf.layers.layer_normalisation import LayerNormalisation
from mscat_tf.layers.particle_attention_block import ParticleAttentionBlock


@keras.saving.register_keras_serializable(package="mscat_tf")
class ClassAttention(layers.Layer):
    """A learned token, the same for all jets, reads the constituents in one block after another; they stay as they are.

    It does not depend on their order. A jet without constituents gives what the token makes of itself.

    Args:
        num_blocks: int. Blocks `ParticleAttentionBlock`, each with weights of its own.
        num_heads: int. Attention heads.
        mlp_ratio: float. Hidden width of each block's MLP, as a multiple of `features`.
        dropout_rate: float in `[0, 1)`, see `ParticleAttentionBlock`; 0 as published.

    Call arguments:
        tokens: `(batch, tokens, features)`.
        token_mask: bool `(batch, tokens)`, True where a token is real; None means all are.
        return_attention_scores: also return the scores; same weights, for explanations only.

    Returns:
        `(batch, features)`, normalised, and on request the scores `(batch, num_heads, num_blocks, 1 + tokens)`: a row
        for each block, the class token itself first among the keys.

    Raises:
        ConfigError: an argument is out of range, or the heads cannot share the features.

    Source: arXiv:2202.03772; the idea is that of Touvron et al., arXiv:2103.17239.
    """

    def __init__(self, num_blocks, num_heads, mlp_ratio=4.0, dropout_rate=0.0, **kwargs):
        super().__init__(**kwargs)
        check_positive(self.name, num_blocks=num_blocks)
        self.num_blocks, self.num_heads = num_blocks, num_heads
        self.mlp_ratio, self.dropout_rate = mlp_ratio, dropout_rate
        same = {"dtype": self.dtype_policy}
        self.blocks = [
            ParticleAttentionBlock(num_heads, mlp_ratio, dropout_rate, **same, name=f"block_{number}")
            for number in range(1, num_blocks + 1)
        ]
        self.norm = LayerNormalisation(epsilon=1e-5, **same, name="norm")

    def build(self, tokens_shape):
        start = keras.initializers.TruncatedNormal(stddev=0.02)
        self.token = self.add_weight(shape=(1, tokens_shape[-1]), initializer=start, name="token")
        for block in self.blocks:
            block.build(tokens_shape)
        self.norm.build((tokens_shape[0], 1, tokens_shape[-1]))

    def call(self, tokens, token_mask=None, training=None, return_attention_scores=False):
        token, rows = ops.zeros_like(tokens[:, :1]) + self.token, []
        for block in self.blocks:
            options = {"class_token": token, "training": training, "return_attention_scores": return_attention_scores}
            found = block(tokens, token_mask, **options)
            token, scores = found if return_attention_scores else (found, None)
            rows.append(scores)
        read = self.norm(token)[:, 0]
        return (read, ops.concatenate(rows, axis=2)) if return_attention_scores else read

    def compute_output_spec(self, tokens, token_mask=None, training=None, return_attention_scores=False):
        read = keras.KerasTensor((tokens.shape[0], tokens.shape[-1]), self.compute_dtype)
        if not return_attention_scores:
            return read
        shape = (tokens.shape[0], self.num_heads, self.num_blocks, 1 + tokens.shape[1])
        return read, keras.KerasTensor(shape, self.compute_dtype)

    def get_config(self):
        own = ("num_blocks", "num_heads", "mlp_ratio", "dropout_rate")
        return {**super().get_config(), **{name: getattr(self, name) for name in own}}
