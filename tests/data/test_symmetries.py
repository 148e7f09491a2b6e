"""Symmetries thrown on the inputs are those of the laboratory: transform the event there, and prepare it again."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mscat_tf.config import DataSettings
from mscat_tf.data.features import model_inputs
from mscat_tf.data.symmetries import draw_symmetries, transformed
from mscat_tf.physics import kinematic_tokens, to_jet_frame
from mscat_tf.physics.four_vectors import wrap_phi


def prepared(pt, eta, phi, axes):
    """Model inputs of events with massless constituents `(n, 2, P)` around `axes` (pt, eta, phi, mass) of the jets."""
    events, jets, count = pt.shape
    flat = [values.reshape(events * jets, count) for values in (pt, eta, phi, pt * np.cosh(eta))]
    frame = to_jet_frame(*flat, np.ones((events * jets, count), bool), count)
    return model_inputs(
        {
            "constituents": frame.constituents.reshape(events, jets, count, 4).astype(np.float32),
            "constituents_mask": frame.mask.reshape(events, jets, count),
            "kinematics": kinematic_tokens(*axes, frame.theta.reshape(events, jets)).astype(np.float32),
        },
        DataSettings(),
    )


@given(
    seed=st.integers(0, 10_000),
    angle=st.floats(-3.14, 3.14),
    mirror=st.sampled_from([-1.0, 1.0]),
    exchange=st.sampled_from([-1.0, 1.0]),
)
def test_the_same_as_transforming_the_laboratory(seed, angle, mirror, exchange):
    rng = np.random.default_rng(seed)
    pt = np.sort(rng.exponential(20.0, (3, 2, 12)) + 1.0)[..., ::-1]
    centre_eta, centre_phi = rng.uniform(-1.5, 1.5, (3, 2, 1)), rng.uniform(-np.pi, np.pi, (3, 2, 1))
    eta, phi = centre_eta + rng.normal(0, 0.3, pt.shape), centre_phi + rng.normal(0, 0.2, pt.shape)
    axes = [rng.uniform(300, 600, (3, 2)), centre_eta[..., 0], centre_phi[..., 0], rng.uniform(60, 200, (3, 2))]
    lab_axes = [axes[0], exchange * axes[1], wrap_phi(mirror * axes[2] + angle), axes[3]]
    wanted = prepared(pt, exchange * eta, wrap_phi(mirror * phi + angle), lab_axes)
    ones = np.ones((3, 1))
    before = prepared(pt, eta, wrap_phi(phi), axes)
    found = transformed(before, DataSettings(), angle * ones, mirror * ones, exchange * ones)
    for name in ("constituents_1", "constituents_2"):
        np.testing.assert_allclose(found[name], wanted[name], atol=2e-5)
    difference = found["kinematics"].astype(float) - wanted["kinematics"]
    difference[..., 2] = wrap_phi(difference[..., 2])
    np.testing.assert_allclose(difference / np.maximum(np.abs(wanted["kinematics"]), 1.0), 0.0, atol=2e-5)


def test_throwing_is_even_reproducible_and_leaves_the_rest_alone():
    inputs = {
        "kinematics": np.tile(np.array([100.0, 0.7, 0.3, 400.0, 500.0, 0.2], np.float32), (4000, 3, 1)),
        "constituents_1": np.tile(np.array([0.1, 0.2, 5.0, 1.6], np.float32), (4000, 5, 1)),
        "mask_1": np.ones((4000, 5), bool),
    }
    kept = {name: values.copy() for name, values in inputs.items()}
    first, second = (
        transformed(inputs, DataSettings(), *draw_symmetries(4000, np.random.default_rng(7))) for _ in range(2)
    )
    for name, values in first.items():
        np.testing.assert_array_equal(values, second[name])
        np.testing.assert_array_equal(inputs[name], kept[name])
    tokens = first["kinematics"]
    np.testing.assert_array_equal(tokens[..., [0, 3, 4]], inputs["kinematics"][..., [0, 3, 4]])
    assert first["mask_1"] is inputs["mask_1"]
    mirrored = first["constituents_1"][:, 0, 1] < 0
    exchanged = tokens[:, 0, 1] < 0
    for share in (mirrored.mean(), exchanged.mean(), np.mean(mirrored == exchanged)):
        assert abs(share - 0.5) < 4 * 0.5 / np.sqrt(4000)
    np.testing.assert_array_equal(tokens[:, 0, 5] < 0, mirrored != exchanged)
    assert abs(np.mean(np.exp(1j * tokens[:, 0, 2]))) < 4 / np.sqrt(4000)
    np.testing.assert_array_equal(first["constituents_1"][..., [0, 2, 3]], inputs["constituents_1"][..., [0, 2, 3]])


@pytest.mark.parametrize("columns", [("m", "pt"), ("m", "theta"), ("m", "phi")])
def test_missing_columns_are_no_trouble(columns):
    settings = DataSettings(kinematic_features=columns, constituent_features=("pt",))
    inputs = {"kinematics": np.ones((5, 3, 2), np.float32), "constituents_1": np.ones((5, 4, 1), np.float32)}
    found = transformed(inputs, settings, *draw_symmetries(5, np.random.default_rng(1)))
    np.testing.assert_array_equal(found["kinematics"][..., 0], 1.0)
    np.testing.assert_array_equal(found["constituents_1"], 1.0)


def test_constituents_alone_are_mirrored_alike():
    rng = np.random.default_rng(3)
    cloud = rng.normal(size=(6, 4, 4)).astype(np.float32)
    kinematics = rng.normal(size=(6, 3, 6)).astype(np.float32)
    drawn = draw_symmetries(6, rng)
    alone = transformed({"constituents_1": cloud}, DataSettings(), *drawn)
    together = transformed({"constituents_1": cloud, "kinematics": kinematics}, DataSettings(), *drawn)
    assert list(alone) == ["constituents_1"]
    np.testing.assert_array_equal(alone["constituents_1"], together["constituents_1"])


@given(
    psi=st.floats(-3.14, 3.14),
    angle=st.floats(-3.14, 3.14),
    mirror=st.sampled_from([-1.0, 1.0]),
    exchange=st.sampled_from([-1.0, 1.0]),
)
def test_angle_of_a_declustering_follows_the_laboratory(psi, angle, mirror, exchange):
    """Its cosine goes with d phi, which the mirror turns round, its sine with dy, which the exchange does."""
    settings = DataSettings(declustering_features=("ln_kt", "psi"))
    inputs = {
        "kinematics": np.zeros((1, 3, 6), np.float32),
        "lund_1": np.array([[[2.0, psi]]], np.float32),
        "lund_mask_1": np.ones((1, 1), bool),
        "lund_parent_1": np.full((1, 1), -1),
    }
    found = transformed(inputs, settings, *(np.full((1, 1), value) for value in (angle, mirror, exchange)))
    np.testing.assert_allclose(np.cos(found["lund_1"][0, 0, 1]), mirror * np.cos(psi), atol=1e-5)
    np.testing.assert_allclose(np.sin(found["lund_1"][0, 0, 1]), exchange * np.sin(psi), atol=1e-5)
    assert found["lund_1"][0, 0, 0] == 2.0
    assert abs(inputs["lund_1"][0, 0, 1] - psi) < 1e-5
    for name in ("lund_mask_1", "lund_parent_1"):
        assert found[name] is inputs[name]


def test_subjets_follow_the_constituents():
    """The mirror turns phi of both round, whatever column it is in; nothing else of them changes."""
    settings = DataSettings(subjet_features=("phi", "pt"), constituent_features=("pt", "phi"))
    cloud = np.array([[[0.3, 50.0]]], np.float32)
    inputs = {"subjets_1": cloud, "subjets_mask_1": np.ones((1, 1), bool), "constituents_1": cloud[..., ::-1].copy()}
    found = transformed(inputs, settings, *(np.full((1, 1), value) for value in (1.0, -1.0, -1.0)))
    np.testing.assert_array_equal(found["subjets_1"], cloud * np.float32([-1, 1]))
    np.testing.assert_array_equal(found["subjets_1"][..., ::-1], found["constituents_1"])
    assert found["subjets_mask_1"] is inputs["subjets_mask_1"]
    assert cloud[0, 0, 0] > 0
