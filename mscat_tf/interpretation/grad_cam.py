"""Grad-CAM and Grad-CAM++: which constituents raise the score of an event.

Grad-CAM (Selvaraju et al., arXiv:1610.02391): token features of one layer are weighed by the mean gradient of the logit
with respect to them and summed; only what raises the score is kept. Grad-CAM++ (Chattopadhyay et al., arXiv:1710.11063)
weighs the gradients of every token by themselves first, equation 19. The engine of both is tf-keras-vis.
"""

import contextlib
import logging
import re
from collections.abc import Iterator, Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from tf_keras_vis.gradcam import Gradcam
from tf_keras_vis.gradcam_plus_plus import GradcamPlusPlus

from mscat_tf.errors import ConfigError
from mscat_tf.inference.keras_network import full_precision
from mscat_tf.interpretation.split_network import reads_padding, split_network, traced

TOKENS_OF_JET = re.compile(r"constituents_(\d+)_block_(\d+)")
ENGINES = {"grad_cam": Gradcam, "grad_cam_plus_plus": GradcamPlusPlus}
Maps = dict[int, NDArray[np.float32]]
Masks = Mapping[int, NDArray[np.bool_]]


def gradcam_layers(model: keras.Model, layer: str | None = None) -> dict[int, str]:
    """Layer to explain for each jet (counted from 1): `{1: "constituents_1_block_2", ...}`; empty without such layers.

    Args:
        model: any network of the registry.
        layer: a layer of one jet, whose counterparts are taken for the others; None means the last constituent block.

    Raises:
        ConfigError: a layer is asked for that the network does not have.
    """
    found: dict[int, list[int]] = {}
    for name in (entry.name for entry in model.layers):
        if match := TOKENS_OF_JET.fullmatch(name):
            found.setdefault(int(match[1]), []).append(int(match[2]))
    if not found:
        if layer is not None:
            raise ConfigError(
                f"explain.gradcam_layer: network '{model.name}' has no constituent block, so no '{layer}'; leave it out"
            )
        return {}
    last = max(found[1])
    asked = TOKENS_OF_JET.fullmatch(layer or f"constituents_1_block_{last}")
    if asked is None or not all(int(asked[2]) in blocks for blocks in found.values()):
        known = ", ".join(f"constituents_1_block_{number}" for number in sorted(found[1]))
        raise ConfigError(
            f"explain.gradcam_layer: '{layer}' is no constituent block of this network; choose from {known}"
        )
    return {jet: f"constituents_{jet}_block_{asked[2]}" for jet in sorted(found)}


class GradCam:
    """Maps of all jets of one network, which itself is left alone.

    Everything up to the layers is computed once for all jets, in one traced call without gradients. tf-keras-vis, which
    works step by step and takes gradients of everything it is given, is given only what follows.

    Args:
        model: has a layer `logit`, which is what is explained. layers: by jet, see `gradcam_layers`.
        method: `grad_cam` or `grad_cam_plus_plus`.
    """

    def __init__(self, model: keras.Model, layers: Mapping[int, str], method: str = "grad_cam") -> None:
        self.layers = dict(layers)
        self.network = split_network(model, list(self.layers.values()))
        self._first = traced(self.network.first)
        self._engine = ENGINES[method](self.network.second)
        self._without_padding = not reads_padding(model)

    def __call__(self, inputs: Mapping[str, Any], masks: Masks) -> Maps:
        """By jet maps `(events, tokens)`: not negative, in units of the logit, exactly 0 for padding.

        Args:
            inputs: arrays by input name; the more events in one call the faster.
            masks: by jet, `(events, tokens)`, True where a token is real.
        """
        seeds = list(self._first(inputs))
        kept = {}
        for jet, layer in self.layers.items():
            place = self.network.places[layer]
            kept[jet] = masks[jet][:, : seeds[place].shape[1]]  # `mixer` may leave out the softest
            if self._without_padding:  # Grad-CAM++ sums features over all tokens
                seeds[place] *= tf.cast(kept[jet], seeds[place].dtype)[..., None]
        with _quiet_about_masks(), full_precision():
            maps = {jet: np.where(kept[jet], self._of(seeds, layer), 0) for jet, layer in self.layers.items()}
        return {jet: np.pad(a, ((0, 0), (0, masks[jet].shape[1] - a.shape[1]))) for jet, a in maps.items()}

    def _of(self, seeds: list[Any], layer: str) -> NDArray[np.float32]:
        cam = self._engine(
            _risen,
            seeds,
            penultimate_layer=self.network.input_layer(layer),
            seek_penultimate_conv_layer=False,
            expand_cam=False,
            normalize_cam=False,
        )
        return np.asarray(cam, np.float32)


def _risen(logit: tf.Tensor) -> tf.Tensor:
    """A number whose gradient is that of the logit, and 0, so that its exponential in Grad-CAM++ is 1 in all events."""
    return logit[:, 0] - tf.stop_gradient(logit[:, 0])


@contextlib.contextmanager
def _quiet_about_masks() -> Iterator[None]:
    """tf-keras-vis asks for gradients of every input; TensorFlow warns that boolean masks have none."""
    logger = logging.getLogger("tensorflow")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)


def all_zero(maps: NDArray[np.floating[Any]]) -> NDArray[np.bool_]:
    """Events `(events,)` whose map has no positive entry: nothing raised their score, so there is nothing to show."""
    return ~np.any(maps > 0, axis=1)
