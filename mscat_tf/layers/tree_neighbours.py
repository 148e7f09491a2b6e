"""The graph of LundNet: the declustering tree of a jet."""

import keras
from keras import layers, ops

CHILDREN = 2
"""A declustering has two branches, and each is declustered once at most."""


@keras.saving.register_keras_serializable(package="mscat_tf")
class TreeNeighbours(layers.Layer):
    """For every declustering its parent and its children: the edges of the tree, in both directions, no loops.

    Call arguments:
        parent: int `(batch, declusterings)`, place of the parent; -1 for the root.
        token_mask: bool `(batch, declusterings)`, True where a declustering is real. A parent that is padding, or out
            of range, counts as none.

    Returns:
        Indices int32 `(batch, declusterings, 3)` of parent, first and second child, and a mask of the same shape that
        is False where there is none.

    Source: Dreyer and Qu, arXiv:2012.08526.
    """

    def call(self, parent, token_mask):
        tokens = parent.shape[1]
        is_child = ops.expand_dims(parent, -1) == ops.arange(tokens, dtype=parent.dtype)
        is_child = is_child & ops.expand_dims(token_mask, 1) & ops.expand_dims(token_mask, 2)
        # The first child has the highest rank, absent ones have 0.
        ranks = ops.where(is_child, ops.reshape(ops.arange(tokens, 0, -1), (1, tokens, 1)), 0)
        rank, children = ops.top_k(ops.transpose(ranks, (0, 2, 1)), min(CHILDREN, tokens))
        has_parent = ops.any(is_child, axis=-1, keepdims=True)
        up = ops.where(has_parent, ops.expand_dims(ops.cast(parent, "int32"), -1), 0)
        index = ops.concatenate([up, ops.cast(children, "int32")], axis=-1)
        return index, ops.concatenate([has_parent, rank > 0], axis=-1)

    def compute_output_spec(self, parent, token_mask):
        shape = (*parent.shape, 1 + min(CHILDREN, parent.shape[1]))
        return keras.KerasTensor(shape, "int32"), keras.KerasTensor(shape, "bool")
