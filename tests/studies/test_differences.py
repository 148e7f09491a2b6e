"""Differences of rows against plain counts, and the errors against those of repeated toys."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from mscat_tf.evaluation.evaluate import compare_auc
from mscat_tf.evaluation.metrics import weighted_auc
from mscat_tf.evaluation.scores import read_scores, write_scores
from mscat_tf.studies.differences import adjust, difference, resampled, resampled_together, same_events
from tests.studies.toys import against, toy_scores


def areas(scores):
    return [roc_auc_score(scores.label, logit, sample_weight=scores.weight) for logit in scores.member_logits]


def test_means_of_members_and_ensembles():
    first, second = toy_scores((1.0, 1.2, 1.4)), toy_scores((0.5, 0.8))
    found = difference(resampled(first, 60, 3), resampled(second, 60, 3))
    assert found["seeds"]["difference"] == pytest.approx(np.mean(areas(first)) - np.mean(areas(second)))
    spreads = [np.var(areas(scores), ddof=1) / len(scores.member_logits) for scores in (first, second)]
    assert found["seeds"]["error"] == pytest.approx(np.sqrt(sum(spreads)))
    assert found["error"] == pytest.approx(np.hypot(found["seeds"]["events_error"], found["seeds"]["error"]))
    wanted = compare_auc(first, second, 60, 3)
    assert found["ensembles"] == pytest.approx({name: wanted[name] for name in ("difference", "error")})


def test_the_same_members_in_another_order_do_not_differ():
    scores = toy_scores((1.0, 1.4))
    twin = toy_scores((1.0, 1.4))
    twin.member_logits[:] = scores.member_logits[::-1]
    found = difference(resampled(scores, 20, 1), resampled(twin, 20, 1))
    assert found["seeds"]["difference"] == pytest.approx(0.0, abs=1e-12)
    assert found["seeds"]["events_error"] == pytest.approx(0.0, abs=1e-12)
    assert found["seeds"]["error"] > 0


def test_paired_errors_are_those_of_new_events():
    """The difference of the mean members scatters over samples of events as its bootstrap error says."""

    def pair(seed):
        return toy_scores((1.0, 1.0), 150, 200, seed), toy_scores((1.3, 1.3, 1.3), 150, 200, seed)

    values = []
    for both in map(pair, range(60)):
        means = [np.mean([weighted_auc(z, each.label, each.weight) for z in each.member_logits]) for each in both]
        values.append(means[0] - means[1])
    a, b = (resampled(each, 100, 1) for each in pair(0))
    promised = difference(a, b)["seeds"]["events_error"]
    assert promised == pytest.approx(np.std(values, ddof=1), rel=0.35)


def test_rows_that_lost_events_are_still_compared_in_pairs():
    """Some events leave the selection: with them drawn together the error is far below that of two samples."""
    whole, other = toy_scores((1.0, 1.2)), toy_scores((1.0, 1.2))
    kept = np.random.default_rng(5).random(len(other)) < 0.95
    part = other.take(kept)
    found = resampled_together(part, whole, 200, 1)
    assert found[0].members.value == pytest.approx(areas(part))
    assert found[1].ensemble.value == pytest.approx(resampled(whole, 5, 1).ensemble.value)
    alone = [resampled(each, 200, seed).ensemble.estimate(0).error for seed, each in enumerate((part, whole))]
    for row, error in zip(found, alone, strict=True):
        assert row.ensemble.estimate(0).error == pytest.approx(error, rel=0.25)
    assert difference(*found)["ensembles"]["error"] < 0.4 * np.hypot(*alone)
    same = resampled_together(whole, other, 30, 1)
    assert difference(*same)["ensembles"] == {"difference": 0.0, "error": 0.0}


def test_one_training_says_nothing_about_seeds():
    found = difference(resampled(toy_scores((1.0,)), 20, 1), resampled(toy_scores((1.0, 1.4)), 20, 1))
    assert found["seeds"] is None
    assert found["error"] == found["ensembles"]["error"]


def test_seeds_cancel_where_the_same_networks_see_other_events():
    """Members far from each other, each moved alike: the spread is that of the moves."""
    first = toy_scores((0.5, 1.0, 2.0))
    second = toy_scores((0.5, 1.0, 2.0), seed=2)
    moves = np.subtract(areas(first), areas(second))
    one, other = resampled_together(first, second, 20, 1)
    found = difference(one, other, same_networks=True)["seeds"]
    assert found["error"] == pytest.approx(np.std(moves, ddof=1) / np.sqrt(3))
    assert found["degrees_of_freedom"] == pytest.approx(2)
    assert difference(one, other)["seeds"]["error"] > 3 * found["error"]


def test_adjusted_for_all_of_the_study():
    found = [against(p_value=0.01), against(p_value=0.5), against(p_value=0.02)]
    adjust(found)
    assert [each["adjusted_p_value"] for each in found] == pytest.approx([0.03, 0.5, 0.04])


def test_members_are_stored_with_the_scores(tmp_path):
    scores = toy_scores((1.0, 1.4))
    write_scores(tmp_path / "scores.h5", scores, {}, 1)
    np.testing.assert_array_equal(read_scores(tmp_path / "scores.h5").member_logits, scores.member_logits)
    write_scores(tmp_path / "one.h5", toy_scores((1.0,)), {}, 1)
    assert read_scores(tmp_path / "one.h5").member_logits is None


def test_other_events_are_noticed():
    scores, other = toy_scores((1.0, 1.4)), toy_scores((1.0, 1.4), signal=301, background=399)
    assert same_events(scores, toy_scores((2.0,)))
    assert not same_events(scores, other)
