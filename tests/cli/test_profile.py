"""`mscat train --profile` and `mscat cost` from the command line."""

import json

import pytest

from mscat_tf.training import cost
from mscat_tf.training import profile as module

NETWORK = (
    "model.name=kinematics_only", "train.epochs=2", "train.batch_size=16", "train.steps_per_epoch=3",
    "train.steps_per_execution=3", "train.tensorboard=false",
)  # fmt: skip


def settings(*pairs):
    return [word for pair in pairs for word in ("--set", pair)]


def test_a_profiled_training_ends_with_its_table(mscat, mock_folder, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "matmul_peak", lambda precision: 1e9)
    given = settings(*NETWORK, f"data.path={mock_folder}")
    status, output, _ = mscat("train", "smoke", *given, "--profile")
    report = json.loads((tmp_path / "runs/smoke/profile.json").read_text())
    assert (status, report["steps_measured"]) == (0, 5)
    for word in ("waiting for input", "product of matrices", "1.0 GFLOP/s", "peak memory", "the profile itself took"):
        assert word in output
    status, output, _ = mscat("train", "smoke", *given, "--profile")  # with the settings that it was trained with
    assert status == 0
    assert "nothing to do" in output
    assert "no step was measured" in output


def test_a_profile_is_of_one_training(mscat, mock_folder):
    given = settings(*NETWORK, f"data.path={mock_folder}", "train.repeats=3")
    status, _, complaint = mscat("train", "smoke", *given, "--profile")
    assert status == 2
    assert "train.repeats = 3" in complaint


def test_cost_of_ten_times_the_events_is_ten_times_the_time(mscat):
    def hours(events):
        given = settings("model.name=kinematics_only", "train.batch_size=512")
        status, output, _ = mscat("cost", "smoke", *given, "--events", events, "--device", "a100", "--devices", 8)
        assert status == 0
        line = next(line for line in output.splitlines() if "whole training" in line)
        return float(line.split("│")[2].removesuffix("h ").strip(" h"))

    assert hours("1e10") == pytest.approx(10 * hours("1e9"), rel=0.02)


@pytest.mark.parametrize(
    ("given", "word"),
    [
        (("--device", "z9"), "unknown; choose from a100, h100, here"),
        (("--devices", 7), "cannot be shared by 7 devices"),
        (("--set", "model.name=boosted_trees"), "choose a network"),
    ],
)
def test_what_cannot_be_estimated_is_said(mscat, given, word):
    status, _, complaint = mscat("cost", "smoke", "--device", "a100", *given)
    assert status == 2
    assert word in complaint


def test_this_machine_is_measured(monkeypatch):
    monkeypatch.setattr(cost, "matmul_peak", lambda precision: {"float32": 5e9}[precision])
    found = cost.this_device()
    assert found.products == {"float32": 5e9}
    assert found.bandwidth > 1e8
