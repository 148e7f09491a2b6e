"""Score-CAM of constituent tokens: no gradients, the score of the event seen through each feature of a layer.

Wang et al., arXiv:1910.01279: the input is masked by one feature of the layer, scaled to 0 ... 1 over the tokens; the
score that remains is the weight of that feature. tf-keras-vis is the engine. As it is, it would mask every input by the
same feature, stretched to its length, kinematics included, and take a softmax over a single logit, which is 1 whatever
the event. So it is shown a network whose only input is a factor for each constituent of one jet, between the mean
constituent of the training set (0) and the real one (1), and whose outputs are two classes.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers
from tf_keras_vis.scorecam import Scorecam

from mscat_tf.inference.keras_network import full_precision
from mscat_tf.interpretation.grad_cam import Maps, Masks
from mscat_tf.interpretation.integrated_gradients import Coordinates


class ScoreCam:
    """Maps of all jets of one network, which itself is left alone; as many forward passes as the layer has features.

    Args:
        model: has a layer `logit`. layers: by jet, see `gradcam_layers`.
        coordinates: by input name, of the constituents of every jet.
    """

    def __init__(self, model: keras.Model, layers: Mapping[int, str], coordinates: Mapping[str, Coordinates]) -> None:
        self.layers = dict(layers)
        self._coordinates = coordinates
        self._jets = {jet: _OneJet(model, f"constituents_{jet}", layer, coordinates) for jet, layer in layers.items()}
        self._engines = {jet: Scorecam(held.network) for jet, held in self._jets.items()}

    def __call__(self, inputs: Mapping[str, Any], masks: Masks) -> Maps:
        """By jet maps `(events, tokens)`: not negative, exactly 0 for padding. Arguments as of `GradCam`."""
        found = {}
        for jet, layer in self.layers.items():
            self._jets[jet].hold(inputs)
            with full_precision():
                cam = self._engines[jet](
                    lambda classes: classes[:, 1],
                    np.ones((*masks[jet].shape, 1), np.float32),
                    penultimate_layer=layer,
                    seek_penultimate_conv_layer=False,
                    batch_size=len(masks[jet]),  # so that every batch of the library holds the same events, in order
                    expand_cam=False,
                    normalize_cam=False,
                )
            found[jet] = np.where(masks[jet], np.asarray(cam, np.float32), np.float32(0))
        return found


class _OneJet:
    """A network of one input, the factors of one jet's constituents; the rest of the events is held."""

    def __init__(self, model: keras.Model, name: str, layer: str, coordinates: Mapping[str, Coordinates]) -> None:
        tensors = {tensor.name: tensor for tensor in model.inputs}
        both = keras.Model(model.inputs, [model.get_layer(layer).output, model.get_layer("logit").output])
        self._name, self._coordinates = name, coordinates[name]
        self._held = {
            key: tf.Variable(
                tf.zeros([size or 1 for size in tensor.shape], tensor.dtype), shape=tensor.shape, trainable=False
            )
            for key, tensor in tensors.items()
        }
        factors = keras.Input((tensors[name].shape[1], 1))
        tokens, logit = _Held(both, name, self._coordinates, self._held)(factors)
        self.network = keras.Model([factors], _Classes()([layers.Identity(name=layer)(tokens), logit]))
        self.network.predict = partial(self.network.predict, verbose=0)  # the library would show a bar each time

    def hold(self, inputs: Mapping[str, Any]) -> None:
        """Take the other inputs of these events; of the jet the standardised columns."""
        for key, variable in self._held.items():
            values = self._coordinates.standard(inputs, key) if key == self._name else inputs[key]
            variable.assign(values)


class _Held(layers.Layer):
    """Tokens of a layer and logit, from the factors of the constituents of one jet."""

    def __init__(self, both: keras.Model, name: str, coordinates: Coordinates, held: Mapping[str, tf.Variable]) -> None:
        super().__init__()
        self._both, self._input, self._coordinates, self._values = both, name, coordinates, held

    def call(self, factors):
        inputs = {key: tf.convert_to_tensor(variable) for key, variable in self._values.items()}
        inputs[self._input] = self._coordinates.columns(factors * inputs[self._input])
        return self._both(inputs, training=False)

    def compute_output_shape(self, shape):
        return [(shape[0], *tensor.shape[1:]) for tensor in self._both.outputs]


class _Classes(layers.Layer):
    """Logits of background and signal; takes the tokens along, so that the library finds their layer."""

    def call(self, tokens_and_logit):
        logit = tokens_and_logit[1]
        return tf.concat([tf.zeros_like(logit), logit], axis=1)

    def compute_output_shape(self, shapes):
        return (shapes[1][0], 2)
