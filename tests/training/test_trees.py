"""Boosted trees: scikit-learn's own, through the run folder of every training."""

import csv
import json

import h5py
import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score
from threadpoolctl import threadpool_limits

from mscat_tf.config import load_config
from mscat_tf.data import Sample
from mscat_tf.data.events import EventTable
from mscat_tf.data.flat import flat_columns, read_flat
from mscat_tf.data.mock import write_mock_sample
from mscat_tf.errors import ConfigError, InputError, OutputError
from mscat_tf.evaluation.evaluate import evaluate_scores
from mscat_tf.evaluation.run import evaluate, score_split
from mscat_tf.models import registry
from mscat_tf.models.boosted_trees import BoostedTrees
from mscat_tf.physics.high_level_columns import STANDARD
from mscat_tf.run_folder import Run
from mscat_tf.schema import KINEMATIC_COLUMNS
from mscat_tf.training.run import train
from mscat_tf.training.trees import fit, plain_trees

SIZE = ["model.boosted_trees.iterations=12", "model.boosted_trees.min_events_per_leaf=5"]


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """As `train_trees` does for few events: OpenMP's threads wait for each other on a busy machine."""
    with threadpool_limits(1, user_api="openmp"):
        yield


@pytest.fixture(scope="module")
def rich_folder(tmp_path_factory):
    """A mock sample with every optional data set, in two files."""
    return write_mock_sample(tmp_path_factory.mktemp("rich"), events=400, shards=2, declusterings=5)


@pytest.fixture(scope="module")
def make_config(rich_folder):
    def make(*overrides, folder=rich_folder):
        return load_config("smoke", [f"data.path={folder}", "model.name=boosted_trees", *SIZE, *overrides])

    return make


@pytest.fixture(scope="module")
def trained(make_config, tmp_path_factory):
    return train(make_config("model.boosted_trees.inputs=both"), tmp_path_factory.mktemp("run") / "trees")


def plain_columns(folder):
    """Every number of the flat inputs, straight from the files."""
    parts = []
    for path in sorted(folder.glob("*.h5")):
        with h5py.File(path) as file:
            flat = [file[name][()].reshape(len(file["label"]), -1) for name in ("kinematics", "high_level")]
            parts.append(np.concatenate(flat, axis=1))
    return np.concatenate(parts)


def test_scores_equal_those_of_scikit_learn_on_the_same_matrix(trained, rich_folder):
    matrix, table = plain_columns(rich_folder), trained.table
    train_rows, test_rows = table.rows("train"), table.rows("test")
    direct = HistGradientBoostingClassifier(
        max_iter=trained.training["best_epoch"], learning_rate=0.05, max_leaf_nodes=15, min_samples_leaf=5,
        l2_regularization=1.0, early_stopping=False,
    ).fit(matrix[train_rows], table.label[train_rows], sample_weight=table.weight[train_rows])  # fmt: skip
    rows, logits = trained.predictor.logits(trained.sample, table, "test")
    np.testing.assert_array_equal(rows, test_rows)
    np.testing.assert_allclose(logits, direct.decision_function(matrix[test_rows]), rtol=1e-6)


def test_the_best_iteration_is_that_of_the_validation_split(trained):
    with open(trained.path / "history.csv") as file:
        history = [float(row["val_auc"]) for row in csv.DictReader(file)]
    scores, best = score_split(trained, "validation"), trained.training["best_epoch"]
    assert len(history) == 12
    assert best == 1 + int(np.argmax(history))
    assert len(trained.predictor.roots) == best
    expected = roc_auc_score(scores.label, scores.logit, sample_weight=scores.weight)
    assert history[best - 1] == pytest.approx(expected, abs=1e-6)


def test_columns_are_what_their_names_say(rich_folder, make_config):
    sample, settings = Sample(rich_folder), make_config('data.kinematic_features=["m","pt"]').data
    columns = flat_columns(sample, settings, "both")
    assert len(columns) == 3 * 2 + 2 * len(STANDARD)
    rows = np.array([3, 199, 200, 399])
    matrix, plain = read_flat(sample, rows, columns), plain_columns(rich_folder)[rows]
    place = columns.index("kinematics/2/pt"), 2 * len(KINEMATIC_COLUMNS) + KINEMATIC_COLUMNS.index("pt")
    np.testing.assert_array_equal(matrix[:, place[0]], plain[:, place[1]])
    place = columns.index("high_level/1/tau_21"), -len(STANDARD) + STANDARD.index("tau_21")
    np.testing.assert_array_equal(matrix[:, place[0]], plain[:, place[1]])


def test_event_shapes_join_the_kinematics(rich_folder, make_config):
    settings = make_config('data.event_shapes=["sphericity"]').data
    columns = flat_columns(Sample(rich_folder), settings, "kinematics")
    assert columns[-1] == "event_shapes/sphericity"
    assert len(columns) == 3 * 6 + 1
    assert "event_shapes/sphericity" not in flat_columns(Sample(rich_folder), settings, "high_level")


def known_trees(shift, seed=0):
    """Test AUC of trees on events whose third number is larger for signal by `shift`, and the trees themselves."""
    rng = np.random.default_rng(seed)
    label = rng.integers(0, 2, 1500).astype("i4")
    matrix = rng.normal(size=(1500, 5)).astype("f4")
    matrix[:, 2] += shift * label
    ids, ones = np.arange(1500, dtype="u8"), np.ones(1500)
    table = EventTable(("s", "b"), (1, 0), label, 1 - label, ids, ids, (ids >= 1000).astype("i1"), ones, ones, None)
    config = load_config("smoke", ["model.name=boosted_trees", "model.boosted_trees.iterations=30"])
    grown = fit(config, matrix[:1000], table)
    trees = plain_trees(grown, tuple("abcde"), 30)
    np.testing.assert_allclose(trees.decision(matrix[1000:]), grown.decision_function(matrix[1000:]), rtol=1e-12)
    return roc_auc_score(label[1000:], trees.decision(matrix[1000:])), trees


def test_a_separating_number_is_found_and_noise_is_not():
    separated, trees = known_trees(8.0)
    assert separated > 0.99
    assert trees.feature[trees.roots[0]] == 2
    nothing, _ = known_trees(0.0)
    assert abs(nothing - 0.5) < 4 * np.sqrt(501 / (12 * 250 * 250))


def test_shuffled_labels_teach_nothing(make_config, tmp_path):
    folder = write_mock_sample(tmp_path / "data", events=1500, shards=1, constituents=2)
    run = train(make_config("data.shuffle_labels=true", folder=folder), tmp_path / "run")
    metrics = evaluate_scores(score_split(run, "test"), run.config.evaluate, 1, shuffled_labels=True)["all backgrounds"]
    assert abs(metrics["auc"]["value"] - 0.5) < 4 * metrics["auc"]["error"]


def test_saved_trees_give_the_same_scores(trained, tmp_path):
    trained.predictor.save(tmp_path / "again.h5")
    matrix = plain_columns(trained.sample.path)
    again = BoostedTrees.load(tmp_path / "again.h5")
    assert again.columns == trained.predictor.columns
    np.testing.assert_array_equal(again.decision(matrix), trained.predictor.decision(matrix))
    assert again.leaves == trained.training["parameters"]


def test_run_folder_is_that_of_every_training(trained):
    evaluate(trained)
    names = {path.name for path in trained.path.iterdir()}
    assert {"config.yaml", "environment.json", "trees.h5", "history.csv", "training.json", "scores.h5"} <= names
    assert {path.stem for path in trained.path.joinpath("figures").glob("*.png")} == {
        "roc", "calibration", "scores", "efficiency", "selection", "sculpting", "yields",
    }  # fmt: skip
    assert trained.metrics["all backgrounds"]["auc"]["value"] > 0.9
    assert sum(part["events"] for part in trained.training["splits"]["train"].values()) == len(
        trained.table.rows("train")
    )


def test_finished_run_is_left_alone_and_other_settings_are_refused(trained, make_config):
    before = trained.model_file.stat().st_mtime_ns
    assert train(trained.config, trained.path).finished
    assert trained.model_file.stat().st_mtime_ns == before
    with pytest.raises(OutputError, match=r"model\.boosted_trees\.l2 was 1\.0, now 2\.0"):
        train(trained.config.updated(["model.boosted_trees.l2=2"]), trained.path)


def test_unfinished_run_starts_anew(trained, tmp_path):
    again = train(trained.config, tmp_path / "run")
    (tmp_path / "run/training.json").unlink()
    assert not Run(tmp_path / "run").finished
    train(trained.config, tmp_path / "run")
    for run in (again, trained):
        np.testing.assert_array_equal(run.predictor.value, trained.predictor.value)


def test_wrong_input_is_refused(trained, make_config, mock_folder, tmp_path):
    with pytest.raises(ConfigError, match="unknown key 'leaves'; did you mean 'max_leaves'"):
        make_config("model.boosted_trees.leaves=3")
    for inputs in ("high_level", "both"):
        config = make_config(f"model.boosted_trees.inputs={inputs}", folder=mock_folder)
        with pytest.raises(InputError, match=r"no data set 'high_level'.* sample\.tokens\.high_level=true"):
            train(config, tmp_path / "run")
    config = make_config('data.event_shapes=["sphericity"]', folder=mock_folder)
    with pytest.raises(InputError, match=r"sample\.tokens\.event_shapes=true, or set data\.event_shapes=\[\]"):
        train(config, tmp_path / "run")
    assert not (tmp_path / "run").exists()
    with pytest.raises(ConfigError, match="boosted trees are no network"):
        registry.build(trained.config.model)
    with pytest.raises(InputError, match="boosted trees have no layers"):
        _ = Run(trained.path).model


def test_damaged_file_is_named(trained, tmp_path):
    for content in (b"", b"not HDF5 at all"):
        (tmp_path / "trees.h5").write_bytes(content)
        with pytest.raises(InputError, match=r"trees\.h5: cannot be read as trees .*; delete it and train again"):
            BoostedTrees.load(tmp_path / "trees.h5")


def test_nothing_of_the_run_is_executable(trained):
    """The model file is arrays and text alone: loading a run of a stranger runs nothing."""
    with h5py.File(trained.model_file) as file:
        assert {file[name].dtype.kind for name in file} == {"i", "f"}
        assert set(file.attrs) == {"columns", "baseline"}
    assert json.loads((trained.path / "training.json").read_text())["network"] == "boosted_trees"


def test_what_another_process_has_finished_meanwhile_stays(trained, monkeypatch):
    before = (trained.path / "training.json").stat().st_mtime_ns
    monkeypatch.setattr("mscat_tf.training.trees.has_run", lambda folder: False)
    assert train(trained.config, trained.path).finished
    assert (trained.path / "training.json").stat().st_mtime_ns == before
