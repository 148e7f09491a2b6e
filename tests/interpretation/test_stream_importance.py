"""What is lost with a stream: exactly nothing where it is ignored, and the closed form where the truth is known."""

import numpy as np
import pytest
from scipy.stats import norm

from mscat_tf.interpretation.stream_importance import Events, Settings, dealt, features_of, importance, streams_of

N, SHIFT = 6_000, 1.2
SETTINGS = Settings(permutations=2, replicas=20)


@pytest.fixture(scope="module")
def events():
    """Two columns of kinematics and one number of jet 1, unit Gaussians that move by SHIFT with the class."""
    rng = np.random.default_rng(2)
    label = np.arange(N) % 2
    numbers = rng.normal(size=(N, 4)) + SHIFT * label[:, None]
    inputs = {
        "constituents_1": numbers[:, None, :1],
        "mask_1": np.ones((N, 1), bool),
        "constituents_2": numbers[:, None, 1:2],
        "mask_2": np.ones((N, 1), bool),
        "kinematics": np.repeat(numbers[:, None, 2:], 3, axis=1),
    }
    return Events(inputs, label, rng.uniform(0.5, 1.5, N), np.arange(N, dtype=np.uint64), label)


def network(inputs):
    """The best one for jet 1 and the first column of kinematics; all else it ignores."""
    return inputs["constituents_1"][:, 0, 0] + inputs["kinematics"][:, 0, 0]


def test_lost_is_the_closed_form_or_exactly_nothing(events):
    """Without y of x + y: y of another event moves by 0 or SHIFT, as often. AUC is P(signal above background)."""
    found = importance(network, events, streams_of(list(events.inputs), ("m", "pt")), SETTINGS)
    whole = norm.cdf(2 * SHIFT / 2)
    dealt = 0.5 * norm.cdf(SHIFT / 2) + 0.25 * norm.cdf(2 * SHIFT / 2) + 0.25 * norm.cdf(0)
    assert found["auc"] == pytest.approx(whole, abs=0.02)
    streams = found["streams"]
    assert list(streams) == ["jet 1", "jet 2", "all jets", "kinematics", "kinematics: m", "kinematics: pt"]
    for name in ("jet 1", "all jets", "kinematics", "kinematics: m"):
        assert streams[name]["lost"] == pytest.approx(whole - dealt, abs=4 * streams[name]["error"]), name
        assert 1e-4 < streams[name]["error"] < 0.02
    for name in ("jet 2", "kinematics: pt"):
        assert streams[name] == {"lost": 0.0, "error": 0.0}


def test_with_all_that_it_sees_the_network_loses_everything(events):
    alone = {"both": (("constituents_1", None), ("kinematics", 0))}
    found = importance(network, events, alone, SETTINGS)["streams"]["both"]
    assert found["lost"] == pytest.approx(norm.cdf(SHIFT) - 0.5, abs=4 * found["error"])


def test_streams_of_a_network_on_trees_of_one_jet_and_shapes():
    names = ["event_shapes", "kinematics", "lund_1", "lund_mask_1", "lund_parent_1"]
    found = streams_of(names, ("m",))
    assert list(found) == ["jet 1", "event shapes", "kinematics", "kinematics: m"]
    assert {name for name, _ in found["jet 1"]} == {"lund_1", "lund_mask_1", "lund_parent_1"}
    assert streams_of(["kinematics"], ()) == {"kinematics": (("kinematics", None),)}


def test_single_columns():
    names = ["constituents_1", "constituents_2", "event_shapes", "kinematics", "lund_1", "lund_mask_1", "mask_1"]
    found = features_of(names, {"constituents": ("eta", "pt"), "lund": ("ln_kt",)}, ("m",), ("sphericity",))
    assert found == {
        "constituents: eta": (("constituents_1", 0), ("constituents_2", 0)),
        "constituents: pt": (("constituents_1", 1), ("constituents_2", 1)),
        "lund: ln_kt": (("lund_1", 0),),
        "kinematics: m": (("kinematics", 0),),
        "event shapes: sphericity": (("event_shapes", 0),),
    }
    assert features_of(["kinematics"], {"constituents": ("eta",)}, ()) == {}


def test_a_column_of_constituents_is_dealt_among_real_ones_of_the_same_place():
    rng = np.random.default_rng(7)
    mask = np.arange(5) < rng.integers(0, 6, (60, 1))
    cloud = np.where(mask[..., None], rng.normal(size=(60, 5, 2)), 0.0)
    inputs = {"constituents_1": cloud, "mask_1": mask}
    found = dealt(inputs, (("constituents_1", 1),), rng.permutation(60))["constituents_1"]
    np.testing.assert_array_equal(found[..., 0], cloud[..., 0])
    assert np.all(found[~mask] == 0)
    for place in range(5):
        own = mask[:, place]
        np.testing.assert_array_equal(np.sort(found[own, place, 1]), np.sort(cloud[own, place, 1]))
        assert np.all(found[own, place, 1] != cloud[own, place, 1])
    full = mask.all(axis=1)
    giver = [np.flatnonzero((cloud[..., 1] == found[event, 0, 1]).any(axis=1))[0] for event in np.flatnonzero(full)]
    same = [np.array_equal(found[e, :, 1], cloud[g, :, 1]) for e, g in zip(np.flatnonzero(full), giver, strict=True)]
    assert same == full[giver].tolist()  # whole columns between events that are both full
