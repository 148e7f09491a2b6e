"""Fine-tuning: weights of another run, and what is said when they do not fit."""

import numpy as np
import pytest

from mscat_tf.config import TrainSettings
from mscat_tf.errors import ConfigError, InputError
from mscat_tf.models.registry import build
from mscat_tf.training.start_weights import freeze, load_start_weights
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
        ({"name": "mscat", "width": 16}, "weights of another architecture"),
    ],
)
def test_weights_of_another_architecture_are_refused(saved, changes, message):
    with pytest.raises(InputError, match=message):
        load_start_weights(build(tiny(**{"name": "kinematics_only", **changes}), SIZES), str(saved[1]))


def test_what_is_no_network_is_refused(tmp_path):
    (tmp_path / "model.keras").write_text("no network")
    for path in (tmp_path, tmp_path / "nothing.keras"):
        with pytest.raises(InputError, match=r"cannot be loaded .*; give train.start_from a run folder"):
            load_start_weights(build(tiny("kinematics_mlp"), SIZES), str(path))


@pytest.fixture(scope="module")
def substructure(tmp_path_factory):
    """Seeds 1 and 2 of a network of constituents alone; the folder and the weights of seed 2 by path."""
    folder = tmp_path_factory.mktemp("runs")
    for seed in (1, 2):
        model = moved_weights(build(tiny("substructure_only"), SIZES))
        (folder / f"seed-{seed}").mkdir()
        model.save(folder / f"seed-{seed}" / "model.keras")
    return folder, {weight.path: weight.numpy() for weight in model.weights}


def test_of_another_network_the_common_parts_are_taken_and_stay(substructure):
    """Of the own seed; not the head, although `logit` would fit."""
    folder, theirs = substructure
    model = build(tiny("mscat"), SIZES)
    before = {weight.path: weight.numpy() for weight in model.weights}
    taken = load_start_weights(model, str(folder), seed=2)
    assert taken == {"constituents"}
    for weight in model.weights:
        expected = theirs if weight.path.startswith("constituents") else before
        np.testing.assert_array_equal(weight.numpy(), expected[weight.path])
    freeze(model, ("constituents", "kinematics_embedding"), {*taken, "kinematics"})
    learned = {weight.path.split("/")[0] for weight in model.trainable_weights}
    assert learned == {
        *("cross_encoder_1", "kinematics_encoder_1", "kinematics_token_embedding", "kinematics_norm"),
        *("head_1", "logit"),
    }


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("substructure",), r"named 'substructure'; choose from constituents, cross, head, kinematics, or the name of"),
        (("constituents", "cross_encoder_1"), "'cross_encoder_1' of network 'mscat' would stay at random"),
        (("constituents", "kinematics", "cross", "head", "logit"), "would stay at random"),
    ],
)
def test_what_cannot_be_frozen(names, message):
    with pytest.raises(ConfigError, match=message):
        freeze(build(tiny("mscat"), SIZES), names, {"constituents"})


def test_something_must_be_left_to_train():
    model = build(tiny("kinematics_mlp"), SIZES)
    with pytest.raises(ConfigError, match="nothing of network 'kinematics_mlp' is left to train"):
        freeze(model, ("kinematics", "head", "logit"), {"kinematics", "head"})


def test_random_weights_are_not_frozen():
    with pytest.raises(ValueError, match="freeze: constituents would stay at random; give start_from"):
        TrainSettings(freeze=("constituents",))
