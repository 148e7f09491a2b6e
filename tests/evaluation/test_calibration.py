"""Calibration against closed forms, scikit-learn, and scores that are calibrated by construction."""

import numpy as np
import pytest
from sklearn.calibration import calibration_curve
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss as sklearn_log_loss

from mscat_tf.evaluation.calibration import fit_temperature, log_loss, logit_of, probability_of, reliability
from mscat_tf.evaluation.metrics import weighted_auc


def calibrated(rng, events, shape=()):
    """Logits, and labels that follow them."""
    logit = rng.normal(0.3, 2.0, (*shape, events))
    return logit, (rng.random(logit.shape) < probability_of(logit)).astype(int)


def test_diagram_is_scikit_learns():
    logit, label = calibrated(np.random.default_rng(1), 3000)
    found = reliability(probability_of(logit), label, np.ones(3000), bins=10)
    observed, predicted = calibration_curve(label, probability_of(logit), n_bins=10)
    np.testing.assert_allclose(found.observed, observed)
    np.testing.assert_allclose(found.predicted, predicted)
    assert found.share.sum() == pytest.approx(1)
    assert found.error == pytest.approx(np.sum(found.share * np.abs(observed - predicted)))
    assert (found.low < found.observed).all()
    assert (found.observed < found.high).all()


def test_error_of_a_calibrated_score_is_what_chance_predicts():
    """The mean over 200 toys; a weight of 0.5 to 2 on every event."""
    rng = np.random.default_rng(2)
    logits, labels = calibrated(rng, 1000, (200,))
    weight = rng.uniform(0.5, 2.0, 1000)
    found = [reliability(probability_of(z), y, weight) for z, y in zip(logits, labels, strict=True)]
    assert np.mean([f.error for f in found]) == pytest.approx(np.mean([f.error_if_calibrated for f in found]), rel=0.05)


def test_error_of_a_score_that_is_wrong_by_a_tenth():
    """Says 0.6 where half is signal: the error is 0.1, and only one bin is filled."""
    label = np.tile([0, 1], 500)
    found = reliability(np.full(1000, 0.6), label, np.ones(1000))
    assert found.error == pytest.approx(0.1)
    assert found.error_if_calibrated == pytest.approx(np.sqrt(2 / np.pi * 0.24 / 1000))
    assert np.isnan(found.observed[0])
    assert found.events.tolist().count(0) == 14


def test_weights_are_numbers_of_events():
    rng = np.random.default_rng(3)
    logit, label = calibrated(rng, 400)
    number = rng.integers(0, 4, 400)
    once, often = (
        (logit, label, number.astype(float)),
        (*(np.repeat(c, number) for c in (logit, label)), np.ones(number.sum())),
    )
    assert reliability(probability_of(once[0]), *once[1:]).error == pytest.approx(
        reliability(probability_of(often[0]), *often[1:]).error
    )
    assert log_loss(*once) == pytest.approx(log_loss(*often))
    assert fit_temperature(*once).value == pytest.approx(fit_temperature(*often).value)


def test_log_loss_is_scikit_learns():
    rng = np.random.default_rng(4)
    logit, label = calibrated(rng, 500)
    weight = rng.uniform(0, 2, 500)
    assert log_loss(logit, label, weight) == pytest.approx(
        sklearn_log_loss(label, probability_of(logit), sample_weight=weight)
    )


def test_two_valued_logit_has_a_closed_form():
    """Right in a share q of n events at logit +-1: 1 / T = log(q / (1 - q)), error of it 1 / sqrt(n q (1 - q))."""
    right, n = 800, 1000
    logit = np.ones(n)
    label = (np.arange(n) < right).astype(int)
    logit[::2], label[::2] = -1, 1 - label[::2]  # half of them the other way round
    found = fit_temperature(logit, label, np.ones(n))
    inverse = np.log(0.8 / 0.2)
    assert found.value == pytest.approx(1 / inverse)
    assert found.error == pytest.approx(1 / np.sqrt(n * 0.16) / inverse**2, rel=1e-6)
    assert found.log_loss_after == pytest.approx(-0.8 * np.log(0.8) - 0.2 * np.log(0.2))


def test_temperature_is_the_slope_of_a_logistic_regression():
    rng = np.random.default_rng(5)
    logit, label = calibrated(rng, 4000)
    weight, hot = rng.uniform(0.2, 3.0, 4000), 2.5 * logit
    found = fit_temperature(hot, label, weight)
    fitted = LogisticRegression(C=np.inf, fit_intercept=False, tol=1e-10).fit(hot[:, None], label, sample_weight=weight)
    assert found.value == pytest.approx(1 / fitted.coef_[0, 0], rel=1e-5)
    assert abs(found.value - 2.5) < 3 * found.error
    assert found.log_loss_after < found.log_loss_before
    for other in (0.99, 1.01):
        assert log_loss(hot / (found.value * other), label, weight) > found.log_loss_after
    before = reliability(probability_of(hot), label, weight)
    after = reliability(probability_of(hot / found.value), label, weight)
    assert after.error < before.error / 3
    assert weighted_auc(hot / found.value, label, weight) == pytest.approx(weighted_auc(hot, label, weight), abs=1e-12)


def test_error_of_the_temperature_holds_for_weighted_events():
    """The spread over 300 toys, known to 4 %; a plain second derivative would be 40 % too small here."""
    rng = np.random.default_rng(6)
    found = []
    for _ in range(300):
        logit, label = calibrated(rng, 600)
        found.append(fit_temperature(logit, label, np.exp(rng.normal(0, 0.8, 600))))
    assert np.mean([f.error for f in found]) == pytest.approx(np.std([f.value for f in found]), rel=0.12)


@pytest.mark.parametrize("direction", [1, -1])
def test_separated_or_inverted_scores_have_no_temperature(direction):
    label = np.repeat([0, 1], 20)
    with pytest.raises(ValueError, match="no temperature"):
        fit_temperature(direction * np.linspace(-2, 2, 40), label, np.ones(40))


def test_logits_of_certain_scores_are_finite():
    score = np.array([0.0, 1e-3, 0.5, 0.9, 1.0], np.float32)
    np.testing.assert_allclose(probability_of(logit_of(score)), score, atol=1e-7)
