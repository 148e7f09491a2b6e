"""The constituents of all jets as one set of keys."""

import keras
from keras import layers, ops

from mscat_tf.layers.checks import check_choice

MODES = ("concatenate", "add")


@keras.saving.register_keras_serializable(package="mscat_tf")
class MergeJets(layers.Layer):
    """Bring the encoded tokens of several jets together.

    Args:
        mode: `concatenate` puts the tokens of the jets one after another; `add` sums the i-th tokens of all jets
            (the released code of arXiv:2401.00452), padding counting as 0.

    Call arguments:
        tokens: list of `(batch, tokens, features)`, one for each jet.
        masks: list of bool `(batch, tokens)`, one for each jet.

    Returns:
        tokens `(batch, jets * tokens, features)` and mask `(batch, jets * tokens)` for `concatenate`;
        `(batch, tokens, features)` and `(batch, tokens)`, real where any jet has a real token, for `add`.

    Raises:
        ConfigError: unknown mode.
    """

    def __init__(self, mode="concatenate", **kwargs):  # pragma: no mutate block
        super().__init__(**kwargs)
        check_choice(self.name, "mode", mode, MODES)
        self.mode = mode

    def call(self, tokens, masks):
        if self.mode == "concatenate":
            return ops.concatenate(tokens, axis=1), ops.concatenate(masks, axis=1)
        pairs = zip(tokens, masks, strict=True)
        total = sum(ops.where(ops.expand_dims(real, -1), values, 0.0) for values, real in pairs)
        return total, ops.any(ops.stack(masks), axis=0)

    def get_config(self):
        return {**super().get_config(), "mode": self.mode}
