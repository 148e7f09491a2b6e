"""Ranks and their correlation against scipy, event by event."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from mscat_tf.interpretation.ranks import descending_ranks, mean_and_error, rank_correlation


def test_rank_correlation_is_spearmans_of_the_real_tokens():
    rng = np.random.default_rng(1)
    first, second = rng.integers(0, 5, (2, 40, 9)).astype(float)  # many ties
    mask = np.arange(9) < rng.integers(3, 10, (40, 1))
    found = rank_correlation(first, second, mask)
    for event in range(40):
        own = mask[event]
        if np.ptp(first[event][own]) and np.ptp(second[event][own]):
            assert found[event] == pytest.approx(spearmanr(first[event][own], second[event][own])[0])
        else:
            assert np.isnan(found[event])
    assert np.isnan(rank_correlation(np.zeros((1, 3)), np.ones((1, 3)), np.ones((1, 3), bool)))[0]


def test_descending_ranks_put_padding_last_and_break_ties_at_random():
    values = np.tile([1.0, 3.0, 1.0, 99.0], (400, 1))
    mask = np.tile([True, True, True, False], (400, 1))
    found = descending_ranks(values, mask, np.random.default_rng(2))
    assert np.all(found[:, 1] == 0)
    assert np.all(found[:, 3] == 3)
    assert np.mean(found[:, 0] == 1) == pytest.approx(0.5, abs=0.1)
    assert np.all(np.sort(found, axis=1) == np.arange(4))


def test_mean_and_error():
    found = mean_and_error(np.array([1.0, 3.0, np.nan, 2.0]))
    assert found == {"value": 2.0, "error": pytest.approx(1 / np.sqrt(3)), "undefined": 0.25}
    assert mean_and_error(np.array([np.nan])) == {"value": None, "error": None, "undefined": 1.0}
