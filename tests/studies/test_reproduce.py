"""`mscat reproduce` on a mock sample: from nothing, interrupted, and with one training deleted."""

import json
import shutil

import h5py
import numpy as np
import pytest

from mscat_tf.cli import network_commands, side_by_side, stages
from mscat_tf.cli import reproduce as reproducing
from mscat_tf.config.study import Row, Study
from mscat_tf.config.training import Fold
from mscat_tf.data import Sample
from mscat_tf.data.choice import TRAIN
from mscat_tf.data.choice import folds as folds_of
from mscat_tf.data.splits import assign_splits
from mscat_tf.errors import ConfigError, MissingExtraError
from mscat_tf.run_folder import Run, sample_path
from tests.data_prep.toy_samples import write_toy_sample


def _no_pyhf(*_):
    """Fits are made in other tests; here is what a study says without them."""
    raise MissingExtraError("pyhf is not installed; install it with: pip install 'mscat-tf[reach]'")


@pytest.fixture
def study(mock_folder, monkeypatch):
    """Trees, which are trained fast, two seeds each."""
    common = [f"data.path={mock_folder}", "evaluate.bootstrap_replicas=10", "model.name=boosted_trees"]
    made = Study(
        name="tiny",
        title="Tiny",
        question="Does it run?",
        base="smoke",
        reference="few trees",
        scales={"demo": {"seeds": 2, "set": common}},
        rows={
            "few trees": {"set": ["model.boosted_trees.iterations=3"]},
            "trees": {"set": ["model.boosted_trees.iterations=9"]},
            "trees elsewhere": {"trained_as": "trees", "set": ["data.mass_hypothesis=1000"]},
        },
    )
    monkeypatch.setattr(reproducing, "load_study", lambda name: made)
    monkeypatch.setattr(reproducing, "studies", lambda: ["tiny"])
    monkeypatch.setattr("mscat_tf.evaluation.run.draw_run", lambda *_: [])
    monkeypatch.setattr("mscat_tf.studies.figures.draw_study", lambda *_: [])
    monkeypatch.setattr("mscat_tf.studies.measured.stored_reach", _no_pyhf)
    return made


@pytest.fixture
def trained(monkeypatch):
    """Folders that were trained, as opposed to found."""
    folders, train_one = [], stages.train_one

    def noted(config, folder, callbacks=()):
        if not (folder / "training.json").is_file():
            folders.append(str(folder))
        return train_one(config, folder, callbacks)

    monkeypatch.setattr(stages, "train_one", noted)
    return folders


def test_a_row_that_knows_the_score_of_another(study, trained, monkeypatch, tmp_path):
    """Its sample holds, for every training event, the logit of the network that was trained without it."""
    source = write_toy_sample(tmp_path / "toy", events=(150, 150))
    made = study.model_copy(
        update={
            "rows": {
                "few trees": Row(set=(f"data.path={source}", "model.boosted_trees.iterations=3")),
                "told": Row(knows_row="few trees", set=(f"data.path={source}", "model.boosted_trees.iterations=4")),
            }
        }
    )
    monkeypatch.setattr(reproducing, "load_study", lambda name: made)
    monkeypatch.chdir(tmp_path)
    reproducing.reproduce([], "demo", tmp_path / "experiments", only=["told"])
    plan = made.configurations("demo")
    parent, told = plan["few trees"], plan["told"]
    folds = [f"runs/{parent.name}-without-{fold}-of-5" for fold in range(1, 6)]
    assert sorted(trained) == sorted([*folds, *(f"runs/{row.name}/seed-{n}" for row in (parent, told) for n in (1, 2))])
    scores = np.array([Run(folder).predict(source) for folder in folds], np.float64)
    with Sample(sample_path(told)) as sample:
        event_id, group_id, known = (sample.column(name) for name in ("event_id", "group_id", "known_logit"))
    with h5py.File(tmp_path / "runs" / parent.name / "cross-fitted.h5") as file:
        fold = file["fold"][()]
        np.testing.assert_array_equal(file["event_id"][()], event_id)
    training = assign_splits(group_id, parent.data.train_fraction, parent.data.validation_fraction) == TRAIN
    np.testing.assert_array_equal(fold, np.where(training, folds_of(group_id, 5), 0))
    for number, folder in enumerate(folds, start=1):
        assert Run(folder).config.data.left_out == Fold(fold=number, of=5)
    logits = np.log(scores / (1 - scores))
    own = logits[fold - 1, np.arange(len(fold))]
    np.testing.assert_allclose(known, np.where(fold > 0, own, logits.mean(axis=0)), atol=1e-5)
    trained.clear()
    reproducing.reproduce([], "demo", tmp_path / "experiments")
    assert not trained


def test_from_nothing_again_and_with_one_training_deleted(study, trained, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    out = tmp_path / "experiments"
    reproducing.reproduce([], "demo", out, dry_run=True)
    assert not out.exists()
    reproducing.reproduce([], "demo", out, only=[])
    assert not trained
    reproducing.reproduce([], "demo", out, only=["trees elsewhere"])
    assert len(trained) == 2, "those of the row whose networks it takes"
    assert json.loads((out / "results/demo/tiny.json").read_text())["missing"] == ["few trees"]
    reproducing.reproduce([], "demo", out)
    assert len(trained) == 4
    found = json.loads((out / "results/demo/tiny.json").read_text())
    for name, config in study.configurations("demo").items():
        row, run = found["rows"][name], Run(tmp_path / "runs" / config.name)
        assert row["run"] == f"runs/{config.name}"
        assert row["seeds"] == [1, 2]
        assert row["auc"]["value"] == run.metrics["all backgrounds"]["auc"]["value"]
        assert row["configuration_digest"] == config.decisive_digest
        assert row["data_digest"] == json.loads((run.path / "environment.json").read_text())["data_digest"]
    difference = found["rows"]["trees"]["against"]
    means = [found["rows"][name]["single"]["mean"] for name in ("trees", "few trees")]
    assert difference["row"] == "few trees"
    assert difference["seeds"]["difference"] == pytest.approx(means[0] - means[1])
    assert found["rows"]["trees elsewhere"]["single"] == found["rows"]["trees"]["single"], "all signal is at 1000 GeV"
    page = (out / "RESULTS.md").read_text()
    assert f"| trees | {means[0]:.4f}, the same for every seed" in page
    assert "`trees elsewhere`: pyhf is not installed" in page

    trained.clear()
    reproducing.reproduce([], "demo", out)
    assert not trained
    assert (out / "RESULTS.md").read_text() == page

    gone = tmp_path / found["rows"]["trees"]["members"][1]
    shutil.rmtree(gone)
    reproducing.reproduce([], "demo", out)
    assert trained == [str(gone.relative_to(tmp_path))]
    again = json.loads((out / "results/demo/tiny.json").read_text())
    with pytest.raises(ConfigError, match="--row: unknown key 'tree'"):
        reproducing.reproduce([], "demo", out, only=["tree"])
    for rows in (found["rows"], again["rows"]):
        for name in ("trees", "trees elsewhere"):
            rows[name].pop("training")  # seconds
    assert again["rows"] == found["rows"]


def test_side_by_side_is_what_in_turn_is(study, trained, monkeypatch, tmp_path):
    """Each task in this process: commands of their own would not know the study."""
    monkeypatch.chdir(tmp_path)

    def run_here(tasks, slots, done):
        for task in tasks:
            row = task.command[task.command.index("--row") + 1]
            reproducing.reproduce([], "demo", tmp_path / "nobody", only=[row], train_only=True)
            done(task)
        return 0

    monkeypatch.setattr(side_by_side, "run_in_turn", run_here)
    out = tmp_path / "experiments"
    reproducing.reproduce([], "demo", out, jobs=2)
    assert not (tmp_path / "nobody").exists(), "--train-only measures nothing"
    assert len(trained) == len(set(trained)) == 4
    together = json.loads((out / "results/demo/tiny.json").read_text())
    shutil.rmtree(tmp_path / "runs")
    reproducing.reproduce([], "demo", out)
    alone = json.loads((out / "results/demo/tiny.json").read_text())
    for row in (*together["rows"].values(), *alone["rows"].values()):
        row.pop("training", None)
    assert together["rows"] == alone["rows"]


def test_free_seeds_leave_all_but_the_trainings_to_others(study, trained, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    network_commands.reproduce(free_seeds=True, dry_run=True)
    assert not trained
    network_commands.reproduce(free_seeds=True)
    assert len(trained) == 4, "two rows of two seeds; the third row takes another's"
    assert [folder.rpartition("-")[2] for folder in trained] == ["2", "1", "2", "1"], "from the last seed on"
    assert not list(tmp_path.glob("runs/*/config.yaml"))
    assert not (tmp_path / "experiments").exists()
    network_commands.reproduce(train_only=True, jobs=1)
    assert len(trained) == 4, "what is trained is taken"
    assert len(list(tmp_path.glob("runs/*/metrics.json"))) == 3


@pytest.mark.parametrize(("status", "error"), [(130, KeyboardInterrupt), (143, SystemExit), (2, SystemExit)])
def test_side_by_side_ends_as_a_task_does(study, monkeypatch, tmp_path, status, error):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(side_by_side, "run_in_turn", lambda *_: status)
    with pytest.raises(error) as end:
        reproducing.reproduce([], "demo", tmp_path / "experiments", jobs=2)
    assert error is KeyboardInterrupt or end.value.code == status
