"""The true path, through the command line: generated events, training, evaluation, explanation; killed and resumed."""

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest

from mscat_tf.evaluation.scores import read_scores
from mscat_tf.run_folder import load_run
from tests.docs_notebooks import execute, outputs
from tests.smoke_run import command, environment, run_alone

pytestmark = pytest.mark.slow


def kill_when(folder, seen, *arguments):
    """Start a command, SIGKILL it with all its children as soon as `seen()` holds."""
    with open(folder / "killed.log", "w") as log:
        job = subprocess.Popen(
            command(*arguments), cwd=folder, env=environment(), stdout=log, stderr=log, start_new_session=True
        )
        for _ in range(3000):
            if seen():
                break
            assert job.poll() is None, "it ended before it could be killed:\n" + (folder / "killed.log").read_text()
            time.sleep(0.1)
        os.killpg(job.pid, signal.SIGKILL)
        job.wait()


def checksums(folder):
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(folder.glob("[!.]*.h5"))}


def test_one_table_and_every_figure(smoke_run):
    folder, output = smoke_run
    for word in (
        "mscat",
        "concatenation",
        "kinematics_only",
        "AUC, all backgrounds",
        "1/eff_B at eff_S = 30%",
        "seconds",
    ):
        assert word in output
    figures = [Path(line.strip()) for line in output.splitlines() if re.fullmatch(r"\S+\.png", line.strip())]
    names = {path.stem for path in figures}
    assert {"fat_jet_mass", "di_jet_mass", "roc", "scores", "gradcam", "attention_cross_block_1"} <= names
    for path in figures:
        assert (folder / path).stat().st_size > 5000
    comparison = json.loads((folder / "runs/smoke-comparison/comparison.json").read_text())
    assert set(comparison["differences"]) == {"concatenation", "kinematics_only"}
    assert comparison["seconds"]["simulation"] > 0


def test_notebooks_show_the_run(smoke_run, tmp_path):
    """The first three, on the run that stands there: every figure, and the tables of objects."""
    folder, _ = smoke_run
    shown = {
        "01_first_run.ipynb": (3, "runs/smoke-mscat"),
        "02_explore_the_data.ipynb": (4, "data/smoke: 120 events"),
        "03_attention_and_gradcam.ipynb": (8, "runs/smoke-mscat: explanation"),
    }
    for name, (figures, caption) in shown.items():
        notebook = execute(name, tmp_path, MSCAT_HOME=folder, MSCAT_NAME="smoke")
        assert len(outputs(notebook, "image/png")) == figures, name
        assert f"<caption>{caption}" in "".join(outputs(notebook, "text/html"))


def test_notebook_from_delphes_to_a_classifier(tmp_path):
    """Toys of two prongs against one: any network tells them apart."""
    quick = "model.name=kinematics_mlp train.epochs=2 train.tensorboard=false evaluate.bootstrap_replicas=20"
    notebook = execute("04_bring_your_own_process.ipynb", tmp_path, MSCAT_HOME=tmp_path, MSCAT_SET=quick)
    run = load_run(tmp_path / "runs/mine")
    assert run.metrics["all backgrounds"]["auc"]["value"] > 0.7
    assert run.metrics._repr_html_() in outputs(notebook, "text/html")


def test_the_same_command_again_changes_nothing(smoke_run, mscat, monkeypatch):
    folder, _ = smoke_run
    before = {p: p.stat().st_mtime_ns for p in folder.glob("runs/*/model.keras")}
    monkeypatch.chdir(folder)
    status, output, complaint = mscat("train-mirror", "smoke", "--workers", 2)
    assert status == 0, complaint
    assert output.count("nothing to do") == 4
    assert before == {p: p.stat().st_mtime_ns for p in folder.glob("runs/*/model.keras")}


def test_killed_generation_and_one_worker_give_the_same_bytes(smoke_run, tmp_path):
    """SIGKILL after the first shard; resumed with one worker instead of two."""
    data = tmp_path / "data/smoke"
    kill_when(tmp_path, lambda: any(data.glob("[!.]*.h5")), "generate", "smoke", "--workers", 2)
    assert not (data / "sample.json").exists()
    run_alone(tmp_path, "generate", "smoke", "--workers", 1)
    expected = checksums(smoke_run[0] / "data/smoke")
    assert len(expected) == 7
    assert checksums(data) == expected
    assert (data / "sample.json").read_bytes() == (smoke_run[0] / "data/smoke/sample.json").read_bytes()
    assert not list(data.glob(".part-*"))


def test_truncated_shard_is_made_again(smoke_run, mscat, tmp_path):
    data = tmp_path / "data/smoke"
    shutil.copytree(smoke_run[0] / "data/smoke", data)
    (victim,) = data.glob("signal-*-0001.h5")
    victim.write_bytes(victim.read_bytes()[:3000])
    status, _, complaint = mscat("generate", "smoke", "--workers", 1)
    assert status == 0, complaint
    assert checksums(data) == checksums(smoke_run[0] / "data/smoke")


def test_killed_training_ends_where_an_uninterrupted_one_does(smoke_run, mscat, tmp_path):
    """SIGKILL after the first epoch; the resumed run has the same weights, scores and test AUC (1e-6, one device)."""
    shutil.copytree(smoke_run[0] / "data/smoke", tmp_path / "data/smoke")
    run = tmp_path / "runs/smoke-kinematics_only"
    arguments = ("train", "smoke", "--set", "model.name=kinematics_only", "--name", "smoke-kinematics_only")
    kill_when(tmp_path, lambda: any(run.glob("checkpoints/step-*.npz")), *arguments)
    assert not (run / "training.json").exists()
    for command_line in (arguments, ("evaluate", "runs/smoke-kinematics_only")):
        status, _, complaint = mscat(*command_line)
        assert status == 0, complaint
    straight, resumed = load_run(smoke_run[0] / "runs/smoke-kinematics_only"), load_run(run)
    for one, other in zip(straight.model.get_weights(), resumed.model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    logits = [read_scores(r.path / "scores.h5").logit for r in (straight, resumed)]
    np.testing.assert_array_equal(*logits)
    values = [r.metrics["all backgrounds"]["auc"]["value"] for r in (straight, resumed)]
    assert abs(values[0] - values[1]) < 1e-6


def test_termination_exits_with_143(tmp_path):
    job = subprocess.Popen(
        command("generate", "demo", "--workers", 1), cwd=tmp_path, env=environment(), stderr=subprocess.PIPE, text=True
    )
    time.sleep(6)
    job.terminate()
    _, complaint = job.communicate(timeout=60)
    assert job.returncode == 143
    assert "Traceback" not in complaint
