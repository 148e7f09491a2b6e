"""`mscat reproduce` on a mock sample: from nothing, interrupted, and with one training deleted."""

import json
import shutil

import pytest

from mscat_tf.cli import reproduce as reproducing
from mscat_tf.cli import stages
from mscat_tf.config.study import Study
from mscat_tf.errors import ConfigError, MissingExtraError
from mscat_tf.run_folder import Run


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
