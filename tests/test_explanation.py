"""Readers of an explanation, and what objects show of themselves in Jupyter."""

import json

import h5py
import numpy as np
import pytest

from mscat_tf.config import DataSettings
from mscat_tf.data import Sample, event_table
from mscat_tf.errors import InputError
from mscat_tf.explanation import Explanation
from mscat_tf.html_table import html_table
from mscat_tf.run_folder import Run
from mscat_tf.run_metrics import Metrics
from tests.interpretation.explained_files import write_explanation


@pytest.fixture
def run(tmp_path):
    """A run folder that holds an explanation, and a configuration."""
    write_explanation(tmp_path)
    (tmp_path / "config.yaml").write_text("base: smoke\n")
    return Run(tmp_path)


def test_maps_are_those_of_the_file(run):
    maps, arrays = run.attention_maps(), {}
    with h5py.File(run.path / "attention.h5") as file:
        file.visititems(lambda name, item: arrays.update({name: item[()]} if isinstance(item, h5py.Dataset) else {}))
    assert set(maps) == set(arrays)
    assert len(maps) == len(arrays)
    np.testing.assert_array_equal(maps["cross_block_1/mean"], arrays["cross_block_1/mean"])
    np.testing.assert_array_equal(maps.get("cross_block_1/mean"), arrays["cross_block_1/mean"])
    assert maps.get("cross_block_2/mean") is None
    wrong = maps.of("cross_block_1/mean", "4b", "wrong")
    np.testing.assert_array_equal(wrong, arrays["cross_block_1/mean"][7])
    assert "gradcam" not in maps
    assert "jet_1/maps" in run.grad_cam()
    assert run.explanation.blocks()[2] == "cross_block_1"


def test_what_is_not_there_is_said(run, tmp_path):
    with pytest.raises(InputError, match=r"attention\.h5: holds no 'cross'; it holds constituents_1_block_1/entropy, "):
        run.attention_maps()["cross"]
    with pytest.raises(InputError, match=r"no events of 'qcd' \(all\) here; choose from signal \(all\), 4b \(all\)"):
        run.attention_maps().of("cross_block_1/mean", "qcd")
    (run.path / "gradcam.h5").write_bytes((run.path / "gradcam.h5").read_bytes()[:900])
    with pytest.raises(InputError, match=r"gradcam\.h5: cannot be read .* `mscat explain`"):
        run.grad_cam()
    (run.path / "attention.h5").unlink()
    with pytest.raises(InputError, match=r"attention\.h5: not there; run `mscat explain"):
        run.attention_maps()
    (run.path / "explanation.json").write_text("{")
    with pytest.raises(InputError, match=r"explanation\.json: damaged .*`mscat explain` again"):
        run.grad_cam()
    (run.path / "explanation.json").unlink()
    with pytest.raises(InputError, match=r"explanation\.json: not there yet; run `mscat explain"):
        run.explanation  # noqa: B018


def test_jupyter_shows_an_explanation(run):
    shown = run.explanation._repr_html_()
    for text in ("40 signal, 40 4b, 0 ttbar", "kinematics 0.300 ± 0.020", "signal 25.0%, 4b 50.0%", "than at random"):
        assert text in shown
    explanation = run.explanation
    area = explanation.numbers["insertion_deletion"]["methods"]["grad_cam"]["deletion"]["better_than_random"]
    area["error"] = None  # of a single event
    assert "at random</th><td>1 in units of the logit" in explanation._repr_html_()
    assert "<td>(9, 3, 10)</td><td>float64</td>" in run.attention_maps()._repr_html_()
    assert str(run.path) in run._repr_html_()


def test_jupyter_shows_samples_and_tables(mock_folder):
    sample = Sample(mock_folder)
    table = event_table(sample, DataSettings(), 1)
    shown, counts = sample._repr_html_(), np.bincount(table.process)
    assert f"{len(sample)} events" in shown
    for name, count in zip(table.processes, counts, strict=True):
        assert f"<th>{name}</th>" in shown
        assert f"<td>{count}</td>" in shown
    first = np.sum((table.split == 0) & (table.process == 0))
    assert f"<th>train</th><td>{table.processes[0]}</td><td>{first}</td>" in table._repr_html_()


def test_jupyter_shows_metrics():
    point = {"value": 120.4, "error": 10.0, "quote_lower_limit": False, "lower_limit": 9.6}
    entry = {
        "auc": {"value": 0.91, "error": 0.02}, "effective_events": {"background": 12.34},
        "rejection": {"0.3": point, "0.5": {**point, "quote_lower_limit": True}},
    }  # fmt: skip
    metrics = Metrics({"events": 7, "ttbar": entry})
    shown = metrics._repr_html_()
    assert "<th>1/eff_B at 30%</th>" in shown
    assert "<th>ttbar</th><td>12.3</td><td>0.9100 ± 0.0200</td><td>120 ± 10</td><td>&gt; 9.6</td>" in shown
    assert json.loads(json.dumps(metrics)) == metrics


def test_tables_are_safe():
    assert "<script>" not in html_table("<script>", [("<script>", "<script>")], ("<script>",))


def test_explanations_are_read_without_a_run(tmp_path):
    write_explanation(tmp_path)
    assert Explanation(tmp_path).numbers["events"]["4b"] == 40
