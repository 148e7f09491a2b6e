"""Jets of one event side by side again."""

import keras
from keras import layers, ops

from mscat_tf.layers.checks import check_positive


@keras.saving.register_keras_serializable(package="mscat_tf")
class UnstackJets(layers.Layer):
    """Undo `StackJets`: the features of jet 1, those of jet 2, ... of each event in a row.

    Args:
        jets: int. Their number J.

    Call arguments:
        stacked: `(J * batch, features)`.

    Returns:
        `(batch, J * features)`.

    Raises:
        ConfigError: `jets` is not positive.
    """

    def __init__(self, jets, **kwargs):
        super().__init__(**kwargs)
        check_positive(self.name, jets=jets)
        self.jets = jets

    def call(self, stacked):
        features = stacked.shape[-1]
        by_event = ops.transpose(ops.reshape(stacked, (self.jets, -1, features)), (1, 0, 2))
        return ops.reshape(by_event, (-1, self.jets * features))

    def compute_output_shape(self, stacked_shape):
        return (None, self.jets * stacked_shape[-1])

    def get_config(self):
        return {**super().get_config(), "jets": self.jets}
