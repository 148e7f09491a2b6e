"""What cuts select, from folders that no training made, and the sentences that follow from the numbers."""

from dataclasses import replace
from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pytest

from mscat_tf.config import EvaluationSettings
from mscat_tf.config.study import Study
from mscat_tf.errors import InputError
from mscat_tf.evaluation.scores import write_scores
from mscat_tf.evaluation.selection_study import FILE, selection_study
from mscat_tf.files import write_json
from mscat_tf.studies.figures import selection
from mscat_tf.studies.further import measure_further
from mscat_tf.studies.page import page
from mscat_tf.studies.selected import measure_selected, selected_conclusion, selected_lines
from tests.studies.toys import row, study, toy_scores

SETTINGS = EvaluationSettings(bootstrap_replicas=4, signal_efficiencies=(0.5, 0.8))
YIELDS = {"signal": {"expected": 300.0}, "4b": {"expected": 9000.0}}
STUDY = Study(
    name="toy",
    title="Toy",
    question="?",
    reference="nominal",
    scales={"demo": {"seeds": 1}},
    rows={"nominal": {}, "shifted": {"trained_as": "nominal"}, "other": {}},
    further=["selection"],
)


def stored(folder, shift=0.0, seed=1):
    """A run folder with scores and `selection.json`."""
    plain = toy_scores((2.0,), seed=seed)
    mass = np.random.default_rng(seed).uniform(80, 170, (len(plain), 3, 6)).astype("f4")
    scores = replace(plain, logit=plain.logit + np.float32(shift), kinematics=mass)
    folder.mkdir()
    write_scores(folder / "scores.h5", scores, {}, 1)
    write_json(folder / FILE, selection_study(scores, scores, YIELDS, SETTINGS, 1))
    return SimpleNamespace(path=folder), scores


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    tmp_path = tmp_path_factory.mktemp("runs")
    made = {
        name: stored(tmp_path / name, shift) for name, shift in (("nominal", 0.0), ("shifted", -0.4), ("other", 1.0))
    }
    return {name: run for name, (run, _) in made.items()}, {name: scores for name, (_, scores) in made.items()}


def test_another_detector_is_judged_at_the_nominal_cut(runs):
    found = measure_selected(STUDY, runs[0])
    nominal, shifted = (found["rows"][name] for name in ("nominal", "shifted"))
    assert shifted["thresholds"] == nominal["thresholds"]
    assert nominal["passing"]["0.8"]["signal"]["share"] == pytest.approx(0.8, abs=0.01)
    scores = runs[1]["shifted"]
    for process, label in (("signal", 1), ("4b", 0)):
        own = scores.label == label
        wanted = np.average(scores.logit[own] >= nominal["thresholds"]["0.5"], weights=scores.weight_fb[own])
        entry = shifted["passing"]["0.5"][process]
        assert entry["share"] == pytest.approx(wanted)
        assert entry["low"] < wanted < entry["high"]
    assert found["rows"]["other"]["at_cuts_of"] == "other"
    text = "\n".join(selected_lines(found))
    share, low, high = (100 * shifted["passing"]["0.5"]["signal"][name] for name in ("share", "low", "high"))
    assert f"| shifted | {share:.3g} (+{high - share:.2g} -{share - low:.2g}) |" in text
    assert "| every m_J within 20 of 125 |" in text
    tried = [line for line in text.splitlines() if line.startswith("| as selected |")]
    assert tried[0].startswith("| as selected | 100.0 % | 100.0 % | ")
    assert tried[0].endswith("| +0.000 ± 0.000 |")


def test_figure_of_the_reference_is_that_of_its_json(runs):
    found = measure_selected(STUDY, runs[0])
    figure = selection(study({"nominal": row()}, further={"selection": found}))
    entry = found["efficiency"]["m_J1"]["0.8"]["signal"]
    drawn = [line.get_ydata() for line in figure.axes[0].lines]
    assert any(np.allclose(y, entry["share"]) for y in drawn if len(y) == len(entry["share"]))
    plt.close(figure)


def test_a_run_of_an_older_version_is_named(tmp_path):
    with pytest.raises(InputError, match=r"selection.json: not there yet; run `mscat evaluate"):
        measure_selected(STUDY, {"nominal": SimpleNamespace(path=tmp_path)})


def sculpted(p_value, events=50.0):
    entry = {"distance": 0.5, "error": 0.05, "by_chance": 0.2, "p_value": p_value, "effective_events": events}
    return {mass: {"0.5": {**entry, "p_value": 0.001}, "0.8": entry} for mass in ("m_J1", "m_JJ")}


def test_conclusion_is_that_of_adjusted_numbers():
    rows = {
        "a": {"sculpting": sculpted(0.01), "at_cuts_of": "a"},
        "b": {"sculpting": sculpted(0.04), "at_cuts_of": "b"},  # by Holm 0.04 stays
        "c": {"sculpting": sculpted(0.03), "at_cuts_of": "c"},  # by Holm 0.06
        "a elsewhere": {"sculpting": sculpted(0.001), "at_cuts_of": "a"},
        "few": {"sculpting": sculpted(0.001, events=3.0), "at_cuts_of": "few"},
    }
    gains = {"as selected": (0.0, 0.0), "tight": (-0.08, 0.02), "tighter": (0.03, 0.02), "best": (0.09, 0.02)}
    tightened = {name: {"gain": {"value": value, "error": error}} for name, (value, error) in gains.items()}
    shapes, cuts = selected_conclusion({"rows": rows, "tightened": tightened})
    assert "shape of m_J1 of the background in 1 of 3 networks: `a` (p" in shapes
    assert "shape of m_JJ" in shapes
    assert cuts.startswith("Of 3 tighter selections before the network 1 raise and 1 lower")
    assert "raised: `best`; lowered: `tight`." in cuts


def test_a_study_that_asks_for_it_has_it_on_its_page(runs):
    selection_of = measure_further(STUDY, runs[0], {})["selection"]
    text = page([study({"nominal": row(), "shifted": row()}, further={"selection": selection_of})])
    assert "| shifted |" in text.partition("Robustness")[2]
    assert "tighter selections before the network" in text.partition("**Conclusion.**")[2]
    assert "(results/demo/one/selection.png)" in text
