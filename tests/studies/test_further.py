"""Speed of learning, worth of streams and cost of rows, from folders that no training made."""

import dataclasses
import json
from types import SimpleNamespace

import numpy as np
import pytest

from mscat_tf.config import EvaluationSettings, load_config
from mscat_tf.config.study import Study
from mscat_tf.evaluation.scores import write_scores
from mscat_tf.interpretation import stream_importance
from mscat_tf.studies import inference_time
from mscat_tf.studies.further import epochs_until, measure_further
from mscat_tf.studies.further_lines import further_lines
from tests.studies.toys import against, toy_scores


def study(*further, rows):
    return Study(
        name="toy",
        title="Toy",
        question="?",
        reference="own",
        scales={"demo": {"seeds": 2}},
        rows=rows,
        further=further,
    )


def run(folder, *curves, name="mscat", settings=(), **training):
    """A training for each curve of validation AUC, four steps an epoch."""
    members = []
    for number, curve in enumerate(curves):
        path = folder / f"{name}-{len(list(folder.iterdir()))}-{number}"
        path.mkdir()
        (path / "history.csv").write_text("epoch,val_auc\n" + "".join(f"{n},{v}\n" for n, v in enumerate(curve, 1)))
        made = {"steps_trained": 4 * len(curve), "epochs_trained": len(curve), **training}
        config = load_config("smoke", [f"model.name={name}", "train.batch_size=100", *settings])
        members.append(SimpleNamespace(path=path, training=made, members=[], config=config))
    return SimpleNamespace(path=folder, members=members, config=members[0].config, training=made)


def test_learning_is_timed_to_what_all_rows_of_a_series_reach(tmp_path):
    """By hand: `own` is at 0.8 after one epoch, `bare` after two at its best; `few` has a mark of its own."""
    rows = {"own": {"series": "all"}, "bare": {"series": "all"}, "few": {"series": "few"}}
    runs = {
        "own": run(tmp_path, [0.8, 0.9], [0.7, 0.9]),
        "bare": run(tmp_path, [0.6, 0.8], [0.7, 0.8]),
        "few": run(tmp_path, [0.6, 0.7, 0.6], [0.6, 0.6, 0.6]),
    }
    found = measure_further(study("learning", rows=rows), runs, {name: {"against": None} for name in rows})
    learning = json.loads(json.dumps(found))["learning"]
    assert learning["own"]["target"] == learning["bare"]["target"] == pytest.approx(0.8)
    assert learning["own"]["epochs"] == pytest.approx([1.0, 1.5])
    assert learning["own"]["steps"] == pytest.approx([4.0, 6.0])
    assert learning["bare"]["epochs"] == pytest.approx([2.0, 2.0])
    assert learning["few"]["epochs"] == [pytest.approx(1.5), None]
    text = "\n".join(further_lines(found))
    assert "| bare | 0.8000 | 2.00 ± 0.00 | 8 ± 0 | 0.8000 |" in text
    assert "| few | 0.6500 | 1.50, 1 never | 6, 1 never | 0.6500 |" in text
    # Welch with two seeds each, one of them without spread: t of 3 with one degree of freedom, 2 atan(1/3) / pi
    p_value = 2 * np.arctan(1 / 3) / np.pi
    assert learning["bare"]["against"]["p_value"] == pytest.approx(p_value)
    assert f"- bare less own: +0.75 ± 0.25 epochs, p = {p_value:.2g}, {p_value:.2g} among all of these: no diff" in text


def test_a_change_that_costs_more_where_events_are_few(tmp_path):
    """0.03 against 0.01, each with an error of 0.005: 0.02 with 0.0071, 2.83 standard errors."""
    few = ("data.train_events=50",)
    made = {"own": (), "bare": ("seed=3",), "own, few": few, "bare, few": ("seed=3", *few)}
    rows = {name: {} for name in made}
    rows["bare, few"] = {"against": "own, few"}
    runs = {name: run(tmp_path, [0.6], settings=settings) for name, settings in made.items()}
    measured = {name: {"against": None} for name in made}
    measured["bare"]["against"], measured["bare, few"]["against"] = against(-0.01), against(-0.03)
    found = measure_further(study("learning", rows=rows), runs, measured)["fewer_events"]
    assert list(found) == ["bare, few"]
    assert found["bare, few"]["row"] == "bare"
    assert (found["bare, few"]["difference"], found["bare, few"]["error"]) == pytest.approx((-0.02, 0.005 * 2**0.5))
    (sentence,) = (line for line in further_lines({"fewer_events": found}) if line.startswith("- bare, few"))
    assert sentence.endswith(": it costs more, at the edge of what they can show.")


def test_a_curve_that_falls_reaches_nothing_later():
    assert epochs_until([0.7, 0.6, 0.6], 0.7) == 1.0
    assert epochs_until([0.7, 0.6, 0.6], 0.71) is None
    assert epochs_until([0.5], 0.5) == 0


def test_worth_of_streams_is_averaged_over_seeds(tmp_path, monkeypatch):
    lost = iter([0.1, 0.2, 0.3, 0.5])
    monkeypatch.setattr(
        stream_importance,
        "stream_importance",
        lambda member: {"auc": 0.9, "streams": {"all jets": {"lost": next(lost), "error": 0.03}}},
    )
    rows = {"own": {}, "bare": {}, "trees": {}}
    runs = {name: run(tmp_path, [0.8], [0.8]) for name in ("own", "bare")}
    runs["trees"] = run(tmp_path, [0.8], name="boosted_trees")
    found = measure_further(study("importance", rows=rows), runs, {name: {"against": None} for name in rows})
    entry = found["importance"]["own"]["streams"]["all jets"]
    error = np.hypot(0.03, np.std([0.1, 0.2], ddof=1) / np.sqrt(2))
    assert (entry["lost"], np.hypot(entry["events_error"], entry["seeds_error"])) == pytest.approx((0.15, error))
    assert set(found["importance"]) == {"own", "bare"}
    text = "\n".join(further_lines(found))
    assert "| all jets | 0.1500 ± 0.0583 | 0.4000 ± 0.1044 |" in text
    assert "bare loses +0.2500 ± 0.1196 more than own, p = " in text


def test_cost_is_that_of_one_training(tmp_path, monkeypatch):
    """Trees are not timed: their scoring takes events, not a batch of tokens."""
    asked = []
    monkeypatch.setattr(inference_time, "inference_seconds", lambda runs: asked.append(runs) or {"own": 0.25})
    counted = {"parameters": 7, "flops_per_event": 2e6, "activation_bytes_per_event": 5e5}
    runs = {"own": run(tmp_path, [0.8], [0.8], **counted), "trees": run(tmp_path, [0.8], name="boosted_trees")}
    found = measure_further(study("cost", rows={"own": {}, "trees": {}}), runs, {})
    assert asked == [{"own": runs["own"].members[0]}]
    assert "| own | 7 | 2.0 | 0.50 | 50 | - | - | 0.250 |" in further_lines(found)
    assert further_lines({"cost": {"own": {**found["cost"]["own"], "inference": None}}})[-2].endswith("| - |")


def test_networks_are_timed_in_turns(monkeypatch):
    """A clock of our own: the machine is ten times slower in the second of five rounds."""
    clock, calls = [0.0], []

    def takes(name, seconds):
        def call():
            calls.append(name)
            clock[0] += seconds * (10 if 7 <= len(calls) <= 10 else 1)

        return call

    monkeypatch.setattr(inference_time.time, "perf_counter", lambda: clock[0])
    found = inference_time.seconds_in_turns({"slow": takes("slow", 3.0), "fast": takes("fast", 0.5)}, times=2)
    assert found == pytest.approx({"slow": 6.0, "fast": 1.0})
    assert calls[:6] == ["slow", "fast", "slow", "slow", "fast", "fast"], "traced first, then round after round"
    assert len(calls) == 2 + 2 * 2 * inference_time.ROUNDS


@pytest.mark.parametrize(("fewest", "shown"), [(1.0, "3 ± 1"), (10.0, "> 1")])
def test_working_points_of_single_trainings(tmp_path, fewest, shown):
    """Two of three signal events share the highest score with one or two of three background ones: 1/4, 1/2 at 50 %."""
    logits = np.array([[2, 2, 1, 2, -1, -1], [2, 2, 1, 2, 2, -1]], "f4")
    scores = toy_scores([1.0, 2.0, 3.0], signal=3, background=3)
    scores = dataclasses.replace(scores, member_logits=logits, weight=np.ones(6))
    write_scores(tmp_path / "scores.h5", scores, {}, 1)
    settings = EvaluationSettings(signal_efficiencies=(0.5,), min_effective_background=fewest)
    made = SimpleNamespace(
        path=tmp_path,
        metrics={"accuracy": {"value": 0.9, "error": 0.02}},
        config=SimpleNamespace(evaluate=settings),
    )
    found = measure_further(study("working_points", rows={"own": {}}), {"own": made}, {})
    row = found["working_points"]["own"]
    assert row["accuracy"]["single"]["values"] == pytest.approx((5 / 6, 4 / 6))
    assert row["rejection"]["0.5"]["values"] == pytest.approx((4.0, 2.0))
    lines = further_lines(json.loads(json.dumps(found)))
    assert "|  | accuracy | 1/eff_B at 50 % | accuracy, ensemble |" in lines
    assert f"| own | 0.7500 ± 0.1179 | {shown} | 0.9000 ± 0.0200 |" in lines
    del row["rejection"]["0.5"]["quote_lower_limit"]  # as results of earlier versions are
    assert "| own | 0.7500 ± 0.1179 | 3 ± 1 | 0.9000 ± 0.0200 |" in further_lines(found)


def test_nothing_more_unless_asked_for():
    assert measure_further(study(rows={"own": {}}), {}, {}) == {}
    assert further_lines({}) == []
