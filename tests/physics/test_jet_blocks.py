"""Jets in blocks of like size."""

import numpy as np
import pytest

from mscat_tf.physics.jet_blocks import blocks_of_like_size, lengths, unwrapped

PT = np.array([[1.0, 2.0, 0.0, 0.0], [0.0, 0.0, 3.0, 0.0], [0.0, 0.0, 0.0, 0.0], [1.0, 1.0, 1.0, 1.0]])


def test_lengths_count_gaps():
    assert lengths(PT).tolist() == [2, 3, 0, 4]
    assert lengths(np.zeros((3, 0))).tolist() == [0, 0, 0]


@pytest.mark.parametrize("at_once", [1, 20, 1000])
def test_every_jet_that_is_not_empty_stands_in_one_block(at_once):
    length = np.array([2, 3, 0, 4, 1, 4, 0])
    blocks = list(blocks_of_like_size(length, at_once))
    assert sorted(np.concatenate([jets for jets, _ in blocks])) == [0, 1, 3, 4, 5]
    for jets, longest in blocks:
        assert longest == length[jets].max()
        assert len(jets) == 1 or len(jets) * longest**2 <= at_once


def test_azimuths_lie_about_the_hardest_constituent():
    pt, phi = np.array([[1.0, 9.0, 3.0, 0.0]]), np.array([[-3.1, 3.0, 2.9, np.nan]])
    eta, about = unwrapped(pt, np.array([[0.1, 0.2, 0.3, np.nan]]), phi)
    np.testing.assert_allclose(about, [[2 * np.pi - 3.1, 3.0, 2.9, 3.0]])
    assert eta.tolist() == [[0.1, 0.2, 0.3, 0.2]]
