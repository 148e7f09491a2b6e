"""Integrated gradients of polynomials, whose integrals are known."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from mscat_tf.interpretation.integrated_gradients import Coordinates, IntegratedGradients, coordinates_of, summed
from mscat_tf.models.inputs import InputSpecification, Statistics

EVENTS, TOKENS = 4, 3


class Polynomial(layers.Layer):
    """Sum over real constituents of `a b^2`, both standardised by (mean 1, width 2), b in its logarithm; plus `c^3`."""

    def call(self, cloud, mask, kinematics):
        a, b = (cloud[..., 0] - 1) / 2, (ops.log(cloud[..., 1]) - 1) / 2
        return ops.sum(ops.where(mask, a * b**2, 0.0), axis=1, keepdims=True) + kinematics[:, 0, :1] ** 3


@pytest.fixture(scope="module")
def model():
    cloud = keras.Input((TOKENS, 2), name="constituents_1")
    mask = keras.Input((TOKENS,), dtype="bool", name="mask_1")
    kinematics = keras.Input((1, 1), name="kinematics")
    logit = layers.Identity(name="logit")(Polynomial()(cloud, mask, kinematics))
    return keras.Model([cloud, kinematics, mask], logit)


@pytest.fixture
def inputs():
    rng = np.random.default_rng(3)
    mask = np.arange(TOKENS) < np.array([[3], [2], [1], [0]])
    return {
        "constituents_1": rng.uniform(0.5, 4, (EVENTS, TOKENS, 2)).astype("f4"),
        "kinematics": rng.normal(size=(EVENTS, 1, 1)).astype("f4"),
        "mask_1": mask,
    }


def moments(mean, width, logarithm, mask=None):
    return Coordinates(np.float32(mean), np.float32(width), np.array(logarithm), mask)


COORDINATES = {
    "constituents_1": moments([1, 1], [2, 2], [False, True], "mask_1"),
    "kinematics": moments([[0.0]], [[1.0]], [False]),
}


def test_equal_the_integral_by_hand(model, inputs):
    """On a straight line from 0, `a b^2` is a third a's and two thirds b's; `c^3` is all c's."""
    found, difference = IntegratedGradients(model, COORDINATES, steps=4)(inputs)
    a, b = (inputs["constituents_1"][..., 0] - 1) / 2, (np.log(inputs["constituents_1"][..., 1]) - 1) / 2
    of_each = a * b**2 * inputs["mask_1"]
    np.testing.assert_allclose(found["constituents_1"], np.stack([of_each / 3, 2 * of_each / 3], axis=-1), atol=1e-5)
    np.testing.assert_allclose(found["kinematics"], inputs["kinematics"] ** 3, atol=1e-5)
    assert np.all(found["constituents_1"][~inputs["mask_1"]] == 0)
    np.testing.assert_allclose(summed(found), difference, atol=1e-5)
    np.testing.assert_allclose(difference, of_each.sum(axis=1) + inputs["kinematics"][:, 0, 0] ** 3, atol=1e-5)


def test_incomplete_events_are_done_again(model, inputs):
    """One point cannot integrate a cubic, three can."""
    short = [IntegratedGradients(model, COORDINATES, 1, complete)(inputs) for complete in (False, True)]
    errors = [np.abs(summed(found) - difference) / np.abs(difference) for found, difference in short]
    assert errors[0].min() > 0.1
    assert errors[1].max() < 1e-4


def test_coordinates_of_the_inputs():
    sizes = InputSpecification(1, 4, 2, ("eta", "pt"), ("m",), declusterings=3, event_shapes=("sphericity",))
    statistics = Statistics(
        (0.5, 2.0), (1.0, 0.0), ((4.0,), (5.0,)), ((1.0,), (1.0,)), (0.0,) * 3, (1.0,) * 3, (0.3,), (2.0,)
    )
    found = coordinates_of(sizes, statistics, log_features=True)
    assert {name: where.mask for name, where in found.items()} == {
        "constituents_1": "mask_1", "lund_1": "lund_mask_1", "kinematics": None, "event_shapes": None,
    }  # fmt: skip
    assert found["constituents_1"].logarithm.tolist() == [False, True]
    inputs = {"constituents_1": np.array([[[1.0, np.exp(3.0)], [9.0, 0.0]]]), "mask_1": np.array([[True, False]])}
    np.testing.assert_allclose(found["constituents_1"].standard(inputs, "constituents_1"), [[[0.5, 1.0], [0, 0]]])
    assert "constituents_1" not in coordinates_of(InputSpecification(jets=0), Statistics.identity(sizes), True)
