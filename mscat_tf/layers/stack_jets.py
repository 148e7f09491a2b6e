"""All jets of all events as one batch, so that a trunk treats them alike."""

import keras
from keras import layers, ops


@keras.saving.register_keras_serializable(package="mscat_tf")
class StackJets(layers.Layer):
    """Jets of the same shape one behind the other in the batch: first those of jet 1, then those of jet 2, ...

    Batch normalisation needs it: jet by jet it would take moments of each in training, but has one set of running
    moments for all of them afterwards.

    Call arguments:
        jets: list of J tensors `(batch, ...)`.

    Returns:
        `(J * batch, ...)`.
    """

    def call(self, jets):
        return ops.concatenate(jets, axis=0)

    def compute_output_spec(self, jets):
        return keras.KerasTensor((None, *jets[0].shape[1:]), dtype=jets[0].dtype)
