"""The curve where ordinary scores do not look: coarse and steep steps, the first cut, what weights come in as."""

import numpy as np
import pytest

from mscat_tf.evaluation.metrics import ROUNDING, Roc, weighted_roc


def test_between_cuts_the_curve_is_straight():
    efficiency, background = np.array([0.0, 0.2, 0.6, 1.0]), np.array([0.0, 0.1, 0.5, 1.0])
    curve = Roc(efficiency, background, np.array([np.inf, 3.0, 2.0, 1.0]), np.zeros(4))
    wanted = np.array([0.05, 0.2, 0.3, 0.6, 0.9])
    found = curve.background_efficiencies_at(wanted)
    np.testing.assert_allclose(found, np.interp(wanted, efficiency, background), rtol=1e-12)


def test_an_efficiency_that_rounding_put_behind_a_cut_is_that_of_the_cut():
    """The next cut is steep: to go on along the line to it, by the rounding alone, would double the background."""
    step = 0.5 * ROUNDING
    curve = Roc(
        np.array([0.0, 0.5, 0.5 + step, 1.0]), np.array([0.0, 0.1, 0.3, 1.0]), np.arange(4.0)[::-1], np.zeros(4)
    )
    assert curve.background_efficiency_at(0.5 + 0.9 * ROUNDING) == 0.1
    assert curve.background_efficiency_at(0.5 + 1.4 * ROUNDING) == 0.3


def test_nothing_passes_the_first_cut():
    curve = weighted_roc(np.array([2.0, 1.0], "f4"), np.array([1, 0]), np.ones(2))
    np.testing.assert_array_equal(curve.threshold, [np.inf, 2.0, 1.0])


def test_weights_are_added_in_double_precision():
    """3e7 ones in single precision do not get beyond 2^24; here the light events come after a heavy one."""
    weight = np.concatenate([[2.0**24], np.ones(1000)]).astype("f4")
    score, label = np.arange(2002.0)[::-1], np.repeat([1, 0], 1001)
    curve = weighted_roc(score, label, np.concatenate([weight, weight]))
    assert curve.signal_efficiency[1] == pytest.approx(2.0**24 / (2.0**24 + 1000), rel=1e-12)


@pytest.mark.parametrize("left_out", [0, 1])
def test_the_class_without_weight_is_named(left_out):
    label = np.array([1, 0])
    with pytest.raises(ValueError, match=f"no weight in class {left_out}$"):
        weighted_roc(np.array([1.0, 2.0]), label, (label != left_out).astype(float))
