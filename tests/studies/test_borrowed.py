"""Run folders of networks that were trained in others, and the acceptance of a sample."""

import json
import os

import pytest

from mscat_tf.cli import reproduce
from mscat_tf.config import load_config
from mscat_tf.data import Sample
from mscat_tf.errors import InputError
from mscat_tf.files import write_json
from mscat_tf.run_folder import Run
from mscat_tf.run_start import start_run
from mscat_tf.studies import borrowed
from mscat_tf.studies.acceptance import acceptance, acceptance_lines
from mscat_tf.studies.borrowed import borrowed_run


@pytest.fixture
def trained(tmp_path, mock_folder):
    """Two seeds, whose networks are a few bytes."""
    config = load_config("smoke", [f"data.path={mock_folder}", "train.repeats=2", "seed=4", "name=whole"])
    folder = tmp_path / "whole"
    for name in ("seed-4", "seed-5"):
        own = config.updated(["train.repeats=1", f"seed={name[-1]}"])
        run = start_run(own, folder / name, "events")
        run.model_file.write_text(f"network {name}")
        write_json(run.path / "training.json", {"best_epoch": int(name[-1])})
    run = start_run(config, folder, "events")
    write_json(folder / "training.json", {"best_epoch": 4})
    return run


def test_borrowed_networks_are_those_that_were_trained(trained, tmp_path, mock_folder):
    config = trained.config.updated(["data.mass_hypothesis=1000", "name=whole-on-1000"])
    run = borrowed_run(trained, config, tmp_path / "other")
    assert run.finished
    assert run.config == config
    for member, seed in zip(run.members, (4, 5), strict=True):
        assert member.model_file.read_text() == f"network seed-{seed}"
        assert member.training == {"best_epoch": seed}
        assert (member.config.seed, member.config.data.mass_hypothesis) == (seed, 1000)
    with Sample(mock_folder) as sample:
        assert run.origin["data_digest"] == sample.digest


def test_evaluation_is_void_when_the_training_or_the_events_change(trained, tmp_path):
    config, folder = trained.config.updated(["name=other"]), tmp_path / "other"
    evaluated = folder / "metrics.json"
    borrowed_run(trained, config, folder)
    evaluated.write_text("{}")
    borrowed_run(trained, config, folder)
    assert evaluated.is_file()
    member = trained.members[1]
    member.model_file.write_text("trained again")
    os.utime(trained.path / "training.json", (1.0, 1.0))
    assert borrowed_run(trained, config, folder).members[1].model_file.read_text() == "trained again"
    assert not evaluated.is_file()
    evaluated.write_text("{}")
    borrowed_run(trained, config.updated(["data.mass_hypothesis=1000"]), folder)
    assert not evaluated.is_file()
    assert json.loads((folder / "environment.json").read_text())["trained_as"] == str(trained.path)


def test_interrupted_copies_leave_no_metrics_of_another_network(trained, tmp_path, monkeypatch):
    config, folder = trained.config.updated(["name=other"]), tmp_path / "other"
    borrowed_run(trained, config, folder)
    evaluated = folder / "seed-5" / "metrics.json"
    evaluated.write_text("{}")
    os.utime(trained.members[1].model_file, (1.0, 1.0))
    monkeypatch.setattr(borrowed.shutil, "copy2", interrupted)
    with pytest.raises(KeyboardInterrupt):
        borrowed_run(trained, config, folder)
    assert not evaluated.is_file()


def interrupted(*_):
    raise KeyboardInterrupt


def test_nothing_is_borrowed_of_an_unfinished_training(trained, tmp_path):
    trained.members[0].model_file.unlink()
    with pytest.raises(InputError, match="not finished"):
        borrowed_run(Run(trained.path), trained.config, tmp_path / "other")


@pytest.mark.parametrize(("there", "wanted", "expected"), [(5, 2, 5), (2, 5, 5), (5, 1, 1), (None, 2, 2)])
def test_seeds_of_another_study_are_kept(monkeypatch, tmp_path, there, wanted, expected):
    asked = []
    monkeypatch.setattr(reproduce, "RUNS", tmp_path)
    monkeypatch.setattr(reproduce.stages, "train", asked.append)
    config = load_config("smoke", ["name=shared", f"train.repeats={wanted}"])
    if there:
        start_run(config.updated([f"train.repeats={there}"]), tmp_path / "shared", "events")
    reproduce._trained(config)
    assert asked == [config.updated([f"train.repeats={expected}"])]


def test_acceptance_is_that_of_the_cut_flow(monkeypatch, mock_folder):
    cuts = [("generated", 1000, 1000.0), ("|eta|", 100, 90.0), ("double b tag", 80, 9.0)]
    flow = [{"cut": cut, "raw": raw, "weighted": weighted} for cut, raw, weighted in cuts]
    settings = {"processes": {"ttbar": {"m_H": 600.0}, "signal": {"m_H": 2000.0}}}
    monkeypatch.setattr(Sample, "cut_flow", {"signal": flow, "ttbar": flow, "4b": flow})
    monkeypatch.setattr(Sample, "_configuration", lambda self: settings)
    found = acceptance(mock_folder)
    assert found["ttbar"]["m_H"] == 600.0
    assert found["4b"]["m_H"] is None
    assert (found["signal"]["acceptance"], found["signal"]["tagged"]) == pytest.approx((0.09, 0.009))
    assert found["signal"]["error"] == pytest.approx((0.9 / 100) ** 0.5)
    with Sample(mock_folder) as sample:
        weight = sample.column("weights").prod(axis=1)[sample.column("process") == 0].astype("f8")
    assert found["signal"]["tagged_error"] == pytest.approx((weight @ weight) ** 0.5 / weight.sum())
    lines = acceptance_lines(found)
    assert lines[2] == r"|  | m_H [GeV] | generated | \|eta\| | double b tag |"
    assert lines[4].startswith("| ttbar | 600 | 1000 | 0.09 ± 0.009 | 0.009 ± 0.00")
    assert [line.split()[1] for line in lines[4:7]] == ["ttbar", "signal", "4b"]
