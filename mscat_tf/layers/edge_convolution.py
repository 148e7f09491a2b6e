"""Convolution on a graph of tokens: what a token learns from the edges to its neighbours."""

import keras
import tensorflow as tf
from keras import layers, ops

from mscat_tf.layers.checks import check_positive
from mscat_tf.layers.masked_batch_normalisation import MaskedBatchNormalisation


@keras.saving.register_keras_serializable(package="mscat_tf")
class EdgeConvolution(layers.Layer):
    """EdgeConv block: `relu(shortcut(x_i) + mean_j edge(x_i, x_j - x_i))` over the real neighbours j of i.

    `edge` is an MLP; each of its layers, and the shortcut, is linear without bias, then batch normalisation over what
    is real; after it ReLU (not on the shortcut). The shortcut is the identity where the width stays the same.
    A token without neighbours gets exactly 0 from the mean; padding leaves as 0.

    The first layer of the MLP is linear in `(x_i, x_j - x_i)`, so it is applied to tokens, and its results are
    gathered at the edges: `(K_i - K_d) x_i + K_d x_j`. The weights are the published ones, `kernel = (K_i, K_d)`; k
    times fewer operations.

    Args:
        widths: ints. Width of each layer of the MLP.

    Call arguments:
        tokens: `(batch, tokens, features)`.
        token_mask: bool `(batch, tokens)`, True where a token is real.
        neighbours: int `(batch, tokens, k)`, places of the neighbours.
        neighbour_mask: bool `(batch, tokens, k)`, True where there is one. It must not point to padding.

    Returns:
        `(batch, tokens, widths[-1])`.

    Raises:
        ConfigError: a width is not positive.

    Source: Wang et al., arXiv:1801.07829; Qu and Gouskos, arXiv:1902.08570, Fig. 1.
    """

    def __init__(self, widths, **kwargs):
        super().__init__(**kwargs)
        self.widths = tuple(widths)
        check_positive(self.name, widths=min(self.widths, default=0))

    def build(self, tokens_shape, token_mask_shape=None, neighbours_shape=None, neighbour_mask_shape=None):
        features, same = tokens_shape[-1], {"dtype": self.dtype_policy}
        self.kernel = self.add_weight(shape=(2 * features, self.widths[0]), name="edge_1")
        self.norms, self.deeper = [], []
        for number, width in enumerate(self.widths, start=1):
            self.norms.append(MaskedBatchNormalisation(**same, name=f"edge_{number}_norm"))
            self.norms[-1].build((None, None, None, width))
            if number > 1:
                self.deeper.append(layers.Dense(width, use_bias=False, **same, name=f"edge_{number}"))
                self.deeper[-1].build((None, None, None, self.widths[number - 2]))
        self.identity = features == self.widths[-1]
        if not self.identity:
            self.shortcut = layers.Dense(self.widths[-1], use_bias=False, **same, name="shortcut")
            self.shortcut.build(tokens_shape)
            self.shortcut_norm = MaskedBatchNormalisation(**same, name="shortcut_norm")
            self.shortcut_norm.build((None, None, self.widths[-1]))

    def call(self, tokens, token_mask, neighbours, neighbour_mask, training=None):
        real, real_edge = ops.expand_dims(token_mask, -1), ops.expand_dims(neighbour_mask, -1)
        tokens = ops.where(real, tokens, 0.0)
        edges = self._first(tokens, neighbours)
        for number, norm in enumerate(self.norms):
            edges = self.deeper[number - 1](edges) if number else edges
            edges = ops.relu(norm(edges, neighbour_mask, training=training))
        found = ops.cast(ops.sum(ops.cast(real_edge, "float32"), axis=2), edges.dtype)
        mean = ops.sum(ops.where(real_edge, edges, 0.0), axis=2) / ops.maximum(found, 1.0)
        kept = tokens if self.identity else self.shortcut_norm(self.shortcut(tokens), token_mask, training=training)
        return ops.where(real, ops.relu(mean + kept), 0.0)

    def _first(self, tokens, neighbours):
        """First layer on the edges: `(batch, tokens, k, widths[0])`."""
        of_token, of_difference = ops.split(ops.cast(self.kernel, tokens.dtype), 2, axis=0)
        own, other = ops.matmul(tokens, of_token - of_difference), ops.matmul(tokens, of_difference)
        return ops.expand_dims(own, 2) + tf.gather(other, neighbours, batch_dims=1)

    def compute_output_shape(self, tokens_shape):
        return (*tokens_shape[:-1], self.widths[-1])

    def get_config(self):
        return {**super().get_config(), "widths": self.widths}
