"""`mscat compare` and `mscat models` through the command line, on a mock sample."""

import json

import pytest

from mscat_tf.data.mock import write_mock_sample
from mscat_tf.evaluation.scores import read_scores

TINY = (
    "train.batch_size=128",
    "train.epochs=1",
    "train.tensorboard=false",
    "model.boosted_trees.iterations=10",
    "evaluate.bootstrap_replicas=10",
)


@pytest.fixture(autouse=True)
def wide(monkeypatch):
    """A terminal on which no cell is folded."""
    monkeypatch.setenv("COLUMNS", "250")


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    return write_mock_sample(tmp_path_factory.mktemp("mock"), events=400, shards=2, constituents=3)


def options(sample, *more):
    return [item for setting in (f"data.path={sample}", *TINY, *more) for item in ("--set", setting)]


def test_one_table_of_three_networks_and_a_second_call_that_does_nothing(mscat, sample, tmp_path, monkeypatch):
    monkeypatch.setattr("mscat_tf.evaluation.run.draw_run", lambda *_: [])  # drawn in other tests; half of the time
    command = ("compare", "smoke", "kinematics_mlp", "boosted_trees", "deep_sets", "lund_net", *options(sample))
    status, output, complaint = mscat(*command)
    assert status == 0, complaint
    comparison = json.loads((tmp_path / "runs/smoke-comparison/comparison.json").read_text())
    rows = {row["network"]: row for row in comparison["table"]}
    assert list(rows) == ["kinematics_mlp", "boosted_trees", "deep_sets"]
    assert rows["boosted_trees"]["MFLOP per event"] == "-"
    training = json.loads((tmp_path / "runs/smoke-kinematics_mlp/training.json").read_text())
    assert rows["kinematics_mlp"]["parameters"] == str(training["parameters"])
    assert float(rows["kinematics_mlp"]["MFLOP per event"]) == pytest.approx(
        training["flops_per_event"] / 1e6, rel=5e-3
    )
    for name, row in rows.items():
        metrics = json.loads((tmp_path / f"runs/smoke-{name}/metrics.json").read_text())["all backgrounds"]
        assert row["AUC"].startswith(f"{metrics['auc']['value']:.4f} ± ")
        signal, background = metrics["effective_events"].values()
        chance = ((signal + background + 1) / (12 * signal * background)) ** 0.5
        assert float(row["above chance"].split()[0]) == pytest.approx(
            (metrics["auc"]["value"] - 0.5) / chance, abs=0.06
        )
    assert "no data set 'lund/declusterings'" in comparison["skipped"]["lund_net"]
    assert "lund_net is left out" in output
    lines = (tmp_path / "runs/smoke-comparison/table.md").read_text().splitlines()
    assert lines[0].startswith("| network | parameters | MFLOP per event |")
    assert [line.split(" | ")[0] for line in lines[2:5]] == ["| kinematics_mlp", "| boosted_trees", "| deep_sets"]

    kept = {path: path.stat().st_mtime_ns for path in tmp_path.glob("runs/*/*.h5")}
    kept |= {path: path.stat().st_mtime_ns for path in tmp_path.glob("runs/*/model.keras")}
    assert len(kept) == 9  # six files of scores, two networks, trees
    status, output, _ = mscat(*command)
    assert (status, output.count("nothing to do")) == (0, 3)
    assert kept == {path: path.stat().st_mtime_ns for path in kept}
    assert len(read_scores(tmp_path / "runs/smoke-boosted_trees/scores.h5")) > 0


def test_wrong_names_and_unserved_networks_are_one_sentence(mscat, sample, tmp_path):
    status, _, complaint = mscat("compare", "smoke", "deep_set", *options(sample))
    assert status == 2
    assert "mscat: model.name: unknown network 'deep_set'; did you mean 'deep_sets'?" in complaint
    assert not (tmp_path / "runs").exists()
    status, _, complaint = mscat("compare", "smoke", "lund_net", *options(sample))
    assert status == 2
    assert "no data set 'lund/declusterings'" in complaint
    status, _, complaint = mscat(
        "compare", "smoke", "boosted_trees", *options(sample, "model.boosted_trees.inputs=both")
    )
    assert status == 2
    assert "no data set 'high_level'" in complaint


def test_models_prints_one_network_with_its_shapes(mscat):
    status, output, _ = mscat("models", "kinematics_mlp", "--set", "model.width=10", "--set", "model.head_units=[4]")
    assert status == 0
    inner = 18 * 30 + 30 + 30 * 30 + 30
    assert f"{inner + 30 * 4 + 4 + 4 + 1} parameters" in output
    assert "3 x 6" in output
    status, _, complaint = mscat("models", "kinematic_mlp")
    assert (status, "did you mean 'kinematics_mlp'" in complaint) == (2, True)
    status, _, complaint = mscat("models", "mscat", "--set", "train.epochs=3")
    assert (status, "only keys of the section 'model'" in complaint) == (2, True)


def test_models_prints_the_registry(mscat, monkeypatch):
    from mscat_tf.models import registry

    few = {name: registry.MODELS[name] for name in ("kinematics_only", "kinematics_mlp")}
    monkeypatch.setattr(registry, "MODELS", few)
    status, output, _ = mscat("models")
    assert status == 0
    for name in (*few, "boosted_trees", "<= 4500", "MFLOP", "per event"):
        assert name in output


def test_trees_cannot_be_explained(mscat, sample):
    arguments = ("train", "smoke", "--name", "trees", *options(sample, "model.name=boosted_trees"))
    assert mscat(*arguments)[0] == 0
    status, _, complaint = mscat("explain", "runs/trees")
    assert (status, complaint.count("mscat: runs/trees: boosted trees have no layers")) == (2, 1)
