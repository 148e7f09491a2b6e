"""`mscat evaluate --scores` through the command line."""

import json

import matplotlib.pyplot as plt
import numpy as np
import pytest

from tests.cli.test_errors import check_sentence
from tests.evaluation.test_plain_files import columns, write

QUICK = ("--set", "evaluate.bootstrap_replicas=20")


@pytest.fixture(autouse=True)
def wide(monkeypatch):
    """A terminal on which no cell is folded."""
    monkeypatch.setenv("COLUMNS", "250")


def test_two_tools_on_the_same_events(mscat, tmp_path, monkeypatch):
    drawn = []

    def save(figure, folder, name):  # drawn in the next test; most of the time
        plt.close(figure)
        drawn.append(f"{folder}/{name}")

    monkeypatch.setattr("mscat_tf.evaluation.plain.save", save)
    values = {**columns(600), "split": np.arange(600) // 2 % 3}
    write(tmp_path / "first.csv", values)
    worse = values["score"] * 0.6 + 0.4 * np.random.default_rng(1).random(600)
    write(tmp_path / "second.npz", {**values, "score": worse})
    status, output, complaint = mscat(
        "evaluate", "--scores", "first.csv", "--scores", "second.npz", "--out", "both", *QUICK
    )
    assert status == 0, complaint
    assert "AUC of first - second: +0.0" in output
    assert output.count("after temperature scaling with") == 2
    both = json.loads((tmp_path / "both/comparison.json").read_text())
    for name in ("first", "second"):
        metrics = json.loads((tmp_path / f"both/{name}/metrics.json").read_text())
        assert metrics["all backgrounds"]["auc"] == both["auc"][name]
        assert metrics["events"] == 200
        assert len(metrics["source"]["sha256"]) == 64
        assert list(metrics["all backgrounds"]["rejection"]) == ["0.3", "0.5", "0.8"]
    difference = both["differences"]["second"]
    assert difference["difference"] == pytest.approx(both["auc"]["first"]["value"] - both["auc"]["second"]["value"])
    assert sorted(drawn) == sorted(
        [
            "both/figures/roc",
            *(f"both/{name}/figures/{what}" for name in ("first", "second") for what in ("calibration", "roc")),
        ]
    )


def test_scores_that_are_no_probabilities_get_no_calibration(mscat, tmp_path):
    values = columns(200)
    write(tmp_path / "x.csv", {**values, "score": 10 * values["score"]})
    status, output, complaint = mscat("evaluate", "--scores", "x.csv", *QUICK)
    assert status == 0, complaint
    assert "calibration" not in output
    assert [path.name for path in sorted((tmp_path / "x-evaluation/figures").iterdir())] == ["roc.pdf", "roc.png"]


def test_bad_input_is_one_sentence(mscat, tmp_path):
    good = write(tmp_path / "good.csv", columns(200))
    other = write(tmp_path / "other.csv", columns(202))
    check_sentence(mscat("evaluate"), "neither a run nor --scores")
    check_sentence(mscat("evaluate", "runs/x", "--scores", good), "runs/x: a run has its own scores")
    check_sentence(mscat("evaluate", "runs/x", "--out", "y"), "runs/x: a run has its own scores")
    check_sentence(mscat("evaluate", "--scores", "nowhere.csv"), "nowhere.csv: no such file")
    check_sentence(mscat("evaluate", "--scores", "x.pkl"), "x.pkl", ".npz, .npy, .csv")
    check_sentence(mscat("evaluate", "--scores", good, "--scores", other), "not the events of", "same order")
    check_sentence(mscat("evaluate", "--scores", good, "--scores", good), "given twice")
    check_sentence(mscat("evaluate", "--scores", good, "--set", "model.width=3"), "section 'evaluate'")
    check_sentence(
        mscat("evaluate", "--scores", good, "--set", "evaluate.signal_efficiencies=[0.01]"), "too few signal"
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["good.csv", "other.csv"]
