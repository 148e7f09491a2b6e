"""The graph of ParticleNet: the nearest real constituents of each."""

import keras
from keras import layers, ops

from mscat_tf.layers.checks import check_positive

PADDING_DISTANCE = 1e30
"""Squared distance to what may not be a neighbour: farther than any real constituent."""

FEW_FEATURES = 4
"""Up to so many coordinates differences are taken directly, which costs memory but cancels nothing."""


@keras.saving.register_keras_serializable(package="mscat_tf")
class NearestNeighbours(layers.Layer):
    """For every real token the real tokens nearest to it, itself left out.

    Of tokens equally far the one that stands first is nearer. No gradient passes: an index has none. Distances are
    float32 of coordinates as they come, under every policy: rounded to half precision others would be nearest.

    Args:
        neighbours: int. How many of them, k; of P tokens never more than P - 1.

    Call arguments:
        coordinates: `(batch, tokens, dimensions)`; the distance is Euclidean.
        token_mask: bool `(batch, tokens)`, True where a token is real.

    Returns:
        Indices int32 `(batch, tokens, min(k, tokens - 1))`, nearest first, and a mask of the same shape that is False
        where there is no such neighbour: behind the last real one, and for padding.

    Raises:
        ConfigError: `neighbours` is not positive.

    Source: Wang et al., arXiv:1801.07829; Qu and Gouskos, arXiv:1902.08570.
    """

    def __init__(self, neighbours, **kwargs):
        super().__init__(**kwargs, autocast=False)
        check_positive(self.name, neighbours=neighbours)
        self.neighbours = neighbours

    def call(self, coordinates, token_mask):
        tokens = coordinates.shape[1]
        coordinates = ops.cast(ops.stop_gradient(coordinates), "float32")
        coordinates = ops.where(ops.expand_dims(token_mask, -1), coordinates, 0.0)
        allowed = ops.expand_dims(token_mask, 1) & ~ops.eye(tokens, dtype="bool")
        far = ops.where(allowed, squared_distances(coordinates), PADDING_DISTANCE)
        slots = self._slots(tokens)
        _, nearest = ops.top_k(-far, slots)
        others = ops.sum(ops.cast(token_mask, "int32"), axis=1) - 1
        real = ops.arange(slots) < ops.reshape(others, (-1, 1, 1))
        return ops.cast(nearest, "int32"), real & ops.expand_dims(token_mask, -1)

    def _slots(self, tokens):
        return max(1, min(self.neighbours, tokens - 1))

    def compute_output_spec(self, coordinates, token_mask):
        shape = (*coordinates.shape[:2], self._slots(coordinates.shape[1]))
        return keras.KerasTensor(shape, "int32"), keras.KerasTensor(shape, "bool")

    def get_config(self):
        return {**super().get_config(), "neighbours": self.neighbours}


def squared_distances(coordinates):
    """`(batch, tokens, dimensions)` -> `(batch, tokens, tokens)`, exactly 0 for equal positions in few dimensions."""
    if coordinates.shape[-1] <= FEW_FEATURES:
        difference = ops.expand_dims(coordinates, 2) - ops.expand_dims(coordinates, 1)
        return ops.sum(ops.square(difference), axis=-1)
    squares = ops.sum(ops.square(coordinates), axis=-1)
    products = ops.matmul(coordinates, ops.transpose(coordinates, (0, 2, 1)))
    return ops.expand_dims(squares, 2) + ops.expand_dims(squares, 1) - 2.0 * products
