"""The whole explanation of a network on mock events: files, figures, limits, faults."""

import hashlib
from pathlib import Path

import numpy as np
import pytest

from mscat_tf.config import ExplanationSettings
from mscat_tf.errors import ConfigError, InputError
from mscat_tf.interpretation.attention import explanation_model, high_scale_labels
from mscat_tf.interpretation.explain import AttentionMaps, explain
from mscat_tf.interpretation.explain_figures import draw_across_scales
from mscat_tf.interpretation.figures import BINS, PLANE, plane_density
from mscat_tf.interpretation.store import read_arrays, write_arrays
from mscat_tf.models.inputs import InputSpecification
from tests.interpretation.test_attention_maps import network
from tests.models.mock_inputs import SIZES, mock_inputs

PROCESSES = ["signal", "4b", "ttbar"]
SETTINGS = ExplanationSettings(events=7, batch_size=10)
PROVENANCE = {"seed": 4, "configuration": {"name": "mock"}}


def batches(size):
    """Three batches; the process of an event is its number modulo 2, so `ttbar` has none."""
    for number in range(3):
        yield mock_inputs(size, seed=number, least=0), np.arange(size) % 2


def run(name, folder, source=batches, **changes):
    return explain(network(name, **changes), source, PROCESSES, SETTINGS, folder, PROVENANCE)


@pytest.fixture(scope="module")
def explained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    return folder, run("mscat", folder)


def test_files_hold_means_of_the_events_used(explained):
    folder, summary = explained
    assert summary["events"] == {"signal": 7, "4b": 7, "ttbar": 0}
    maps, attributes = read_arrays(folder / "attention.h5")
    assert attributes["seed"] == 4
    assert attributes["processes"] == PROCESSES
    assert attributes["events"] == summary["events"]
    inputs = {
        name: np.concatenate([next(batches(10))[0][name], list(batches(10))[1][0][name]]) for name in mock_inputs(1)
    }
    cross = explanation_model(network())(inputs)["cross_block_1_scores"].numpy()
    for process in range(2):
        kept = [i for i in range(20) if i % 2 == process][:7]
        filled = [i for i in kept if inputs["mask_1"][i].any() or inputs["mask_2"][i].any()]
        np.testing.assert_allclose(maps["cross_block_1/mean"][process], cross[filled].mean(axis=(0, 1)), atol=1e-5)
        assert (maps["cross_block_1/real_queries"][process] == len(filled)).all()
    assert maps["constituents_2_block_1/per_head"].shape == (3, 2, SIZES.constituents, SIZES.constituents)


def test_grad_cam_file(explained):
    folder, summary = explained
    cams, attributes = read_arrays(folder / "gradcam.h5")
    assert np.bincount(cams["process"]).tolist() == [7, 7]
    assert cams["jet_1/maps"].shape == cams["jet_1/eta"].shape == (14, SIZES.constituents)
    empty = (cams["jet_1/maps"] == 0).all(axis=1)
    assert summary["all_zero"]["jet_1"]["signal"] == pytest.approx(empty[cams["process"] == 0].mean())
    assert summary["all_zero"]["jet_2"]["ttbar"] is None
    assert attributes["gradcam_layers"] == {"1": "constituents_1_block_1", "2": "constituents_2_block_1"}


def test_figures_are_images(explained):
    _, summary = explained
    names = {Path(path).stem for path in summary["figures"]}
    blocks = ("constituents_block_1", "cross_block_1", "kinematics_block_1")
    assert names == {"gradcam", *(f"attention_{block}" for block in blocks)}
    for path in map(Path, summary["figures"]):
        assert path.read_bytes()[:4] == (b"%PDF" if path.suffix == ".pdf" else b"\x89PNG")


@pytest.mark.parametrize("name", ["concatenation", "kinematics_only"])
def test_other_networks_give_what_they_have(name, tmp_path):
    summary = run(name, tmp_path)
    assert any(block.startswith("constituents") for block in summary["blocks"]) == (name == "concatenation")
    assert not any(block.startswith("cross") for block in summary["blocks"])
    assert (tmp_path / "gradcam.h5").exists() == (name == "concatenation")


def test_summed_jets_are_drawn_as_one_set(tmp_path):
    summary = run("mscat", tmp_path, merge="add", shared_encoder=False)
    assert any("attention_cross_block_1" in path for path in summary["figures"])
    maps, _ = read_arrays(tmp_path / "attention.h5")
    assert maps["cross_block_1/mean"].shape == (3, SIZES.tokens, SIZES.constituents)


def test_weights_of_events_count(tmp_path, monkeypatch):
    """Weight 0 for all but one event: the mean is the map of that event."""
    monkeypatch.setattr("mscat_tf.interpretation.explain.draw_all", lambda *_: [])  # drawn in other tests

    def weighted(size):
        for inputs, process in batches(size):
            yield inputs, 0 * process, (np.arange(size) == 2).astype(float)

    run("kinematics_only", tmp_path, weighted)
    maps, _ = read_arrays(tmp_path / "attention.h5")
    one = {"kinematics": next(batches(10))[0]["kinematics"][2:3]}
    expected = explanation_model(network("kinematics_only"))(one)["kinematics_block_1_scores"].numpy()[0]
    np.testing.assert_allclose(maps["kinematics_block_1/per_head"][0], expected, atol=1e-6)


def test_joint_attention_counts_real_constituents_and_every_kinematic_token(tmp_path):
    summary = run("joint_attention", tmp_path)
    maps, _ = read_arrays(tmp_path / "attention.h5")
    assert summary["gradcam_layers"] == {1: "constituents_1_block_3", 2: "constituents_2_block_3"}
    joint = {f"attention_joint_block_{number}" for number in (1, 2, 3)}
    assert {Path(path).stem for path in summary["figures"]} == {"gradcam", *joint}
    inputs = [batch[0] for batch in batches(10)]
    masks = [np.concatenate([part[name] for part in inputs]) for name in ("mask_1", "mask_2")]
    for process in range(2):
        kept = [i for i in range(30) if i % 2 == process][:7]
        counts = [mask[kept].sum(axis=0) for mask in masks]
        expected = np.concatenate([*counts, np.full(SIZES.tokens, 7)])
        np.testing.assert_array_equal(maps["joint_block_1/real_queries"][process], expected)


def test_two_streams_and_a_class_token():
    """Three jets: cross-attention is a figure for each stream, and event shapes and class token are queries too."""
    sizes = InputSpecification(3, 6, 5, declusterings=4, event_shapes=("sphericity",))
    changes = {"streams": ("lund", "constituents"), "pooling": "class_token", "attention": "differential", "key_dim": 4}
    model, inputs = network(sizes=sizes, **changes), mock_inputs(10, sizes=sizes)
    maps = AttentionMaps(model, 1)
    maps.add({**inputs, "mask_4": inputs["mask_1"]}, np.zeros(10, int))  # what is no input of the network is ignored
    means = {name.removesuffix("/mean"): values for name, values in maps.arrays().items() if name.endswith("/mean")}
    masks = [inputs[f"{name}_{jet}"] for name in ("mask", "lund_mask") for jet in (1, 2, 3)]
    read = np.concatenate(masks, axis=1).any(axis=0)
    assert np.all(np.any(means["cross_block_1"][0] != 0, axis=0) == read)
    names = ("jet 1", "jet 2", "jet 3", "lepton 1", "sum")
    labels = high_scale_labels(model, names)
    assert labels == [*names, "event shapes", "class token"]
    figures = draw_across_scales(means, ["signal"], labels)
    assert set(figures) == {f"attention_cross_block_1_{stream}" for stream in ("constituents", "lund")}
    for start, size, stream in ((0, 6, "constituents"), (18, 4, "lund")):
        axes = figures[f"attention_cross_block_1_{stream}"]
        assert axes.shape == (1, 3)
        assert [label.get_text() for label in axes[0, 0].get_yticklabels()] == labels
        drawn = np.asarray(axes[0, 1].images[0].get_array())
        np.testing.assert_allclose(drawn, means["cross_block_1"][0, :, start + size : start + 2 * size])


def test_pooling_by_attention_is_drawn(tmp_path):
    summary = run("kinematics_only", tmp_path, pooling="attention")
    drawn = {Path(path).stem for path in summary["figures"]}
    assert drawn == {"attention_kinematics_block_1", "attention_kinematics_pooled"}


def test_nothing_to_explain_is_said_in_a_sentence(tmp_path):
    with pytest.raises(ConfigError, match="'kinematics_mlp' has neither attention nor constituents"):
        run("kinematics_mlp", tmp_path)


def test_no_events_is_the_users_fault(tmp_path):
    with pytest.raises(InputError, match="no events to explain"):
        run("kinematics_only", tmp_path, lambda size: iter(()))


def test_files_are_reproducible_and_damage_is_reported(tmp_path):
    arrays = {"b/values": np.arange(6.0).reshape(2, 3), "a": np.ones(2, bool)}
    for name in ("one.h5", "two.h5"):
        write_arrays(tmp_path / name, arrays, PROVENANCE)
    digests = {hashlib.sha256((tmp_path / name).read_bytes()).hexdigest() for name in ("one.h5", "two.h5")}
    assert len(digests) == 1
    found, attributes = read_arrays(tmp_path / "one.h5")
    assert attributes == PROVENANCE
    np.testing.assert_array_equal(found["b/values"], arrays["b/values"])
    (tmp_path / "bad.h5").write_text("no")
    with pytest.raises(InputError, match=r"bad\.h5.*mscat explain"):
        read_arrays(tmp_path / "bad.h5")


def test_density_integrates_to_one_over_the_plane():
    rng = np.random.default_rng(5)
    eta, phi = rng.uniform(-PLANE, PLANE, (2, 11, 6))
    share = rng.random((11, 6))
    share /= share.sum(axis=1, keepdims=True)
    share[3] = 0
    assert plane_density(eta, phi, share).sum() * (2 * PLANE / BINS) ** 2 == pytest.approx(1.0)
    point = plane_density(np.array([[0.51]]), np.array([[-0.99]]), np.array([[1.0]]))
    assert np.argwhere(point).tolist() == [[30, 0]]
