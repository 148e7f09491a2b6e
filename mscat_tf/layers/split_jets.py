"""The jets of one batch apart again, whatever each is made of."""

import keras
from keras import layers, ops

from mscat_tf.layers.checks import check_positive


@keras.saving.register_keras_serializable(package="mscat_tf")
class SplitJets(layers.Layer):
    """Undo `StackJets`: a tensor for each jet.

    Args:
        jets: int. Their number J.

    Call arguments:
        stacked: `(J * batch, ...)`.

    Returns:
        List of J tensors `(batch, ...)`.

    Raises:
        ConfigError: `jets` is not positive.
    """

    def __init__(self, jets, **kwargs):
        super().__init__(**kwargs)
        check_positive(self.name, jets=jets)
        self.jets = jets

    def call(self, stacked):
        return ops.split(stacked, self.jets, axis=0)

    def compute_output_spec(self, stacked):
        return [keras.KerasTensor((None, *stacked.shape[1:]), stacked.dtype) for _ in range(self.jets)]

    def get_config(self):
        return {**super().get_config(), "jets": self.jets}
