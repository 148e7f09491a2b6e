"""The benchmark of training: that it runs, that what it compares is the same, and how it counts."""

import importlib.util
import json
import sys

import numpy as np
import pytest

from experiments.benchmarks import training
from experiments.benchmarks.interleaved import Timings, interleave
from experiments.benchmarks.our_works import OurWorks, made_up_events
from experiments.benchmarks.released_chain import check_same_scores
from experiments.benchmarks.torch_child import torch_child, write_twin_file
from mscat_tf.config import ModelSettings, TrainSettings


def test_a_quick_run_writes_its_figures(tmp_path, capsys):
    out = tmp_path / "training.json"
    training.main(["--quick", "--only", "latency", "--rounds", "1", "--threads", "0", "--out", str(out)])
    report = json.loads(out.read_text())["latency"]
    ways = {"Keras call", "Keras predict", "tf.function"}
    assert set(report["1 events"]) == set(report["8 events"]) == ways
    assert all(figure["value"] > 0 for figure in report["figures"])
    assert "ms for one event: Keras predict" in capsys.readouterr().out


def test_gains_are_medians_over_rounds():
    """Works that take 2 and 1 seconds in every round but one, in which the machine was busy."""
    found = Timings({"slow": np.array([[2.0, 2.0], [2.0, 2.0], [40.0, 2.0]]), "fast": np.ones((3, 2))})
    assert found.gain("slow", "fast") == 2.0
    assert found.best(found.seconds) == "fast"


def test_works_take_turns():
    order = []

    def turn(name):
        return lambda calls: [(order.append(name) or 1.0, 1.0)] * calls

    found = interleave({name: turn(name) for name in "ab"}, rounds=3, calls=2)
    assert "".join(order) == "ab" + "ab" + "ba" + "ab"
    assert found.seconds["a"].shape == (3, 2)


@pytest.mark.parametrize(("value", "target", "word"), [(3.0, 3.0, "ok"), (2.9, 3.0, "MISSED"), (1.0, None, "")])
def test_verdicts(value, target, word):
    assert training.verdict({"value": value, "target": target}) == word


def test_the_released_network_of_stock_layers_is_ours():
    check_same_scores()


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="PyTorch is not installed")
def test_the_twin_in_pytorch_gives_our_logits(tmp_path):
    blocks = dict.fromkeys(("constituent_blocks", "kinematic_blocks", "cross_blocks"), 1)
    settings, train = ModelSettings(width=16, num_heads=2, key_dim=4, **blocks), TrainSettings(batch_size=8)
    events = made_up_events(16, 6)
    events["mask_1"][0] = events["mask_2"][0] = False  # an event without constituents
    ours = OurWorks(settings, events, 8, train, threads=0)
    practice = {"learning_rate": 1e-3, "weight_decay": 1e-3, "model": settings}
    write_twin_file(tmp_path / "twin.npz", ours.model, practice, ours.events)
    with torch_child(sys.executable, tmp_path / "twin.npz", 1) as child:
        for training_form in (True, False):
            np.testing.assert_allclose(child.ask("logits", training=training_form), ours.logits(), atol=1e-5)
