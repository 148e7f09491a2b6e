"""The whole explanation of a network on mock events: files, resumption, limits, faults."""

import hashlib
from dataclasses import replace

import numpy as np
import pytest

from mscat_tf.config import ExplanationSettings
from mscat_tf.errors import ConfigError, InputError
from mscat_tf.explanation import StoredMaps
from mscat_tf.interpretation import explain as explain_module
from mscat_tf.interpretation.attention import explanation_model, high_scale_labels
from mscat_tf.interpretation.attention_part import AttentionPart
from mscat_tf.interpretation.attributors import attributors_of
from mscat_tf.interpretation.event_batches import constituent_places
from mscat_tf.interpretation.explain import explain
from mscat_tf.interpretation.explain_figures import draw_across_scales
from mscat_tf.interpretation.figures import BINS, PLANE, plane_density
from mscat_tf.interpretation.part import Batch, Context, RowPart, SummingPart, event_rows
from mscat_tf.interpretation.partial import FOLDER
from mscat_tf.models.inputs import InputSpecification
from mscat_tf.schema import CONSTITUENT_COLUMNS
from tests.interpretation.test_attention_maps import network
from tests.models.mock_inputs import SIZES, mock_inputs

CONTEXT = Context(("signal", "4b", "ttbar"), (1, 0, 0), threshold=0.5)
SETTINGS = ExplanationSettings(batch_size=10, shown_events=2, methods=("grad_cam",))
PROVENANCE = {"seed": 4, "configuration": {"name": "mock"}}
BATCHES, SIZE = 3, 10


def mock_batch(number, sizes=SIZES):
    """Ten events; the process of an event is its number modulo 2, so `ttbar` has none. Every third is accepted."""
    inputs = mock_inputs(SIZE, seed=number, least=0, sizes=sizes)
    process, logit = np.arange(SIZE, dtype="i4") % 2, (np.arange(SIZE) % 3 == 0).astype("f4")
    label = (process == 0).astype("i4")
    return Batch(
        inputs=inputs,
        process=process,
        label=label,
        weight=np.linspace(0.5, 2, SIZE),
        row=SIZE * number + np.arange(SIZE),
        logit=logit,
        right=CONTEXT.accepted_rightly(logit, label),
        places=constituent_places(inputs, CONSTITUENT_COLUMNS),
    )


def batches(start=0):
    return (mock_batch(number) for number in range(start, BATCHES))


def run(name, folder, source=batches, settings=SETTINGS, **changes):
    model = network(name, **changes)
    return explain(model, source, BATCHES * SIZE, CONTEXT, settings, folder, PROVENANCE, key="mock")


@pytest.fixture(scope="module")
def explained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    return folder, run("mscat", folder)


def test_files_hold_weighted_means_of_every_group(explained):
    folder, summary = explained
    assert summary["events"] == {"signal": 15, "4b": 15, "ttbar": 0}
    assert summary["right"] == {"signal": 6, "4b": 9, "ttbar": 0}
    maps = StoredMaps(folder / "attention.h5")
    assert maps.attributes["seed"] == 4
    assert maps.attributes["groups"] == summary["groups"]
    model = explanation_model(network())
    every = list(batches())
    inputs = {name: np.concatenate([batch.inputs[name] for batch in every]) for name in mock_inputs(1)}
    cross = model(inputs)["cross_block_1_scores"].numpy()
    filled = (inputs["mask_1"] | inputs["mask_2"]).any(axis=1)
    process, right, weight = (np.concatenate([getattr(b, n) for b in every]) for n in ("process", "right", "weight"))
    verdicts = {"all": np.ones_like(right), "right": right, "wrong": ~right}
    for index, group in enumerate(summary["groups"]):
        chosen = filled & (process == CONTEXT.processes.index(group["process"])) & verdicts[group["verdict"]]
        wanted = np.zeros(cross.shape[1:])
        if chosen.any():
            wanted = np.average(cross[chosen], axis=0, weights=weight[chosen])
        np.testing.assert_allclose(maps["cross_block_1/per_head"][index], wanted, atol=1e-5)
        assert (maps["cross_block_1/real_queries"][index] == chosen.sum()).all()
    assert maps["constituents_2_block_1/per_head"].shape == (9, 2, SIZES.constituents, SIZES.constituents)


def test_numbers_of_every_head_and_projections_are_there(explained):
    folder, summary = explained
    maps = StoredMaps(folder / "attention.h5")
    assert set(summary["attention"]) == set(summary["blocks"])
    heads = summary["attention"]["cross_block_1"]["entropy"]
    assert heads["ttbar"][0] == {"value": None, "error": None}
    assert heads["signal"][1]["value"] == pytest.approx(maps["cross_block_1/entropy"][0, 1])
    reached = sum(maps[f"rollout/{name}"].sum(axis=2) for name in ("jet_1", "jet_2", "kinematics"))
    np.testing.assert_allclose(reached[[0, 1, 3, 4, 6, 7]], 1.0, rtol=1e-5)
    assert maps["plane/cross_block_1/jet_2"].shape == (9, SIZES.tokens, 40, 40)
    assert maps["rank/cross_block_1/jet_1"].shape == (9, SIZES.tokens, SIZES.constituents)
    assert len(summary["plane_edges"]) == 41
    assert summary["readers"] == {"cross_block_1": summary["tokens"]}


def test_first_events_keep_their_scores(explained):
    folder, _ = explained
    maps = StoredMaps(folder / "attention.h5")
    assert maps["events/row"].tolist() == [0, 1, 2, 3]
    batch = mock_batch(0)
    scores = explanation_model(network())({name: values[:4] for name, values in batch.inputs.items()})
    for block in ("cross_block_1", "constituents_2_block_1"):
        np.testing.assert_allclose(maps[f"events/{block}"], scores[f"{block}_scores"], atol=5e-4)  # half precision
    np.testing.assert_array_equal(maps["events/jet_1/pt"], batch.places["jet_1/pt"][:4])
    assert maps["events/right"].tolist() == batch.right[:4].tolist()


def test_file_of_attributions(explained):
    folder, summary = explained
    cams = StoredMaps(folder / "gradcam.h5")
    assert cams["row"].tolist() == list(range(30))
    assert cams["jet_1/maps"].shape == cams["jet_1/eta"].shape == (30, SIZES.constituents)
    empty = (cams["jet_1/maps"] == 0).all(axis=1)
    assert summary["all_zero"]["jet_1"]["signal"] == pytest.approx(empty[cams["process"] == 0].mean())
    assert summary["all_zero"]["jet_2"]["ttbar"] is None
    assert cams.attributes["gradcam_layers"] == {"1": "constituents_1_block_1", "2": "constituents_2_block_1"}


class Killed(BaseException):
    pass


class Events(RowPart):
    """Rows only; the first event of a batch is left out."""

    def rows(self, batch):
        return {name: values[1:] for name, values in event_rows(batch).items()}


class Total(SummingPart):
    """One third of all logits: a number that is not exact in binary."""

    def add(self, batch):
        self.sums["total"] = self.sums.get("total", np.zeros(1)) + batch.logit.sum() / 3

    def arrays(self):
        return self.sums

    def attributes(self):
        return {"total": float(self.sums["total"][0])}


@pytest.fixture
def light(monkeypatch):
    """An explanation of parts that need no network."""
    monkeypatch.setattr(explain_module, "explanation_parts", lambda *_: [Total(), Events()])
    monkeypatch.setattr(explain_module, "high_scale_labels", lambda *_: [])

    def call(folder, source=batches, key="mock"):
        return explain(None, source, BATCHES * SIZE, CONTEXT, SETTINGS, folder, PROVENANCE, key)

    return call


def digests(folder):
    return [hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in ("attention.h5", "gradcam.h5")]


def test_killed_and_resumed_gives_the_same_bytes(light, tmp_path, monkeypatch):
    """All at once, or a chunk for each batch, killed after the first, the second, and while the files are written."""
    summary, asked = light(tmp_path / "straight"), []
    monkeypatch.setattr(explain_module, "SECONDS", 0.0)
    folder = tmp_path / "killed"

    def dies(start):
        asked.append(start)
        yield mock_batch(start)
        raise Killed

    def lives(start):
        asked.append(start)
        return batches(start)

    for _ in range(2):
        with pytest.raises(Killed):
            light(folder, dies)
    assert not (folder / "attention.h5").exists()
    with monkeypatch.context() as broken:
        broken.setattr(Events, "arrays", lambda _: (_ for _ in ()).throw(Killed))
        with pytest.raises(Killed):
            light(folder, lives)
    again = light(folder, lives)
    assert asked[:3] + asked[-1:] == [0, 1, 2, 3]
    assert digests(folder) == digests(tmp_path / "straight")
    assert again == summary
    assert len(StoredMaps(folder / "gradcam.h5")["row"]) == BATCHES * (SIZE - 1)
    assert (folder / FOLDER).is_dir()  # the caller removes it when the studies are done too


def test_attention_goes_on_from_its_state():
    """What is added twice to restored sums is what was added before."""
    part = AttentionPart(network(), SETTINGS, CONTEXT)
    first, second = mock_batch(0), mock_batch(1)
    part.add(first)
    part.rows(first)
    state = {name: values.copy() for name, values in part.state().items()}
    rows, arrays = [], []
    for _ in range(2):
        part.restore({name: values.copy() for name, values in state.items()})
        part.add(second)
        rows.append(part.rows(second))
        arrays.append(part.arrays())
    for one, two in (rows, arrays):
        assert one.keys() == two.keys()
        assert all(one[name].tobytes() == two[name].tobytes() for name in one)
    assert len(rows[0]["events/row"]) == 0  # two of each process were in the first batch


def test_work_of_another_network_or_setting_is_not_continued(light, tmp_path):
    asked = []

    def counted(start):
        asked.append(start)
        return batches(start)

    for key in ("one", "one", "two"):
        light(tmp_path, counted, key)
    assert asked == [0, 3, 0]


def test_kinematics_alone_give_what_they_have(tmp_path):
    summary = run("kinematics_only", tmp_path)
    assert summary["blocks"] == ["kinematics_block_1"]
    assert summary["files"] == ["attention.h5"]
    maps = StoredMaps(tmp_path / "attention.h5")
    assert {name for name in maps if name.startswith("rollout/")} == {"rollout/kinematics"}


def looked_at(name, **changes):
    """The part after one batch, and its arrays."""
    part = AttentionPart(network(name, **changes), SETTINGS, CONTEXT)
    part.add(mock_batch(0))
    return part, part.arrays()


def test_scales_side_by_side_have_a_rollout_each():
    part, maps = looked_at("concatenation")
    np.testing.assert_allclose(maps["rollout/jet_1"][:2].sum(axis=2), 1.0, rtol=1e-5)
    np.testing.assert_allclose(maps["rollout/kinematics"][:2].sum(axis=2), 1.0, rtol=1e-5)
    assert not any(name.startswith("plane") for name in maps)
    assert part.attributes()["readers"] == {}


def test_every_row_of_a_projection_has_a_label():
    part, maps = looked_at("particle_transformer")
    readers = part.attributes()["readers"]
    assert set(readers) == {"constituents_1_class", "constituents_2_class"}
    for jet in (1, 2):
        assert len(readers[f"constituents_{jet}_class"]) == maps[f"plane/constituents_{jet}_class/jet_{jet}"].shape[1]


@pytest.mark.parametrize(("name", "known"), [("deep_sets", False), ("particle_transformer", True), ("mscat", True)])
def test_rollout_is_a_method_only_where_it_reaches_the_constituents(name, known):
    """The kinematics of a tagger have attention, its constituents may have none."""
    assert ("attention_rollout" in attributors_of(network(name), ("attention_rollout",), {})) == known


def test_summed_jets_are_split_between_the_jets():
    _, maps = looked_at("mscat", merge="add", shared_encoder=False)
    assert maps["cross_block_1/mean"].shape == (9, SIZES.tokens, SIZES.constituents)
    for name in ("jet_1", "jet_2"):
        reached = maps[f"plane/cross_block_1/{name}"].sum(axis=(2, 3)) * (2 / 40) ** 2
        assert np.all((reached[:2] > 0.2) & (reached[:2] < 0.8))


def test_joint_attention_counts_real_constituents_and_every_kinematic_token():
    part = AttentionPart(network("joint_attention"), SETTINGS, CONTEXT)
    for batch in batches():
        part.add(batch)
    maps = part.arrays()
    masks = [np.concatenate([batch.inputs[name] for batch in batches()]) for name in ("mask_1", "mask_2")]
    for process in range(2):
        counts = [mask[process::2].sum(axis=0) for mask in masks]
        expected = np.concatenate([*counts, np.full(SIZES.tokens, 15)])
        np.testing.assert_array_equal(maps["joint_block_1/real_queries"][process], expected)
    assert maps["rollout/jet_1"].shape == (9, SIZES.tokens + 2, SIZES.constituents)
    assert part.attributes()["rollout_rows"][-1] == "mean constituent of jet 2"


def test_swapped_network_shows_who_is_read_by_which_constituent():
    part, maps = looked_at("mscat_swapped")
    assert maps["plane/constituents_1_cross_1/jet_1"].shape == (9, SIZES.tokens, 40, 40)
    assert maps["rollout/kinematics"].shape == (9, 2, SIZES.tokens)
    assert part.attributes()["rollout_rows"] == ["mean constituent of jet 1", "mean constituent of jet 2"]


def test_values_of_the_kinematics_have_no_rollout_to_constituents():
    part, maps = looked_at("mscat", value_from="kinematics")
    assert not any(name.startswith("rollout") for name in maps)
    assert part.attributes()["rollout_rows"] == []


def test_two_streams_and_a_class_token():
    """Three jets: cross-attention is a figure for each stream, and event shapes and class token are queries too."""
    sizes = InputSpecification(3, 6, 5, declusterings=4, event_shapes=("sphericity",))
    changes = {"streams": ("lund", "constituents"), "pooling": "class_token", "attention": "differential", "key_dim": 4}
    model, batch = network(sizes=sizes, **changes), mock_batch(0, sizes)
    inputs, part = batch.inputs, AttentionPart(model, SETTINGS, CONTEXT)
    part.add(replace(batch, inputs={**inputs, "mask_4": inputs["mask_1"]}))  # what is no input of it is ignored
    means = {name.removesuffix("/mean"): values for name, values in part.arrays().items() if name.endswith("/mean")}
    masks = [inputs[f"{name}_{jet}"] for name in ("mask", "lund_mask") for jet in (1, 2, 3)]
    read = np.concatenate(masks, axis=1).any(axis=0)
    assert np.all(np.any(means["cross_block_1"][:2] != 0, axis=(0, 1)) == read)
    names = ("jet 1", "jet 2", "jet 3", "lepton 1", "sum")
    labels = high_scale_labels(model, names)
    assert labels == [*names, "event shapes", "class token"]
    figures = draw_across_scales({name: values[:1] for name, values in means.items()}, ["signal"], labels)
    assert set(figures) == {f"attention_cross_block_1_{stream}" for stream in ("constituents", "lund")}
    for start, size, stream in ((0, 6, "constituents"), (18, 4, "lund")):
        axes = figures[f"attention_cross_block_1_{stream}"]
        assert axes.shape == (1, 3)
        assert [label.get_text() for label in axes[0, 0].get_yticklabels()] == labels
        drawn = np.asarray(axes[0, 1].images[0].get_array())
        np.testing.assert_allclose(drawn, means["cross_block_1"][0, :, start + size : start + 2 * size])


def test_nothing_to_explain_is_said_in_a_sentence(tmp_path):
    with pytest.raises(ConfigError, match="'kinematics_mlp' has neither attention nor constituents"):
        run("kinematics_mlp", tmp_path)


def test_no_events_is_the_users_fault(tmp_path):
    with pytest.raises(InputError, match="no events to explain"):
        run("kinematics_only", tmp_path, lambda start: iter(()))


def test_density_integrates_to_one_over_the_plane():
    rng = np.random.default_rng(5)
    eta, phi = rng.uniform(-PLANE, PLANE, (2, 11, 6))
    share = rng.random((11, 6))
    share /= share.sum(axis=1, keepdims=True)
    share[3] = 0
    assert plane_density(eta, phi, share).sum() * (2 * PLANE / BINS) ** 2 == pytest.approx(1.0)
    point = plane_density(np.array([[0.51]]), np.array([[-0.99]]), np.array([[1.0]]))
    assert np.argwhere(point).tolist() == [[30, 0]]
