"""`train.repeats` and `mscat search` through the command line, with trees, which are trained in no time."""

import json

import pytest

from mscat_tf.config import load_config

SETTINGS = (
    "model.name=boosted_trees",
    "model.boosted_trees.iterations=5",
    "model.boosted_trees.inputs=kinematics",
    "evaluate.bootstrap_replicas=10",
)


@pytest.fixture
def options(mock_folder, monkeypatch):
    """Settings for the command line, and a terminal on which no cell is folded."""
    monkeypatch.setenv("COLUMNS", "250")

    def make(*more):
        return [item for setting in (f"data.path={mock_folder}", *SETTINGS, *more) for item in ("--set", setting)]

    return make


def test_two_seeds_are_trained_and_evaluated_together(mscat, options, tmp_path, monkeypatch):
    monkeypatch.setattr("mscat_tf.evaluation.run.draw_run", lambda *_: [])  # drawn in other tests; half of the time
    train = ("train", "smoke", "--name", "two", *options("train.repeats=2"))
    status, output, complaint = mscat(*train)
    assert status == 0, complaint
    for words in ("runs/two/seed-1: boosted_trees", "runs/two/seed-2: boosted_trees", "runs/two: 2 trainings, seeds 1"):
        assert words in output
    found = json.loads((tmp_path / "runs/two/repeats.json").read_text())["spread"]["best_validation_loss"]
    assert f"{found['mean']:.4f} ± {found['error']:.4f}" in output

    status, output, complaint = mscat("evaluate", "runs/two")
    assert status == 0, complaint
    metrics = json.loads((tmp_path / "runs/two/metrics.json").read_text())
    together, apart = metrics["all backgrounds"]["auc"], metrics["members"]["all backgrounds"]["auc"]
    for figure in (*(together[key] for key in ("value", "error")), apart["standard_deviation"]):
        assert f"{figure:.4f}" in output  # a narrow terminal breaks the line between value and error
    assert "the 2 members one by one" in output

    assert mscat("inspect", "runs/two")[0] == 0
    assert mscat("evaluate", "runs/two/seed-2")[0] == 0
    assert mscat(*train)[1].count("nothing to do") == 2


@pytest.mark.filterwarnings("ignore:currentThread:DeprecationWarning", "ignore:getName:DeprecationWarning")
def test_search_shows_the_best_and_what_failed(mscat, options, tmp_path):
    space = "{model.boosted_trees.max_leaves: [2, 8], train.lanes: [1, 2], train.length_buckets: [1, 2]}"
    search = ("search", "smoke", *options(f"search={{trials: 9, epochs: 1, space: {space}}}"))
    status, output, complaint = mscat(*search)
    assert status == 0, complaint
    assert "Traceback" not in output + complaint
    found = json.loads((tmp_path / "runs/smoke-search/search.json").read_text())
    assert sum("exclude each other" in trial.get("reason", "") for trial in found["trials"]) == 2
    finished = [trial for trial in found["trials"] if trial["value"] is not None]
    assert (len(finished), found["ended_by"]) == (6, "nothing left to try")
    assert f"{finished[0]['value']:.5f}" in output
    assert "of the best is too good" in output
    best = load_config(tmp_path / "runs/smoke-search/best.yaml")
    assert best.model.boosted_trees.max_leaves == finished[0]["values"]["model.boosted_trees.max_leaves"]
    assert mscat("train", tmp_path / "runs/smoke-search/best.yaml")[0] == 0
    again = json.loads((tmp_path / "runs/smoke-best/training.json").read_text())
    assert again["best_validation_loss"] == finished[0]["value"]
    status, output, _ = mscat(*search)
    assert (status, "trees" in output.split("the best of")[0]) == (0, False)


def test_wrong_spaces_are_one_sentence_before_anything_is_made(mscat, options, tmp_path):
    status, _, complaint = mscat("search", "smoke", *options("search.space={train.lerning_rate: [1, 2]}"))
    assert (status, "did you mean 'learning_rate'" in complaint) == (2, True)
    status, _, complaint = mscat("search", "smoke", "--dry-run", *options("search.space={model.width: [0, 2]}"))
    assert (status, "model.width = 0" in complaint) == (2, True)
    assert not (tmp_path / "runs").exists()
