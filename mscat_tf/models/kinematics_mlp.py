"""The plainest control: no substructure and no attention."""

import keras
from keras import layers

from mscat_tf.layers.activations import gelu
from mscat_tf.models.parts import Design, assemble, classify, flatten_high_scale, high_scale_inputs


def build_kinematics_mlp(design: Design) -> keras.Model:
    """The flattened kinematic tokens through `kinematic_blocks` dense layers of `tokens * width` units, then the head.

    Input: `kinematics` `(batch, tokens, features)`. Output: score `(batch, 1)`. The head sees as many features as in
    `kinematics_only`, so that the two differ in how the tokens meet, not in what is made of them.
    """
    high, settings = high_scale_inputs(design), design.settings
    event = flatten_high_scale(design, high)
    for number in range(1, settings.kinematic_blocks + 1):
        units = design.inputs.high_tokens * settings.width
        event = layers.Dense(units, activation=gelu, name=f"kinematics_mlp_{number}")(event)
        event = layers.Dropout(settings.dropout_rate, name=f"kinematics_mlp_{number}_dropout")(event)
    return assemble([high], classify(design, event), "kinematics_mlp")
