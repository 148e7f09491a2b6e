"""Integrated gradients: how much each input number adds to the logit, counted from the mean event of the training set.

Sundararajan, Taly, Yan, arXiv:1703.01365, equation 1. The path is straight in the numbers that a network standardises
(logarithms of masses, energies and transverse momenta), from 0, the mean of the training set, to the event. Masks,
parents of trees and padding stay as they are, so an attribution says what a constituent adds by being this one and not
the mean one; that it is there at all counts for nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from mscat_tf.constants import LOGARITHM_FLOOR
from mscat_tf.inference.keras_network import full_precision
from mscat_tf.interpretation.token_masks import MASKS
from mscat_tf.models.inputs import InputSpecification, Statistics, asinh_columns, log_columns
from mscat_tf.models.predictor import logit_model

if TYPE_CHECKING:
    from mscat_tf.run_folder import Run

Arrays = dict[str, NDArray[Any]]
COMPLETE = 0.01
"""Relative difference of the sum of attributions from that of the logits up to which an event is complete."""
FINER = (3, 9)
"""Incomplete events are done again with so many times the points, one after the other."""


@dataclass(frozen=True)
class Coordinates:
    """How the columns of one input are standardised.

    Attributes:
        mean, width: `(features,)` or `(tokens, features)`; of the logarithm where it is taken.
        logarithm: for every column, whether it is. mask: name of the input that says which tokens are real.
        asinh: for every column, whether its asinh is taken; None means of none.
    """

    mean: NDArray[np.float32]
    width: NDArray[np.float32]
    logarithm: NDArray[np.bool_]
    mask: str | None = None
    asinh: NDArray[np.bool_] | None = None

    def standard(self, inputs: Mapping[str, NDArray[Any]], name: str) -> NDArray[np.float32]:
        """The columns of input `name` as numbers of which 0 is the mean of the training set; padding is 0."""
        values = np.asarray(inputs[name], np.float32)
        numbers = np.where(self.logarithm, np.log(np.maximum(values, LOGARITHM_FLOOR)), values)
        if self.asinh is not None:
            numbers = np.where(self.asinh, np.arcsinh(values), numbers)
        found = (numbers - self.mean) / self.width
        return np.where(inputs[self.mask][..., None], found, 0) if self.mask else found

    def columns(self, standard: tf.Tensor) -> tf.Tensor:
        """The columns again, from what `standard` gave."""
        numbers = standard * self.width + self.mean
        if self.asinh is not None:
            numbers = tf.where(self.asinh, tf.sinh(tf.where(self.asinh, numbers, 0.0)), numbers)
        if not self.logarithm.any():
            return numbers
        return tf.where(self.logarithm, tf.exp(tf.where(self.logarithm, numbers, 0.0)), numbers)


def coordinates_of(
    specification: InputSpecification, statistics: Statistics, log_features: bool
) -> dict[str, Coordinates]:
    """Coordinates of every input whose numbers may be attributed, by name.

    Args:
        specification: columns of the inputs. statistics: of the training set.
        log_features: whether the network takes logarithms (`model.log_features`).
    """
    found: dict[str, Coordinates] = {}

    def put(name: str, features: tuple[str, ...], moments: tuple[Any, Any], mask: str | None = None) -> None:
        mean, width = (np.asarray(values, np.float32) for values in moments)
        logarithm = np.asarray(log_columns(features, log_features), bool)
        found[name] = Coordinates(mean, np.where(width == 0, np.float32(1), width), logarithm, mask)

    for stream in MASKS:
        tokens = specification.stream(stream)
        for jet in range(1, specification.jets + 1) if tokens.tokens != 0 else ():
            name, mask = tokens.input_names(jet)
            put(name, tokens.features, statistics.of_stream(stream), mask)
    put("kinematics", specification.kinematic_features, (statistics.kinematic_mean, statistics.kinematic_width))
    for jet in range(1, specification.jets + 1) if specification.high_level else ():
        mean, width = (np.asarray(m, np.float32) for m in (statistics.high_level_mean, statistics.high_level_width))
        asinh = np.asarray(asinh_columns(specification.high_level, log_features), bool)
        found[f"high_level_{jet}"] = Coordinates(mean, width, np.zeros_like(asinh), asinh=asinh)
    if specification.event_shapes:
        put("event_shapes", specification.event_shapes, (statistics.event_shape_mean, statistics.event_shape_width))
    return found


def coordinates_of_run(run: "Run") -> dict[str, Coordinates]:
    """Those of a run: one pass over the training split of its sample."""
    from mscat_tf.training.specification import input_specification, input_statistics

    specification = input_specification(run.config, run.sample)
    statistics = input_statistics(run.config, run.sample, run.table.census, specification)
    return coordinates_of(specification, statistics, run.config.model.log_features)


class IntegratedGradients:
    """Attributions of the logit of one network to the numbers of its inputs.

    Args:
        model: has a layer `logit`. coordinates: by input name, see `coordinates_of`.
        steps: points on the path, those of Gauss and Legendre, which need far fewer than equal steps do.
        complete: do events again, with more points, whose attributions miss the difference of the logits by 1 %.
    """

    def __init__(
        self, model: keras.Model, coordinates: Mapping[str, Coordinates], steps: int, complete: bool = True
    ) -> None:
        tensors = {tensor.name: tensor for tensor in model.inputs}
        self.coordinates = {name: coordinates[name] for name in tensors if name in coordinates}
        self.held = [name for name in tensors if name not in self.coordinates]
        self._rules = [_rule(steps * times) for times in (1, *(FINER if complete else ()))]
        self._logits = logit_model(model)
        shapes = {name: tf.TensorSpec((None, *tensor.shape[1:]), tensor.dtype) for name, tensor in tensors.items()}
        numbers, held = ({name: shapes[name] for name in names} for names in (self.coordinates, self.held))
        rule = tf.TensorSpec((None, 2), tf.float32)
        self._traced = tf.function(self._integral, input_signature=[numbers, held, rule], autograph=False)

    def __call__(self, inputs: Mapping[str, NDArray[Any]]) -> tuple[Arrays, NDArray[np.float32]]:
        """Attributions by input name, each as large as the input, and the logit minus that of the baseline `(n,)`.

        The sum of an event's attributions is that difference but for the error of the integral (completeness); of
        padding they are exactly 0.
        """
        standard = {name: where.standard(inputs, name) for name, where in self.coordinates.items()}
        held = {name: np.asarray(inputs[name]) for name in self.held}
        found, difference = self._along(standard, held, self._rules[0])
        for rule in self._rules[1:]:
            missed = np.abs(summed(found) - difference) > COMPLETE * np.abs(difference)
            if not missed.any():
                break
            of_some, its_held = ({name: values[missed] for name, values in group.items()} for group in (standard, held))
            better, _ = self._along(of_some, its_held, rule)
            for name, values in better.items():
                found[name][missed] = values
        return found, difference

    def _along(self, standard: Arrays, held: Arrays, rule: NDArray[Any]) -> tuple[Arrays, NDArray[np.float32]]:
        with full_precision():
            mean, difference = self._traced(standard, held, rule)
        return {name: values * mean[name].numpy() for name, values in standard.items()}, difference.numpy()

    def _integral(self, standard: Any, held: Any, rule: tf.Tensor) -> tuple[Any, tf.Tensor]:
        """Mean gradient over the path by input name, and the difference of the logits at its ends."""
        places, weights = rule[:, 0], rule[:, 1]
        last = tf.shape(rule)[0] - 1

        def add(number: tf.Tensor, total: Any, first_logit: tf.Tensor, _: tf.Tensor) -> tuple[Any, ...]:
            found, logit = self._gradient(places[number], standard, held)
            total = {name: total[name] + weights[number] * found[name] for name in total}
            return number + 1, total, tf.where(number == 0, logit, first_logit), logit

        nothing = tf.zeros(tf.shape(next(iter(standard.values())))[:1])
        start = (tf.constant(0), {name: tf.zeros_like(values) for name, values in standard.items()}, nothing, nothing)
        loop = tf.while_loop(lambda number, *_: number <= last, add, start, parallel_iterations=1)
        _, total, at_baseline, at_event = loop
        return total, at_event - at_baseline

    def _gradient(self, place: tf.Tensor, standard: Any, held: Any) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
        """Gradient of the logits with respect to the standardised numbers at a place of the path, and the logits."""
        moved = {name: place * values for name, values in standard.items()}
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(moved)
            columns = {name: where.columns(moved[name]) for name, where in self.coordinates.items()}
            logit = self._logits({**held, **columns}, training=False)[:, 0]
        return tape.gradient(logit, moved, unconnected_gradients=tf.UnconnectedGradients.ZERO), logit


def _rule(steps: int) -> NDArray[np.float32]:
    """Places on the path and their weights, `(steps + 2, 2)`: the ends give the difference, and weigh nothing."""
    places, weights = np.polynomial.legendre.leggauss(steps)
    return np.array([(0, 0), *zip((places + 1) / 2, weights / 2, strict=True), (1, 0)], np.float32)


def summed(attributions: Mapping[str, NDArray[Any]]) -> NDArray[np.float64]:
    """Sum of all attributions of each event, `(n,)`."""
    return np.sum([a.reshape(len(a), -1).sum(axis=1, dtype=np.float64) for a in attributions.values()], axis=0)
