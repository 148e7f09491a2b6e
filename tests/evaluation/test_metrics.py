"""Metrics against closed forms, an O(n^2) count, scikit-learn, and recorded values of published networks."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.stats import binomtest, norm
from sklearn.metrics import roc_auc_score, roc_curve

from mscat_tf.data.events import effective_events
from mscat_tf.evaluation.intervals import ONE_SIGMA
from mscat_tf.evaluation.metrics import RankedScores, accuracy, chance_error, rejection, weighted_auc, weighted_roc


@st.composite
def scored_events(draw):
    """Few distinct scores (many ties), both classes, positive weights."""
    count = draw(st.integers(2, 30))
    score = np.array(draw(st.lists(st.integers(0, 5), min_size=count, max_size=count)), dtype=float)
    label = np.array(draw(st.lists(st.integers(0, 1), min_size=count, max_size=count)))
    label[:2] = 0, 1
    weight = np.array(draw(st.lists(st.floats(0.1, 10), min_size=count, max_size=count)))
    return score, label, weight


def pair_count(score, label, weight):
    """Definition: weighted share of (signal, background) pairs in the right order, ties one half."""
    won = total = 0.0
    for i in np.flatnonzero(label == 1):
        for j in np.flatnonzero(label == 0):
            pair = weight[i] * weight[j]
            won += pair * (score[i] > score[j]) + 0.5 * pair * (score[i] == score[j])
            total += pair
    return won / total


@given(scored_events())
def test_auc_is_the_share_of_ordered_pairs(events):
    assert weighted_auc(*events) == pytest.approx(pair_count(*events), abs=1e-12)
    score, label, weight = events
    assert weighted_auc(*events) == pytest.approx(roc_auc_score(label, score, sample_weight=weight), abs=1e-12)


@given(scored_events(), st.randoms())
def test_auc_does_not_know_the_order_of_events(events, random):
    order = list(range(len(events[0])))
    random.shuffle(order)
    assert weighted_auc(*(column[order] for column in events)) == pytest.approx(weighted_auc(*events), abs=1e-12)


@given(scored_events())
def test_turning_labels_and_scores_around(events):
    score, label, weight = events
    assert weighted_auc(-score, label, weight) == pytest.approx(1 - weighted_auc(*events), abs=1e-12)
    assert weighted_auc(-score, 1 - label, weight) == pytest.approx(weighted_auc(*events), abs=1e-12)


@given(scored_events())
def test_curve_is_scikit_learns(events):
    score, label, weight = events
    curve = weighted_roc(*events)
    background, signal, _ = roc_curve(label, score, sample_weight=weight, drop_intermediate=False)
    np.testing.assert_allclose(curve.signal_efficiency, signal, atol=1e-12)
    np.testing.assert_allclose(curve.background_efficiency, background, atol=1e-12)


@pytest.mark.parametrize("distance", [0.5, 1.5, 3.0])
def test_two_normal_distributions_follow_the_closed_form(distance):
    """AUC = Phi(d / sqrt 2); rejection at efficiency e = 1 / Phi(Phi^-1(e) - d)."""
    n, rng = 200_000, np.random.default_rng(1)
    score = np.concatenate([rng.normal(distance, 1, n), rng.normal(0, 1, n)])
    label, weight = np.repeat([1, 0], n), np.ones(2 * n)
    assert weighted_auc(score, label, weight) == pytest.approx(norm.cdf(distance / np.sqrt(2)), abs=0.002)
    background = norm.cdf(norm.ppf(0.5) - distance)
    measured = rejection(score, label, weight, 0.5).value
    assert measured == pytest.approx(1 / background, rel=6 / np.sqrt(n * background))


def test_rejection_of_few_events_is_a_poisson_limit():
    """Nothing of 100 background events passes: at 95 % confidence fewer than 3.0 were expected (-ln 0.05)."""
    score = np.concatenate([np.linspace(2, 3, 50), np.linspace(0, 1, 100)])
    label = np.repeat([1, 0], [50, 100])
    result = rejection(score, label, np.ones(150), 0.3)
    assert result.value == float("inf")
    assert result.effective_background == 0
    assert result.lower_limit == pytest.approx(100 / -np.log(0.05))


def test_one_passing_event_gives_the_published_poisson_interval():
    """One event observed: upper limit 4.74 at 95 % confidence (PDG review of statistics, table of Poisson limits)."""
    score = np.concatenate([np.linspace(2, 3, 50), np.linspace(0, 1, 99), [9.0]])
    label = np.repeat([1, 0], [50, 100])
    result = rejection(score, label, np.ones(150), 0.5)
    assert result.value == pytest.approx(100)
    assert result.lower_limit == pytest.approx(100 / 4.744, rel=1e-3)


def test_a_light_event_that_passes_does_not_promise_a_high_rejection():
    """One passing event with a weight of 1e-6 of the others: the limit is nearly that of no event at all."""
    score = np.concatenate([np.linspace(2, 3, 50), np.linspace(0, 1, 99), [9.0]])
    label = np.repeat([1, 0], [50, 100])
    weight = np.ones(150)
    weight[-1] = 1e-6
    result = rejection(score, label, weight, 0.5)
    assert result.value > 1e6
    assert 99 / 4.744 < result.lower_limit < 99 / -np.log(0.05)


def test_effective_background_along_the_curve():
    """(sum w)^2 / sum w^2 of the background events above each cut, counted by hand."""
    curve = weighted_roc(np.array([4.0, 3.0, 2.0, 1.0]), np.array([0, 1, 0, 0]), np.array([1.0, 5.0, 3.0, 1.0]))
    np.testing.assert_allclose(curve.effective_background, [0, 1, 1, 16 / 10, 25 / 11])


def test_class_without_weight_is_refused():
    with pytest.raises(ValueError, match="no weight in class 0"):
        weighted_auc(np.array([1.0, 2.0]), np.array([1, 0]), np.array([1.0, 0.0]))


TAGGERS = ["P-CNN_run0", *(f"ParticleNet_run{run}" for run in range(9)), "mean of nine"]

RECORDED = {
    "ParticleNet_run6": ("0.98476071", "0.938441", "1216.349", "329.39"),
    "P-CNN_run0": ("0.980426", "0.930141", "705.99", "206.03"),
    "mean of nine": ("0.985446", "0.939401", "1411.99", "382.41"),
}
"""AUC, accuracy, 1/eB at 30 % and at 50 %, as written in shared/data/README.md."""


@pytest.fixture(scope="module")
def toptag(reference_data):
    """404 000 jets of the public top-tagging test set: scores by name of the tagger, and labels."""
    folder = reference_data / "toptag_scores"
    found = {name: np.load(folder / f"{name}.npy") for name in TAGGERS[:-1]}
    found["mean of nine"] = np.mean([found[name] for name in TAGGERS[1:-1]], axis=0)
    return found, np.load(folder / "labels.npy").astype(int)


@pytest.mark.external
@pytest.mark.parametrize("name", TAGGERS)
def test_published_networks_get_their_recorded_values(toptag, name):
    """To their digits where they are recorded; all by counting events above the cut that keeps the efficiency."""
    found, label = toptag
    score, weight = found[name], np.ones(len(label))
    curve = RankedScores(score, label).roc(weight)
    rejections = [1 / curve.background_efficiency_at(efficiency) for efficiency in (0.3, 0.5)]
    for value, text in zip(
        (curve.auc, accuracy(score, label, weight), *rejections), RECORDED.get(name, ()), strict=False
    ):
        assert f"{value:.{len(text.partition('.')[2])}f}" == text
    signal, background = np.sort(score[label == 1])[::-1], score[label == 0]
    for efficiency, value in zip((0.3, 0.5), rejections, strict=True):
        cut = signal[int(np.ceil(efficiency * len(signal))) - 1]
        assert curve.threshold_at(efficiency) == cut
        assert value == pytest.approx(len(background) / np.sum(background >= cut), rel=1e-9)
    ranks = stats.rankdata(score)[label == 1].sum()  # Mann and Whitney
    pairs = len(signal) * len(background)
    assert curve.auc == pytest.approx((ranks - len(signal) * (len(signal) + 1) / 2) / pairs, abs=1e-12)


@given(scored_events(), st.integers(1, 6))
def test_events_without_weight_do_not_count(events, number):
    """They may even carry infinite scores, above all others or below."""
    more = (np.resize([np.inf, -np.inf, 2.5], number), np.resize([0, 1], number), np.zeros(number))
    padded = [np.concatenate(pair) for pair in zip(more, events, strict=True)]
    curve, expected = weighted_roc(*padded), weighted_roc(*events)
    assert curve.auc == pytest.approx(expected.auc, abs=1e-12)
    for efficiency in (0.3, 0.5, 0.99):
        assert curve.background_efficiency_at(efficiency) == pytest.approx(
            expected.background_efficiency_at(efficiency), abs=1e-12
        )
        assert curve.threshold_at(efficiency) == expected.threshold_at(efficiency)


def test_all_scores_equal_is_a_diagonal():
    label = np.repeat([1, 0], [3, 7])
    curve = weighted_roc(np.zeros(10), label, np.ones(10))
    assert curve.auc == 0.5
    np.testing.assert_allclose(curve.background_efficiencies_at(np.array([0.1, 0.5, 0.9])), [0.1, 0.5, 0.9])


def test_accuracy_counts_weights_and_a_score_on_the_threshold_is_signal():
    label, weight = np.array([1, 1, 0, 0]), np.array([1.0, 2.0, 3.0, 4.0])
    assert accuracy(np.array([0.5, 0.4, 0.1, 0.9]), label, weight) == pytest.approx(0.4)


CHOICES = list(itertools.combinations(range(7), 3))


def test_chance_error_is_the_spread_of_scores_that_know_nothing():
    """Two thousand throws of random scores on the same weighted events; the spread of the spread is 1.6 %."""
    rng = np.random.default_rng(3)
    label = np.repeat([1, 0], [60, 40])
    weight = rng.uniform(0.05, 3.0, 100) ** 2
    thrown = [weighted_auc(rng.normal(size=100), label, weight) for _ in range(2000)]
    expected = chance_error(effective_events(weight[label == 1]), effective_events(weight[label == 0]))
    assert np.std(thrown) == pytest.approx(expected, rel=0.07)
    exact = [weighted_auc(np.arange(7.0), np.isin(np.arange(7), chosen).astype(int), np.ones(7)) for chosen in CHOICES]
    assert np.std(exact) == pytest.approx(chance_error(3, 4))


@given(scored_events(), st.floats(0.01, 0.99))
def test_effective_background_is_that_of_the_events_above_the_cut(events, efficiency):
    score, label, weight = events
    curve = weighted_roc(*events)
    above = (score >= curve.threshold_at(efficiency)) & (label == 0)
    found = curve.effective_background_at(np.array([efficiency]))
    assert found == pytest.approx(effective_events(weight[above]))


def test_an_efficiency_that_ten_equal_weights_reach_is_reached():
    """Ten weights of 0.1 add up to 0.30000000000000004 and 0.7999999999999999: the third and eighth cuts, no others."""
    score = np.concatenate([np.arange(10.0, 0.0, -1.0), [8.5, 7.5, 2.5]])
    label, weight = np.repeat([1, 0], [10, 3]), np.repeat([0.1, 1.0], [10, 3])
    curve = weighted_roc(score, label, weight)
    tenths = np.arange(1, 11) / 10
    assert [curve.threshold_at(efficiency) for efficiency in tenths] == [10.0 - step for step in range(10)]
    np.testing.assert_allclose(curve.effective_background_at(tenths), [0, 0, 1, 2, 2, 2, 2, 2, 3, 3])


def test_background_on_the_cut_passes():
    """One of four background events has the score of the cut: it is tied with the signal event that sets it."""
    score, label = np.array([4.0, 3.0, 2.0, 1.0, 3.0, 0.1, 0.2, 0.3]), np.repeat([1, 0], 4)
    found = rejection(score, label, np.ones(8), 0.5)
    assert found.effective_background == 1
    assert found.value == pytest.approx(4.0)
    shares = binomtest(1, 4).proportion_ci(ONE_SIGMA, "wilson")
    assert found.binomial_interval == pytest.approx((1 / shares.high, 1 / shares.low))


def test_no_rejection_has_a_limit_below_one():
    """All background passes every cut: nothing is rejected, and that is the limit."""
    found = rejection(np.zeros(8), np.repeat([1, 0], 4), np.ones(8), 1.0)
    assert (found.value, found.lower_limit) == (1.0, 1.0)
