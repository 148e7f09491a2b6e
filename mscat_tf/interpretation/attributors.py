"""Methods of attribution behind one interface, as the studies need them: inputs -> one number for every constituent."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import keras
import numpy as np
from numpy.typing import NDArray

from mscat_tf.interpretation.attention import attention_blocks, can_be_followed, explanation_model, one_block
from mscat_tf.interpretation.grad_cam import GradCam, gradcam_layers
from mscat_tf.interpretation.integrated_gradients import Coordinates, IntegratedGradients
from mscat_tf.interpretation.onto_constituents import reads_constituents
from mscat_tf.interpretation.rollout import Rollout
from mscat_tf.interpretation.split_network import traced
from mscat_tf.interpretation.token_masks import stream_masks

BATCH = 250


class Attribution(NamedTuple):
    """What each token has, and which tokens are real: `(events, tokens)`, the constituents of all jets in a row.

    Of a network without constituents the numbers of the kinematic tokens.
    """

    values: NDArray[np.floating[Any]]
    mask: NDArray[np.bool_]


@dataclass(frozen=True)
class Attributor:
    """One method for one network.

    Attributes:
        batch: attribution of a batch by its inputs. copies: networks whose weights it uses.
    """

    batch: Callable[[Mapping[str, Any]], Attribution]
    copies: Sequence[keras.Model]

    def __call__(self, inputs: Mapping[str, NDArray[Any]]) -> Attribution:
        """Of any number of events, in batches."""
        events = len(next(iter(inputs.values())))
        parts = [
            self.batch({name: values[first : first + BATCH] for name, values in inputs.items()})
            for first in range(0, events, BATCH)
        ]
        return Attribution(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))

    def take_weights(self, network: keras.Model) -> None:
        """Explain a network of the same layers from now on."""
        for copy in self.copies:
            copy_weights(network, copy)


def copy_weights(source: keras.Model, target: keras.Model) -> None:
    """Weights of the layers of `target` from those of the same names."""
    for layer in target.layers:
        if layer.weights:
            layer.set_weights(source.get_layer(layer.name).get_weights())


def attributors_of(
    model: keras.Model,
    methods: Sequence[str],
    coordinates: Mapping[str, Coordinates],
    layer: str | None = None,
    steps: int = 32,
) -> dict[str, Attributor]:
    """`grad_cam`, `integrated_gradients` and `attention_rollout`, as far as asked for and as the network has them.

    Args:
        model: left alone. methods: names. coordinates: see `coordinates_of`. layer: see `gradcam_layers`.
        steps: points of integrated gradients.
    """
    made: dict[str, Callable[[], Attributor | None]] = {
        "grad_cam": lambda: _grad_cam(model, layer),
        "integrated_gradients": lambda: _integrated_gradients(model, coordinates, steps),
        "attention_rollout": lambda: _attention_rollout(model),
    }
    found = {name: made[name]() for name in made if name in methods}
    return {name: attributor for name, attributor in found.items() if attributor is not None}


def _grad_cam(model: keras.Model, layer: str | None) -> Attributor | None:
    layers = gradcam_layers(model, layer)
    if not layers:
        return None
    engine = GradCam(model, layers)

    def batch(inputs: Mapping[str, Any]) -> Attribution:
        masks = {jet: np.asarray(inputs[f"mask_{jet}"], bool) for jet in layers}
        maps = engine(inputs, masks)
        return Attribution(np.concatenate(list(maps.values()), axis=1), np.concatenate(list(masks.values()), axis=1))

    return Attributor(batch, [engine.network.copy])


def _integrated_gradients(model: keras.Model, coordinates: Mapping[str, Coordinates], steps: int) -> Attributor:
    copy = keras.models.clone_model(model)
    copy_weights(model, copy)
    engine = IntegratedGradients(copy, coordinates, steps, complete=False)
    low = [name for name in engine.coordinates if name.startswith("constituents_")]

    def batch(inputs: Mapping[str, Any]) -> Attribution:
        found, _ = engine(inputs)
        if not low:
            values = np.concatenate([a.reshape(len(a), -1) for a in found.values()], axis=1)
            return Attribution(values, np.ones(values.shape, bool))
        masks = stream_masks(inputs, "constituents")
        return Attribution(np.concatenate([found[name].sum(axis=-1) for name in low], axis=1), np.hstack(masks))

    return Attributor(batch, [copy])


def _attention_rollout(model: keras.Model) -> Attributor | None:
    """Summed over the tokens that the head reads; None where it does not reach the constituents."""
    explained = explanation_model(model)
    blocks = attention_blocks(explained)
    names = [tensor.name for tensor in model.inputs]
    reached = any(reads_constituents(name, names, blocks) or name.startswith("constituents_") for name in blocks)
    if not reached or not can_be_followed(model):
        return None
    scores = traced(keras.Model(explained.inputs, {name: one_block(explained, name).output for name in blocks}))

    def batch(inputs: Mapping[str, Any]) -> Attribution:
        own = {name: np.asarray(inputs[name]) for name in names}
        found = Rollout({name: np.asarray(values) for name, values in scores(own).items()}, own)()
        masks = stream_masks(own, "constituents")
        rows = [found[f"jet_{jet}"].sum(axis=1) for jet in range(1, len(masks) + 1)]
        return Attribution(np.concatenate(rows, axis=1), np.concatenate(masks, axis=1))

    return Attributor(batch, [explained])
