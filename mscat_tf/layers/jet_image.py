"""A jet as a picture: transverse momentum in a square of pixels around its axis."""

import keras
from keras import layers, ops

from mscat_tf.layers.checks import check_positive


@keras.saving.register_keras_serializable(package="mscat_tf")
class JetImage(layers.Layer):
    """Sum the transverse momentum of the constituents pixel by pixel, and divide by the sum over the picture.

    The picture shows the jet frame, where shift, rotation and reflection were done: the square |eta|, |phi| <
    `half_width` [rad] around the axis, pixel (i, j) being the i-th interval in eta and the j-th in phi, each with its
    lower but not its upper border. What lies outside is dropped before the division; nothing at all gives 0 everywhere.

    With one-hot vectors of the pixels the sum is a product of two matrices, `E^T (pT * F)`; its gradient reaches the
    momenta, not the directions. Binned in float32 whatever the policy.

    Args:
        pixels: along each side. half_width: of the square, in eta and in phi [rad].
        multiplicity: a second channel with the number of constituents in each pixel, not divided by anything.

    Call arguments:
        tokens: `(batch, constituents, 3)`, columns eta, phi, pT [GeV].
        token_mask: bool `(batch, constituents)`, True where a constituent is real.

    Returns:
        `(batch, pixels, pixels, 1)`, or `2` channels.

    Raises:
        ConfigError: `pixels` or `half_width` is not positive.

    Reference: de Oliveira et al., arXiv:1511.05190 (jet images); the division by the sum as in arXiv:1803.00107.
    """

    def __init__(self, pixels, half_width, multiplicity=False, **kwargs):
        super().__init__(**kwargs, autocast=False)
        check_positive(self.name, pixels=pixels, half_width=half_width)
        self.pixels, self.half_width, self.multiplicity = pixels, half_width, multiplicity

    def call(self, tokens, token_mask):
        tokens = ops.where(ops.expand_dims(token_mask, -1), ops.cast(tokens, "float32"), 0.0)
        rows = self._one_hot(tokens[..., 0], token_mask)
        columns = self._one_hot(tokens[..., 1], token_mask)
        momentum = self._picture(rows, columns * tokens[..., 2:])
        total = ops.sum(momentum, axis=(1, 2), keepdims=True)
        channels = [momentum / ops.where(total > 0, total, 1.0)]
        if self.multiplicity:
            channels.append(self._picture(rows, columns))
        return ops.cast(ops.stack(channels, axis=-1), self.compute_dtype)

    def _one_hot(self, angle, token_mask):
        """`(batch, constituents, pixels)`: 1 in the interval of each; 0 everywhere for padding or outside."""
        place = ops.floor((angle + self.half_width) * (self.pixels / (2 * self.half_width)))
        place = ops.where(token_mask, place, -1.0)
        return ops.cast(ops.expand_dims(place, -1) == ops.arange(self.pixels, dtype="float32"), "float32")

    @staticmethod
    def _picture(rows, columns):
        return ops.matmul(ops.transpose(rows, (0, 2, 1)), columns)

    def compute_output_shape(self, tokens_shape, token_mask_shape=None):
        return (tokens_shape[0], self.pixels, self.pixels, 1 + self.multiplicity)

    def get_config(self):
        own = ("pixels", "half_width", "multiplicity")
        return {**super().get_config(), **{name: getattr(self, name) for name in own}}
