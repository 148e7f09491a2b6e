"""The mask of dropout: share, independence, mean, state."""

import keras
import numpy as np
import tensorflow as tf

from mscat_tf.layers import Dropout
from tests.layer_checks import check_layer

ONES = np.ones((40, 5, 6), "float32")


def masks(rate=0.25, draws=400):
    """`(draws, 40, 5, 6)`, True where a number was kept."""
    layer = Dropout(rate, seed=3)
    drawn = tf.function(lambda: layer(ONES, training=True))
    return np.stack([drawn().numpy() for _ in range(draws)]) > 0


def test_contract(tmp_path):
    check_layer(Dropout, {"rate": 0.3}, {"inputs": ONES[:2]}, tmp_path)


def test_kept_numbers_are_scaled_and_the_others_zero():
    found = np.asarray(Dropout(0.25)(ONES, training=True))
    assert set(np.unique(found)) == {np.float32(0), np.float32(1) / np.float32(0.75)}


def test_share_and_pairs_are_those_of_independent_numbers():
    """Share dropped everywhere, and together for pairs in one row, in one column and in neither: within 5 errors."""
    dropped, rate = ~masks(), 0.25
    error = np.sqrt(rate * (1 - rate) / len(dropped))
    assert abs(dropped.mean() - rate) < 5 * error / np.sqrt(ONES.size)
    assert np.abs(dropped.mean(0) - rate).max() < 5 * error
    first, pair = dropped[:, :-1, :-1, :-1], np.sqrt(rate**2 * (1 - rate**2) / len(dropped))
    for other in (dropped[:, :-1, :-1, 1:], dropped[:, :-1, 1:, :-1], dropped[:, 1:, :-1, :-1], dropped[:, 1:, 1:, 1:]):
        both = (first & other).mean(0)
        assert np.abs(both - rate**2).max() < 5 * pair
        assert abs(both.mean() - rate**2) < 5 * pair / np.sqrt(both.size)


def test_numbers_of_one_row_are_independent_together():
    """The number dropped out of six is binomial: its third and fourth central moments as well as its variance."""
    dropped, rate, row = (~masks()).sum(-1).ravel(), 0.25, 6
    centred, variance = dropped - row * rate, row * rate * (1 - rate)
    fourth = variance * (1 + (3 * row - 6) * rate * (1 - rate))
    for power, expected in ((2, variance), (3, variance * (1 - 2 * rate)), (4, fourth)):
        error = np.std(centred.astype(float) ** power) / np.sqrt(len(dropped))
        assert abs(np.mean(centred.astype(float) ** power) - expected) < 5 * error


def test_masks_follow_from_the_seed_and_differ_from_call_to_call():
    drawn = masks(draws=3)
    np.testing.assert_array_equal(drawn, masks(draws=3))
    assert not np.array_equal(drawn[0], drawn[1])


def test_its_weights_are_those_of_keras():
    """A checkpoint holds the same state in the same place."""
    ours, theirs = Dropout(0.1), keras.layers.Dropout(0.1)
    assert [(v.name, v.shape, v.dtype) for v in ours.variables] == [
        (v.name, v.shape, v.dtype) for v in theirs.variables
    ]
