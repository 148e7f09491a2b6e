"""Bootstrap errors against formulas, groups kept together, paired differences."""

from dataclasses import replace

import numpy as np
import pytest

from mscat_tf.config import EvaluationSettings
from mscat_tf.evaluation.bootstrap import bootstrap, multiplicities
from mscat_tf.evaluation.evaluate import compare_auc, evaluate_scores
from mscat_tf.evaluation.metrics import weighted_auc
from mscat_tf.evaluation.scores import Scores, read_scores, write_scores


def scores(n=400, distance=1.0, seed=0):
    rng = np.random.default_rng(seed)
    process = np.arange(n) % 2 * (1 + np.arange(n) // 2 % 2)  # 0 signal, 1 and 2 backgrounds
    label = (process == 0).astype("i4")
    logit = rng.normal(distance * label, 1).astype("f4")
    ids = np.arange(n, dtype=np.uint64)
    return Scores(
        ("signal", "4b", "ttbar"), (1, 0, 0), ids, ids, label, process.astype("i4"), logit,
        1 / (1 + np.exp(-logit)), np.ones(n), np.ones(n), np.ones((n, 3, 6), "f4"),
    )  # fmt: skip


def test_error_of_a_mean_is_width_over_root_n():
    values = np.random.default_rng(2).normal(0, 3, 900)
    groups, stratum = np.arange(900, dtype=np.uint64), np.zeros(900, int)
    estimate = bootstrap(lambda w: float(w @ values / w.sum()), np.ones(900), groups, stratum, 600, seed=1)
    assert estimate.value == pytest.approx(values.mean())
    assert estimate.error == pytest.approx(3 / 30, rel=0.12)


def test_error_of_the_auc_follows_hanley_and_mcneil():
    """Radiology 143 (1982) 29, equation 1, for exponential score distributions."""
    rng, n = np.random.default_rng(3), 500
    label = np.repeat([1, 0], n)
    score = rng.exponential(np.where(label == 1, 3.0, 1.0))
    a = weighted_auc(score, label, np.ones(2 * n))
    q1, q2 = a / (2 - a), 2 * a * a / (1 + a)
    expected = np.sqrt((a * (1 - a) + (n - 1) * (q1 - a * a + q2 - a * a)) / n**2)
    groups = np.arange(2 * n, dtype=np.uint64)
    measured = bootstrap(lambda w: weighted_auc(score, label, w), np.ones(2 * n), groups, label, 400, seed=4).error
    assert measured == pytest.approx(expected, rel=0.15)


def test_groups_are_drawn_together_and_within_their_process():
    groups = np.repeat(np.arange(20, dtype=np.uint64), 3)
    stratum = np.repeat([0, 1], 30)
    for counts in multiplicities(groups, stratum, 10, seed=1):
        assert (counts.reshape(20, 3) == counts.reshape(20, 3)[:, :1]).all()
        assert counts[:30].sum() == counts[30:].sum() == 30


def test_repeated_groups_widen_the_error():
    """Every event three times over is no more information: the error is that of the single events."""
    values = np.random.default_rng(2).normal(0, 1, 300)
    single = bootstrap(
        lambda w: float(w @ values / w.sum()), np.ones(300), np.arange(300, dtype=np.uint64), np.zeros(300, int), 300, 1
    )
    three = np.repeat(values, 3)
    groups = np.repeat(np.arange(300, dtype=np.uint64), 3)
    triple = bootstrap(lambda w: float(w @ three / w.sum()), np.ones(900), groups, np.zeros(900, int), 300, 1)
    assert triple.error == pytest.approx(single.error, rel=0.01)


def test_paired_difference_of_a_network_with_itself_is_exactly_zero():
    first = scores()
    result = compare_auc(first, scores(seed=0), 20, seed=1)
    assert result["difference"] == 0.0
    assert result["error"] == 0.0


def test_different_events_are_not_compared():
    with pytest.raises(ValueError, match="different events"):
        compare_auc(scores(n=400), scores(n=404), 5, seed=1)


def test_each_background_has_its_own_figures_and_limits():
    metrics = evaluate_scores(scores(), EvaluationSettings(bootstrap_replicas=20), 1, shuffled_labels=False)
    assert metrics["all backgrounds"]["events"] == {"signal": 200, "background": 200}
    assert metrics["4b"]["effective_events"]["background"] == pytest.approx(100)
    strict = EvaluationSettings(bootstrap_replicas=20, min_effective_background=1000)
    entry = evaluate_scores(scores(), strict, 1, shuffled_labels=False)["ttbar"]["rejection"]["0.5"]
    assert entry["quote_lower_limit"]
    assert entry["lower_limit"] < entry["value"]
    shuffled = evaluate_scores(scores(), strict, 1, shuffled_labels=True)
    assert set(shuffled) == {"events", "accuracy", "calibration", "all backgrounds"}


def test_curve_and_its_band_agree_with_the_working_points():
    """The band at 50 % is as wide as the error of the rejection there: within a tenth for 100 replicas."""
    settings = EvaluationSettings(bootstrap_replicas=100)
    found = evaluate_scores(scores(n=2000), settings, 1, shuffled_labels=True)["all backgrounds"]
    curve, point = found["roc"], found["rejection"]["0.5"]
    middle = curve["signal_efficiency"].index(0.5)
    assert 1 / curve["background_efficiency"][middle] == pytest.approx(point["value"])
    width = 0.5 * (curve["high"][middle] - curve["low"][middle])
    assert width * point["value"] ** 2 == pytest.approx(point["error"], rel=0.15)
    assert np.all(np.diff(curve["background_efficiency"]) >= 0)
    assert np.less_equal(curve["low"], curve["high"]).all()


def test_delong_stands_beside_the_bootstrap_where_events_are_alike_and_independent():
    settings = EvaluationSettings(bootstrap_replicas=300)
    plain = scores(n=1000)
    auc = evaluate_scores(plain, settings, 1, shuffled_labels=True)["all backgrounds"]["auc"]
    assert auc["delong_error"] == pytest.approx(auc["error"], rel=0.15)
    weighted = replace(plain, weight=np.linspace(1, 2, 1000))
    related = replace(plain, group_id=plain.group_id // 2)
    for other in (weighted, related):
        assert evaluate_scores(other, settings, 1, True)["all backgrounds"]["auc"]["delong_error"] is None
        assert compare_auc(other, other, 5, 1)["delong_error"] is None
    second = replace(plain, logit=plain.logit + np.random.default_rng(1).normal(0, 0.5, 1000))
    difference = compare_auc(plain, second, 300, 1)
    assert difference["delong_error"] == pytest.approx(difference["error"], rel=0.15)


def test_temperature_is_fitted_on_the_validation_events():
    """Test logits three times too great, validation logits twice: the scale found is 2."""
    rng, truth = np.random.default_rng(2), scores(n=4000)
    label = (rng.random(4000) < truth.score).astype("i4")

    def hot(factor):
        return replace(truth, label=label, score=1 / (1 + np.exp(-factor * truth.logit)))

    found = evaluate_scores(hot(3), EvaluationSettings(bootstrap_replicas=2), 1, True, hot(2))["calibration"]
    assert found["temperature"]["value"] == pytest.approx(2, abs=3 * found["temperature"]["error"])
    assert found["scaled"]["expected_calibration_error"] < found["expected_calibration_error"]
    assert found["scaled"]["log_loss"] < found["log_loss"]
    none = evaluate_scores(replace(truth, score=2 * truth.logit), EvaluationSettings(bootstrap_replicas=2), 1, True)
    assert none["calibration"] is None
    assert none["accuracy"] is None


def test_scores_survive_the_file(tmp_path):
    written = scores(n=10)
    write_scores(tmp_path / "scores.h5", written, {"a": 1}, seed=1)
    read = read_scores(tmp_path / "scores.h5")
    np.testing.assert_array_equal(read.logit, written.logit)
    assert read.processes == written.processes
