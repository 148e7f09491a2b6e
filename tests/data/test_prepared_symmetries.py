"""Symmetries of training hold for a prepared sample exactly where `check_exact` lets them be used."""

import itertools

import numpy as np
import pytest

from data_prep.theta_origin import replaced
from mscat_tf.config import DataSettings
from mscat_tf.config.preparation import Preparation
from mscat_tf.data.features import model_inputs
from mscat_tf.data.symmetries import check_exact, transformed
from mscat_tf.errors import ConfigError
from mscat_tf.physics import kinematic_tokens, wrap_phi
from mscat_tf.physics.prepared_frame import FrameSteps, to_prepared_frames

EVENTS, CONSTITUENTS = 20, 10


def prepared(pt, eta, phi, axes, settings):
    """Model inputs of events with massless constituents `(EVENTS, 2, CONSTITUENTS)`."""
    flat = [values.ravel() for values in (pt, eta, wrap_phi(phi), pt * np.cosh(eta))]
    steps = FrameSteps(settings.shift, settings.rotate, settings.flip, settings.order)
    frame = to_prepared_frames(*flat, np.full(2 * EVENTS, CONSTITUENTS), CONSTITUENTS, steps)
    theta = replaced(frame.theta.reshape(EVENTS, 2), settings.theta, np.random.default_rng(1))
    arrays = {
        "constituents": frame.constituents.reshape(EVENTS, 2, CONSTITUENTS, 4).astype(np.float32),
        "constituents_mask": frame.mask.reshape(EVENTS, 2, CONSTITUENTS),
        "kinematics": kinematic_tokens(*axes, theta).astype(np.float32),
    }
    return model_inputs(arrays, DataSettings())


def worst(settings):
    """Greatest difference between inputs transformed, and those of events transformed in the laboratory."""
    rng = np.random.default_rng(5)
    pt = np.sort(rng.exponential(20.0, (EVENTS, 2, CONSTITUENTS)) + 1.0)[..., ::-1]
    middle = rng.uniform(-1.5, 1.5, (2, EVENTS, 2, 1))
    eta, phi = middle[0] + rng.normal(0, 0.3, pt.shape), middle[1] + rng.normal(0, 0.2, pt.shape)
    axes = [rng.uniform(300, 600, (EVENTS, 2)), *middle[..., 0], rng.uniform(60, 200, (EVENTS, 2))]
    before, ones, found = prepared(pt, eta, phi, axes, settings), np.ones((EVENTS, 1)), 0.0
    for mirror, exchange, angle in itertools.product((1.0, -1.0), (1.0, -1.0), (0.0, 0.9)):
        turned = [axes[0], exchange * axes[1], wrap_phi(mirror * axes[2] + angle), axes[3]]
        wanted = prepared(pt, exchange * eta, mirror * phi + angle, turned, settings)
        given = transformed(before, DataSettings(), angle * ones, mirror * ones, exchange * ones)
        for name in ("constituents_1", "constituents_2"):
            found = max(found, float(np.abs(given[name] - wanted[name]).max()))
        found = max(found, float(np.abs(np.sin(given["kinematics"][..., 5] - wanted["kinematics"][..., 5])).max()))
    return found


@pytest.mark.parametrize(
    "switches",
    [
        {},
        {"rotate": "none"},
        {"order": "unsorted"},
        {"theta": "zero"},
        {"theta": "relative_to_other_jet"},
        {"theta": "shuffled_jets"},
        {"shift": "none"},
        {"rotate": "half_wrong"},
        {"flip": "none"},
        {"flip": "opposite"},
        {"theta": "relative_to_beam"},
    ],
)
def test_symmetries_hold_where_they_may_be_used(switches):
    settings = Preparation(**switches)
    if not settings.breaks_symmetries:
        assert worst(settings) < 5e-5
        check_exact(DataSettings(preparation=settings))
        return
    assert worst(settings) > 0.1
    (name, word), *_ = switches.items()
    with pytest.raises(ConfigError, match=f"data.preparation.{name}: {word}; set train.symmetries=false"):
        check_exact(DataSettings(preparation=settings))
