"""`mscat reach` through the command line: from a mock sample over trees to limits."""

import json

import pytest

from mscat_tf.data.mock import write_mock_sample

pytest.importorskip("pyhf")


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    return write_mock_sample(tmp_path_factory.mktemp("mock"), events=3000, shards=2, constituents=3)


def test_yields_and_limits_of_a_run(mscat, sample, tmp_path, monkeypatch):
    monkeypatch.setattr("mscat_tf.evaluation.run.draw_run", lambda *_: [])
    settings = [f"data.path={sample}", "model.name=boosted_trees", "model.boosted_trees.iterations=10"]
    status, _, complaint = mscat("train", "smoke", "--name", "trees", *(x for s in settings for x in ("--set", s)))
    assert status == 0, complaint
    status, _, complaint = mscat("reach", "runs/trees")
    assert (status, "scores_validation.h5: not there yet; run `mscat evaluate` first" in complaint) == (2, True)
    assert mscat("evaluate", "runs/trees")[0] == 0
    status, output, complaint = mscat("reach", "runs/trees", "--set", "bins=2", "--set", "luminosity_fb=100")
    assert status == 0, complaint
    found = json.loads((tmp_path / "runs/trees/reach/reach.json").read_text())
    yields = json.loads((tmp_path / "runs/trees/metrics.json").read_text())["yields"]
    luminosity = json.loads((tmp_path / "runs/trees/metrics.json").read_text())["settings"]["luminosity_fb"]
    for name, process in found["processes"].items():
        assert process["expected"] == pytest.approx(yields[name]["expected"] * 100 / luminosity, rel=1e-6)
    assert f"{found['limit_fb']['0']:.3g} (" in output
    assert "limit, fb, endless simulation" in output
    assert found["limit_fb"]["0"] >= found["endless_simulation"]["limit_fb"]["0"]
    workspace = json.loads((tmp_path / "runs/trees/reach/workspace.json").read_text())
    assert {sample["name"] for channel in workspace["channels"] for sample in channel["samples"]} == set(yields)


def test_unknown_setting(mscat, tmp_path):
    status, _, complaint = mscat("reach", "runs/none")
    assert (status, "runs/none: no run here" in complaint) == (2, True)
