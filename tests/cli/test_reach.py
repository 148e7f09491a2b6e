"""`mscat reach` through the command line: from a mock sample over trees to limits."""

import contextlib
import io
import json
import shutil
import warnings
from pathlib import Path
from types import SimpleNamespace

import pytest

from mscat_tf.cli import reach as command
from mscat_tf.data.mock import write_mock_sample
from mscat_tf.run_folder import Run
from tests.docs.blocks import blocks_of

pytest.importorskip("pyhf")


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    return write_mock_sample(tmp_path_factory.mktemp("mock"), events=3000, shards=2, constituents=3)


@pytest.mark.parametrize("seeds", [1, 2])
def test_yields_and_limits_of_a_run(mscat, sample, tmp_path, monkeypatch, seeds):
    monkeypatch.setattr("mscat_tf.evaluation.run.draw_run", lambda *_: [])
    settings = [f"data.path={sample}", "model.name=boosted_trees", "model.boosted_trees.iterations=10"]
    settings += [f"train.repeats={seeds}"]
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
    check_page(found, output)
    check_variations(mscat, tmp_path / "runs", found)


def check_page(found, printed):
    """docs/pyhf_example.md, run as it stands, against what `mscat reach` printed."""
    names, said = {}, io.StringIO()
    for block in (block for block in blocks_of("docs/pyhf_example.md") if block.language == "python"):
        with warnings.catch_warnings(), contextlib.redirect_stdout(said):
            warnings.simplefilter("ignore", DeprecationWarning)  # pyhf 0.7.6 with jsonschema 4.18
            exec(compile(block.text.replace("runs/demo-mscat", "runs/trees"), str(block), "exec"), names)
    assert said.getvalue().startswith("mu = 0.0")
    limits = [float(limit) for limit in names["limits"]]
    assert limits == pytest.approx(list(found["limit_fb"].values()), rel=5e-3)
    line = next(line for line in printed.splitlines() if line.lstrip(" │|┃").startswith("limit, fb "))
    assert float(line.split("fb")[1].strip(" │|┃").split()[0]) == pytest.approx(limits[2], rel=1e-2)


def check_variations(mscat, runs, plain):
    """Folders of the same network on events that are said to be shifted; nothing is, so the fit loses nothing."""
    shutil.copytree(runs / "trees", runs / "shifted")
    options = ["--set", "bins=2", "--set", "luminosity_fb=100", "--variation", "energy scale=runs/shifted"]
    status, _, complaint = mscat("reach", "runs/trees", *options)
    assert (status, "are no variation of those of runs/trees" in complaint) == (2, True), complaint
    made = json.loads((runs / "shifted/environment.json").read_text())
    made["data_digest"] += "-prepared-0"
    (runs / "shifted/environment.json").write_text(json.dumps(made))
    assert mscat("reach", "runs/trees", *options)[0] == 0
    found = json.loads((runs / "trees/reach_with_variations/reach.json").read_text())
    assert found["uncertainties"]["shapes"] == ["energy scale"]
    assert found["limit_fb"] == pytest.approx(plain["limit_fb"], rel=1e-3)
    shifted = Run(runs / "shifted")
    (shifted.members or [shifted])[-1].model_file.write_bytes(b"another")
    status, _, complaint = mscat("reach", "runs/trees", *options)
    assert (status, "runs/shifted: another network than that of runs/trees" in complaint) == (2, True), complaint


@pytest.mark.parametrize("option", ["=runs/none", "scale", "scale=a,b,c"])
def test_variation_needs_name_and_folders(mscat, option):
    status, _, complaint = mscat("reach", "runs/none", "--variation", option)
    assert (status, "give NAME=UP or NAME=UP,DOWN" in complaint) == (2, True)


def test_unknown_setting(mscat, tmp_path):
    status, _, complaint = mscat("reach", "runs/none")
    assert (status, "runs/none: no run here" in complaint) == (2, True)


def test_runs_of_different_processes_and_luminosities_stand_side_by_side(monkeypatch, capsys):
    limit = {"0": 1.0, "-1": 0.5, "+1": 2.0}
    figures = {"significance": 1.0, "limit_fb": limit, "discovery_fb": 3.0}

    def reach(run, *_):
        return SimpleNamespace(
            processes={name: {"expected": 5.0} for name in run.split("-")},
            settings={"luminosity_fb": 300.0 if "4b" in run else 3000.0},
            signal_fb=1.0,
            endless_simulation=figures,
            as_json=lambda: figures,
        )

    monkeypatch.setattr(command, "_reach", reach)
    monkeypatch.setattr(command, "Run", str)
    command.show([Path("signal-4b"), Path("signal-ttbar")], [])
    rows = [line.strip("│ ").split("│") for line in capsys.readouterr().out.splitlines()]
    cells = {row[0].strip(): [cell.strip() for cell in row[1:]] for row in rows}
    assert (cells["luminosity, /fb"], cells["signal, fb"]) == (["300", "3000"], ["1", "1"])
    assert cells["events, signal"] == ["5", "5"]
    assert (cells["events, 4b"], cells["events, ttbar"]) == (["5", "-"], ["-", "5"])
