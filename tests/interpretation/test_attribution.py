"""Parts that fill `gradcam.h5`: what they say of made-up maps, resumption, and which parts a network gets."""

import numpy as np
import pytest

from mscat_tf.config import ExplanationSettings
from mscat_tf.errors import ConfigError
from mscat_tf.interpretation.attribution import IntegratedPart, MapsPart, parts
from mscat_tf.interpretation.integrated_gradients import Coordinates
from mscat_tf.interpretation.part import Batch, Context
from tests.interpretation.test_attention_maps import network

CONTEXT = Context(("signal", "4b", "ttbar"), (1, 0, 0))


def batch_of(process, **inputs):
    events, process = len(process), np.asarray(process, np.int32)
    numbers = np.arange(events)
    return Batch(inputs, process, 1 - process, np.ones(events), numbers, np.zeros(events, "f4"), process == 0)


def test_maps_are_counted_and_go_on_after_an_interruption():
    maps = np.array([[1.0, 0.0], [0.0, 0.0], [0.0, 2.0], [0.0, 0.0]], "f4")

    class Engine:
        def __init__(self):
            self.layers = {1: "constituents_1_block_1"}

        def __call__(self, inputs, masks):
            return {1: maps * masks[1]}

    batch = batch_of([0, 0, 1, 1], mask_1=np.array([[True, False]] * 4))
    part = MapsPart("grad_cam", Engine(), CONTEXT)
    np.testing.assert_array_equal(part.rows(batch)["jet_1/maps"], maps * [[1, 0]])
    again = MapsPart("grad_cam", Engine(), CONTEXT)
    again.restore(part.state())
    assert again.attributes() == part.attributes()
    assert part.attributes()["all_zero"] == {"jet_1": {"signal": 0.5, "4b": 1.0, "ttbar": None}}
    other = MapsPart("score_cam", Engine(), CONTEXT)
    assert set(other.rows(batch)) == {"jet_1/score_cam"}
    assert set(other.attributes()) == {"score_cam_all_zero"}


def test_integrated_gradients_are_summed_over_columns_of_low_scale_tokens_and_their_errors_counted():
    found = {"constituents_1": np.array([[[1.0, 2.0]], [[-3.0, 1.0]]]), "kinematics": np.array([[[0.5]], [[0.0]]])}
    coordinates = {
        "constituents_1": Coordinates(np.zeros(2), np.ones(2), np.zeros(2, bool), "mask_1"),
        "kinematics": Coordinates(np.zeros((1, 1)), np.ones((1, 1)), np.zeros(1, bool)),
    }
    difference = np.array([3.5, -4.0], "f4")  # the second sum is -2

    class Engine:
        def __init__(self):
            self.coordinates = coordinates

        def __call__(self, inputs):
            return found, difference

    part = IntegratedPart(Engine(), CONTEXT.processes)
    rows = part.rows(batch_of([0, 1]))
    assert rows["jet_1/integrated_gradients"].tolist() == [[3.0], [-2.0]]
    assert rows["kinematics/integrated_gradients"].shape == (2, 1, 1)
    assert rows["integrated_gradients/error"].tolist() == [0.0, 2.0]
    again = IntegratedPart(Engine(), CONTEXT.processes)
    again.restore(part.state())
    summary = again.attributes()["integrated_gradients"]
    assert summary["completeness"] == {
        "share_within_1_percent": 0.5,
        "rms_error_over_rms_difference": pytest.approx(2 / np.hypot(3.5, 4)),
        "greatest_error": 2.0,
    }
    assert summary["mean_absolute"]["4b"] == {"constituents_1": [3.0, 1.0], "kinematics": [[0.0]]}


def test_a_network_gets_what_it_allows():
    model = network("kinematics_only")
    methods = ("grad_cam", "score_cam", "integrated_gradients")
    kinds = [type(part).__name__ for part in parts(model, ExplanationSettings(methods=methods), CONTEXT)]
    assert kinds == ["EventsPart", "IntegratedPart"]
    assert parts(model, ExplanationSettings(methods=("grad_cam",)), CONTEXT) == []
    with pytest.raises(ConfigError, match="'kinematics_only' has no constituent block"):
        parts(model, ExplanationSettings(gradcam_layer="constituents_1_block_1"), CONTEXT)
