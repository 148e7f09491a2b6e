"""Efficiencies, sculpting and tighter cuts against counts, closed forms, scipy, and toys that know the answer."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon

from mscat_tf.config import EvaluationSettings
from mscat_tf.evaluation.efficiency import bin_edges, efficiency_in_bins, quantiles, trials
from mscat_tf.evaluation.intervals import trials_of_weights, wilson
from mscat_tf.evaluation.metrics import rejection, weighted_auc
from mscat_tf.evaluation.sculpting import BINS, distance, sculpting
from mscat_tf.evaluation.selection_figures import draw_selection
from mscat_tf.evaluation.selection_study import selection_study
from mscat_tf.evaluation.tightening import cuts, inside, significance
from tests.studies.toys import toy_scores

SETTINGS = EvaluationSettings(bootstrap_replicas=30, signal_efficiencies=(0.3, 0.5))
YIELDS = {"signal": {"expected": 300.0}, "4b": {"expected": 9000.0}}


def toy(seed=1, signal=600, background=800):
    """Jets of 125 GeV in the signal; in the background all masses and momenta are even, whatever the score."""
    scores = toy_scores((1.5,), signal, background, seed)
    rng = np.random.default_rng((seed, 5))
    n, is_signal = len(scores), scores.label == 1
    kinematics = np.zeros((n, 3, 6), "f4")
    for jet in range(2):
        kinematics[:, jet, 0] = np.where(is_signal, rng.normal(125, 4, n), rng.uniform(85, 165, n))
        kinematics[:, jet, 3] = np.where(is_signal, rng.uniform(450, 600, n), rng.uniform(450, 900, n))
    kinematics[:, 2, 0] = rng.uniform(900, 1500, n)
    kinematics[:, 2, 3] = rng.uniform(0, 300, n)
    return replace(scores, kinematics=kinematics, group_id=np.arange(n, dtype="u8"))


@given(st.lists(st.tuples(st.floats(0, 10), st.floats(0, 10)), min_size=2, max_size=12))
def test_distance_is_that_of_scipy(pairs):
    first, second = (np.array(column) + 0.01 * (index == 0) for index, column in enumerate(zip(*pairs, strict=True)))
    second[0] += 0.01
    assert distance(first, second) == pytest.approx(jensenshannon(first, second, base=2), abs=1e-6)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(1, 4)), min_size=1, max_size=20), st.floats(0.01, 1.0))
def test_quantile_is_the_least_value_that_holds_the_share(events, share):
    values, weight = (np.array(column, dtype=float) for column in zip(*events, strict=True))
    repeated = np.sort(np.repeat(values, weight.astype(int)))
    wanted = repeated[int(np.ceil(share * len(repeated) - 1e-9)) - 1]
    assert quantiles(values, weight, np.array([share]))[0] == wanted


def test_effective_trials_know_about_groups():
    rng = np.random.default_rng(3)
    weight, passed = rng.uniform(0.2, 2.0, 200), rng.random(200) < 0.3
    alone = trials(weight, passed, np.arange(200))
    assert alone == pytest.approx(trials_of_weights(weight, passed))
    group = np.repeat(np.arange(200), 5)
    assert trials(np.repeat(weight, 5), np.repeat(passed, 5), group) == pytest.approx(alone)
    assert trials(np.ones(50), np.zeros(50, bool), np.arange(50) // 2) == pytest.approx(25)


def test_efficiencies_are_shares_of_counts():
    scores = replace(toy(), weight_fb=np.ones(1400))
    values, passed = scores.kinematics[:, 0, 0].astype(float), scores.logit > 0.5
    edges = np.array([80.0, 120.0, 130.0, 170.0])
    found = efficiency_in_bins(values, edges, passed, scores)
    for index, name in enumerate(scores.processes):
        for number in range(3):
            own = (scores.process == index) & (values >= edges[number]) & (values < edges[number + 1])
            share = np.mean(passed[own])
            low, high = wilson(share, own.sum())
            entry = [found[name][column][number] for column in ("share", "low", "high", "effective_events")]
            assert entry == pytest.approx([share, low, high, own.sum()])
    empty = efficiency_in_bins(values, np.array([10.0, 20.0, 200.0]), passed, scores)["4b"]
    assert empty["share"][0] is None


def test_edges_enclose_everything_and_share_it_evenly():
    values = np.random.default_rng(2).exponential(200.0, 5000) + 450
    edges = bin_edges(values, np.ones(5000))
    counts = np.histogram(values, edges)[0]
    assert counts.sum() == 5000
    assert counts == pytest.approx(np.full(8, 625), abs=120)  # rounded to 5 GeV
    assert np.all(edges % 5 == 0)


def test_a_cut_on_the_mass_itself_has_the_distance_of_its_shape():
    values = np.arange(1000.0)
    ones, group = np.ones(1000), np.arange(1000)
    found = sculpting(values, ones, group, values < 500, 99, 1)
    half = np.repeat([2.0, 0.0], BINS // 2)
    assert found["distance"] == pytest.approx(jensenshannon(np.ones(BINS), half, base=2))
    assert found["effective_events"] == 500
    assert found["p_value"] == pytest.approx(0.01)
    assert found["distance"] > found["by_chance_95"] > found["by_chance"] > 0
    nothing = sculpting(values, ones, group, values < 0, 9, 1)
    assert nothing["distance"] is None
    assert nothing["p_value"] is None


@pytest.mark.parametrize("showers", [1, 4])
def test_a_score_that_knows_no_mass_is_seldom_called_sculpting(showers):
    """One in ten at p < 0.1, also where events come in groups of one mass and one score."""
    alarms = 0
    for seed in range(60):
        rng = np.random.default_rng((seed, showers))
        values, weight, score = rng.normal(size=150), rng.uniform(0.2, 2, 150), rng.random(150)
        columns = [np.repeat(column, showers) for column in (values, weight, np.arange(150), score < 0.3)]
        alarms += sculpting(*columns, 19, seed)["p_value"] <= 0.1
    assert 1 <= alarms <= 14  # binomial, 60 at 0.1: outside with a probability of 0.002


def test_a_mass_window_multiplies_the_rejection_by_what_it_takes_away():
    scores, validation = toy(), toy(2)
    found = selection_study(scores, validation, YIELDS, SETTINGS, 1)["tightened"]
    whole, window = found["as selected"], found["every m_J within 20 of 125"]
    assert whole["auc"]["value"] == pytest.approx(weighted_auc(scores.logit, scores.label, scores.weight))
    for efficiency in SETTINGS.signal_efficiencies:
        wanted = rejection(scores.logit, scores.label, scores.weight, efficiency).value
        assert whole["rejection"][f"{efficiency:g}"]["value"] == pytest.approx(wanted)
    assert whole["gain"] == {"value": 0.0, "error": 0.0}
    assert window["background_efficiency"]["value"] == pytest.approx(0.25, abs=0.04)  # (40 / 80)^2 of an even mass
    assert window["signal_efficiency"]["value"] == pytest.approx(1.0, abs=0.001)
    at_half = window["rejection"]["0.5"]["value"] / whole["rejection"]["0.5"]["value"]
    assert at_half == pytest.approx(4.0, rel=0.3)
    assert window["auc"]["value"] == pytest.approx(whole["auc"]["value"], abs=0.04)
    more = window["significance"]["value"] - whole["significance"]["value"]
    assert window["gain"]["value"] == pytest.approx(more)
    assert more > 0
    chosen = scores.logit >= whole["threshold"]
    weight = {
        name: scores.weight_fb * YIELDS[name]["expected"] / scores.weight_fb[own].sum()
        for name, own in (("signal", scores.label == 1), ("4b", scores.label == 0))
    }
    left = [weight["signal"][chosen & (scores.label == 1)].sum(), weight["4b"][chosen & (scores.label == 0)].sum()]
    assert whole["significance"]["value"] == pytest.approx(left[0] / np.hypot(np.sqrt(left[1]), 0.4 * left[1]))


def test_limits_on_momenta_keep_the_share_of_the_signal_that_they_promise():
    scores = toy()
    values = {"m_J1": scores.kinematics[:, 0, 0], "pt_J1": scores.kinematics[:, 0, 3].astype(float)}
    signal = scores.label == 1
    found = cuts(values, signal, scores.weight_fb)
    names = [name for name in found if name.startswith("pt_J1")]
    for name, share in zip(names, (0.9, 0.7, 0.5), strict=True):
        kept = inside(values, found[name], len(scores))
        weight = scores.weight_fb[signal]
        assert weight[kept[signal]].sum() / weight.sum() == pytest.approx(share, abs=0.07)  # rounded up to 10 GeV
    assert significance(3.0, 0.0) == 0.0


def test_json_and_figures_of_a_run(monkeypatch, tmp_path):
    drawn = []
    monkeypatch.setattr("mscat_tf.evaluation.selection_figures.save", lambda figure, folder, name: drawn.append(name))
    scores = toy(signal=150, background=200)
    found = selection_study(scores, toy(2, 150, 200), YIELDS, SETTINGS, 1)
    json.dumps(found, allow_nan=False)
    assert list(found["sculpting"]) == ["m_J1", "m_J2", "m_JJ"]
    draw_selection(scores, found, tmp_path)
    assert drawn == ["selection", "sculpting"]
    one_jet = selection_study(scores, toy(2, 150, 200), YIELDS, SETTINGS, 1, tokens=("jet 1",))
    assert list(one_jet["efficiency"]) == ["m_J1", "pt_J1"]


def test_few_events_are_no_error():
    scores, few = toy(signal=4, background=5), toy(2, 3, 3)
    found = selection_study(
        scores, replace(few, label=np.zeros(6, "i4"), process=np.ones(6, "i4")), YIELDS, SETTINGS, 1
    )
    assert found["tightened"]["as selected"]["rejection"] == {"0.3": None, "0.5": None}
    assert found["tightened"]["as selected"]["threshold"] is None
