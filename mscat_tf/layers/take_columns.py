"""Some of many columns, in an order of their own."""

import keras
from keras import layers, ops

from mscat_tf.errors import ConfigError


@keras.saving.register_keras_serializable(package="mscat_tf")
class TakeColumns(layers.Layer):
    """Columns by their places.

    Args:
        places: of the columns wanted, from 0.

    Call arguments:
        values: `(..., columns)`.

    Returns:
        `(..., len(places))`.

    Raises:
        ConfigError: there is no such place.
    """

    def __init__(self, places, **kwargs):
        super().__init__(**kwargs)
        self.places = tuple(places)

    def build(self, values_shape):
        if not all(0 <= place < values_shape[-1] for place in self.places):
            raise ConfigError(
                f"{self.name}: places {self.places} of {values_shape[-1]} columns; name places that there are"
            )

    def call(self, values):
        return ops.take(values, self.places, axis=-1)

    def compute_output_shape(self, values_shape):
        return (*values_shape[:-1], len(self.places))

    def get_config(self):
        return {**super().get_config(), "places": self.places}
