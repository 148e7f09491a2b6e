"""Grad-CAM: which constituents raise the score of an event.

Token features of one layer are weighed by the mean gradient of the logit with respect to them and summed; only what
raises the score is kept (Selvaraju et al., arXiv:1610.02391). The engine is tf-keras-vis.
"""

import contextlib
import logging
import re
from collections.abc import Iterator, Mapping
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray
from tf_keras_vis.gradcam import Gradcam
from tf_keras_vis.utils.model_modifiers import ReplaceToLinear

from mscat_tf.errors import ConfigError

TOKENS_OF_JET = re.compile(r"constituents_(\d+)_block_(\d+)")


def gradcam_layers(model: keras.Model, layer: str | None = None) -> dict[int, str]:
    """Layer to explain for each jet (counted from 1): `{1: "constituents_1_block_2", ...}`; empty without constituents.

    Args:
        model: any network of the registry.
        layer: a layer of one jet, whose counterparts are taken for the others; None means the last constituent block.

    Raises:
        ConfigError: the network has constituents, but no such layer.
    """
    found: dict[int, list[int]] = {}
    for name in (entry.name for entry in model.layers):
        if match := TOKENS_OF_JET.fullmatch(name):
            found.setdefault(int(match[1]), []).append(int(match[2]))
    if not found:
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
    """Grad-CAM of one network; the network itself is left alone.

    Args:
        model: a functional model whose only output is a sigmoid layer; its logit is what is explained.
    """

    def __init__(self, model: keras.Model) -> None:
        self.names = [tensor.name for tensor in model.inputs]
        self.engine = Gradcam(model, ReplaceToLinear(), clone=True)

    def __call__(self, inputs: Mapping[str, Any], layer: str, token_mask: NDArray[np.bool_]) -> NDArray[np.float32]:
        """Maps `(events, tokens)` of one layer: not negative, in units of the logit, exactly 0 for padding.

        Args:
            inputs: arrays by input name; the more events in one call the faster.
            layer: name of a layer with tokens `(batch, tokens, features)`. token_mask: `(events, tokens)`, True = real.
        """
        with _quiet_about_masks():
            cam = self.engine(
                lambda logit: logit[:, 0],
                [np.asarray(inputs[name]) for name in self.names],
                penultimate_layer=layer,
                seek_penultimate_conv_layer=False,
                expand_cam=False,
                normalize_cam=False,
            )
        return np.where(token_mask, np.asarray(cam, np.float32), np.float32(0))


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


def shares(maps: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Each event's map divided by its sum, `(events, tokens)`; events with an all-zero map stay 0."""
    total = maps.sum(axis=1, keepdims=True, dtype=np.float64)
    return np.divide(maps, total, out=np.zeros(maps.shape), where=total > 0)
