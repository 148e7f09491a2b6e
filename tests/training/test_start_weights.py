"""Fine-tuning: weights of another run, and what is said when they do not fit."""

import numpy as np
import pytest

from mscat_tf.errors import InputError
from mscat_tf.models.registry import build
from mscat_tf.training.start_weights import load_start_weights
from tests.models.mock_inputs import SIZES, moved_weights, tiny


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    model = moved_weights(build(tiny("kinematics_only"), SIZES))
    path = tmp_path_factory.mktemp("run") / "model.keras"
    model.save(path)
    return model, path


@pytest.mark.parametrize("folder", [True, False])
def test_weights_are_taken_over(saved, folder):
    trained, path = saved
    fresh = build(tiny("kinematics_only"), SIZES)
    load_start_weights(fresh, str(path.parent if folder else path))
    for before, after in zip(trained.get_weights(), fresh.get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)


def test_weights_are_matched_by_name(tmp_path):
    """Both jets at once: the same weights in another order."""
    trained = moved_weights(build(tiny("mscat"), SIZES))
    trained.save(tmp_path / "model.keras")
    fresh = build(tiny("mscat", jets_at_once=True), SIZES)
    load_start_weights(fresh, str(tmp_path))
    values = {weight.path: weight.numpy() for weight in trained.weights}
    for weight in fresh.weights:
        np.testing.assert_array_equal(weight.numpy(), values[weight.path])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"width": 16},
            r"another architecture: '[\w/]+' is \(.*12.*\) there and \(.*16.*\) in network 'kinematics_only'",
        ),
        ({"kinematic_blocks": 2}, r"is missing there and \(.*\) in network"),
        ({"name": "kinematics_mlp"}, "weights of another architecture"),
    ],
)
def test_weights_of_another_architecture_are_refused(saved, changes, message):
    with pytest.raises(InputError, match=message):
        load_start_weights(build(tiny(**{"name": "kinematics_only", **changes}), SIZES), str(saved[1]))


def test_what_is_no_network_is_refused(tmp_path):
    (tmp_path / "model.keras").write_text("no network")
    for path in (tmp_path, tmp_path / "nothing.keras"):
        with pytest.raises(InputError, match=r"no network can be loaded from here; give train.start_from a run folder"):
            load_start_weights(build(tiny("kinematics_mlp"), SIZES), str(path))
