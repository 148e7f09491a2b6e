"""Attention as the difference of two: what both maps see cancels."""

import keras
from keras import layers, ops

from mscat_tf.errors import ConfigError
from mscat_tf.layers.attention_core import products, softmax_over_keys
from mscat_tf.layers.key_masked_attention import KeyMaskedAttention

NORM_EPSILON = 1e-5


@keras.saving.register_keras_serializable(package="mscat_tf")
class DifferentialAttention(KeyMaskedAttention):
    """Let every query token read the real tokens of a context, with the common part of two attention maps taken away.

    Each head splits its queries and keys into halves and weighs the values with
    `softmax(Q1 K1 + bias) - lambda softmax(Q2 K2 + bias)`. `lambda = exp(q1 . k1) - exp(q2 . k2) + lambda_init` is one
    number of the layer, from four learned vectors. What a head reads is divided by its root mean square, multiplied by
    a learned scale (the same for all heads) and by `1 - lambda_init`. Calls and promises on padding are those of
    `KeyMaskedAttention`; so are the weights of the projections, hence their number with equal arguments.

    Args:
        num_heads: int. Attention heads, each with two maps.
        key_dim: int, even. Width of one head's values, and of both halves of its queries and keys together.
        dropout_rate: float in `[0, 1)`, on the difference of the maps.
        lambda_init: float in `[0, 1)`. Where lambda starts.

    Call arguments:
        query, context, context_mask, return_attention_scores: see `KeyMaskedAttention`.
        bias: `(batch, num_heads or 1, tokens_q, tokens_c)` for both maps alike, or with `2 * num_heads` one for each:
            first those of all first maps.

    Returns:
        `(batch, tokens_q, features)`, and on request the scores `(batch, num_heads, tokens_q, tokens_c)`: the
        difference. They may be negative, and rows sum to 1 - lambda, or to 0 where the context has no real token.

    Raises:
        ConfigError: an argument is out of range, or `key_dim` odd.

    Source: Ye et al., arXiv:2410.05258, with the biases of the projections kept. IAFormer (arXiv:2505.03258) makes
    both maps of pairwise features alone; here queries and keys stay, and such features come in as the bias.
    """

    closed_form = False

    def __init__(self, num_heads, key_dim, dropout_rate=0.0, lambda_init=0.8, **kwargs):
        super().__init__(num_heads, key_dim, dropout_rate, **kwargs)
        if key_dim % 2:
            raise ConfigError(
                f"{self.name}: key_dim is {key_dim} but differential attention halves it; choose an even one"
            )
        if not 0.0 <= lambda_init < 1.0:
            raise ConfigError(f"{self.name}: lambda_init is {lambda_init!r} but must lie in [0, 1); 0.8 is published")
        self.lambda_init = lambda_init

    def build(self, query_shape, context_shape):
        super().build(query_shape, context_shape)
        start = keras.initializers.RandomNormal(stddev=0.1)
        self.lambda_vectors = self.add_weight(
            shape=(4, self.key_dim // 2), initializer=start, autocast=False, name="lambda_vectors"
        )
        self.head_norm = layers.RMSNormalization(epsilon=NORM_EPSILON, dtype=self.dtype_policy, name="head_norm")
        self.head_norm.build((*query_shape[:-1], self.num_heads, self.key_dim))

    def current_lambda(self):
        """The weight of the second maps: a scalar, float32."""
        first_query, first_key, second_query, second_key = ops.unstack(self.lambda_vectors, 4)
        first, second = ops.sum(first_query * first_key), ops.sum(second_query * second_key)
        return ops.exp(first) - ops.exp(second) + self.lambda_init

    def _scores(self, queries, keys, added):
        half = self.key_dim // 2
        both = (added, added)
        if added is not None and added.shape[1] == 2 * self.num_heads:
            both = ops.split(added, 2, axis=1)
        parts = zip(ops.split(queries, 2, axis=-1), ops.split(keys, 2, axis=-1), both, strict=True)
        first, second = (softmax_over_keys(products(q, k), half**-0.5, its_own) for q, k, its_own in parts)
        return first - ops.cast(self.current_lambda(), second.dtype) * second

    def _read(self, weights, values):
        return (1.0 - self.lambda_init) * self.head_norm(super()._read(weights, values))

    def get_config(self):
        return {**super().get_config(), "lambda_init": self.lambda_init}
