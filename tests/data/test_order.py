"""What is read when: every event as often as it should come, in batches of known number."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mscat_tf.data import order as module
from mscat_tf.data.order import EventOrder
from mscat_tf.errors import ConfigError


def draw_order(seed, blocks, strata, lanes, sampled):
    """An order over random counts, in which blocks and strata may be empty."""
    rng = np.random.default_rng(seed)
    counts = rng.integers(0, 9, (blocks, strata)) * (rng.random((blocks, strata)) < 0.7)
    counts[: 2 * lanes, 0] += 1
    copies = rng.uniform(0.3, 3.0, strata) if sampled else np.ones(strata)
    classes = np.arange(strata) % 2 if lanes == 1 else np.zeros(strata, int)
    return counts, copies, EventOrder(counts, np.arange(blocks) // 4, classes, copies, 6, lanes, seed)


@given(st.integers(0, 10**6), st.integers(6, 30), st.integers(1, 3), st.sampled_from([1, 2, 3]), st.booleans())
def test_passes_show_everything_in_equally_many_batches(seed, blocks, strata, lanes, sampled):
    counts, copies, order = draw_order(seed, blocks, strata, lanes, sampled)
    for number in (0, 5):
        passes = [order.lane_pass(number, lane) for lane in range(lanes)]
        dealt = np.concatenate([one.blocks for one in passes])
        np.testing.assert_array_equal(np.sort(dealt), np.arange(blocks))
        shown = sum(one.copies.sum(axis=0) for one in passes)
        if not sampled:
            np.testing.assert_array_equal(shown, counts.sum(axis=0))
        assert np.all(np.abs(shown - counts.sum(axis=0) * copies) <= 0.5 + lanes), "one more where a lane had none"
        for lane, one in enumerate(passes):
            scheduled = sum(len(one.schedule(window)) for window in range(one.windows))
            assert scheduled == one.ends[-1] <= order.steps
            assert one.copies.sum() == order.events[lane]
            assert not np.any(one.copies[one.counts == 0])
    assert order.steps == max(one.ends[-1] for one in passes)
    real = [order.real_events(step) for step in range(order.steps)]
    assert lanes == 1 or sum(real) == order.events.sum()


def test_lanes_get_equally_many_events():
    counts = np.random.default_rng(1).integers(100, 256, (101, 1))
    order = EventOrder(counts, np.zeros(101, int), np.zeros(1, int), np.ones(1), 64, 4, 3)
    assert np.ptp(order.events) <= counts.max()
    assert {one.tobytes() for one in (order.lane_pass(number, 0).blocks for number in range(5))}.__len__() == 5


def test_copies_are_unbiased_for_every_block_and_event():
    """Systematic rounding: the mean over many passes is counts x ratio; its width is below 1/2 per pass."""
    counts = np.array([[40, 3], [0, 7], [11, 1], [5, 0]])
    order = EventOrder(counts, np.arange(4), np.zeros(2, int), np.array([0.3, 2.6]), 4, 1, 9)
    passes = 400
    total, events = np.zeros(counts.shape), np.zeros(43)
    stratum = np.repeat([0, 1], counts[0])
    for number in range(passes):
        one = order.lane_pass(number, 0)
        total[one.blocks] += one.copies / passes
        times = one.repeats(int(np.flatnonzero(one.blocks == 0)[0]), stratum)
        np.testing.assert_array_equal(np.bincount(stratum, times), one.copies[one.blocks == 0][0])
        events += times / passes
    np.testing.assert_allclose(total, counts * order.ratio[0], atol=5 * 0.5 / np.sqrt(passes))
    np.testing.assert_allclose(events, order.ratio[0][stratum], atol=5 * 0.5 / np.sqrt(passes))
    np.testing.assert_allclose(order.ratio[0], [17 / 56, 29 / 11])


def test_blocks_meet_in_windows_as_often_as_documented(monkeypatch):
    """Two blocks share a window of W with the probability (W - 1) / (b - 1) if b is a multiple of W."""
    monkeypatch.setattr(module, "WINDOW_BLOCKS", 4)
    order = EventOrder(np.full((20, 1), 5), np.arange(20), np.zeros(1, int), np.ones(1), 5, 1, 2)
    passes, met = 400, np.zeros((20, 20))
    for number in range(passes):
        window = np.empty(20, int)
        window[order.lane_pass(number, 0).blocks] = np.arange(20) // 4
        met += window[:, np.newaxis] == window
    pairs = met[np.triu_indices(20, 1)]
    expected = 3 / 19
    assert pairs.mean() / passes == pytest.approx(expected)
    assert np.std(pairs) == pytest.approx(np.sqrt(passes * expected * (1 - expected)), rel=0.25)
    assert abs(np.mean(met[np.arange(19), np.arange(1, 20)]) / passes - expected) < 5 * np.sqrt(expected / passes / 19)


def test_processes_in_files_of_their_own_are_spread_evenly(monkeypatch):
    """Windows of eight blocks out of files of one process each: the 25 % of the one make two of them, give or take."""
    monkeypatch.setattr(module, "WINDOW_BLOCKS", 8)
    monkeypatch.setattr(module, "FILES_AT_ONCE", 4)
    files = np.arange(160) // 10
    rare = files % 4 == 0
    order = EventOrder(np.where([*zip(rare, ~rare, strict=True)], 5, 0), files, np.zeros(2, int), np.ones(2), 5, 1, 2)
    for number in range(5):
        one = order.lane_pass(number, 0)
        per_window = rare[one.blocks].reshape(20, 8).sum(axis=1)
        assert set(per_window) <= {1, 2, 3}
        opened = files[one.blocks].reshape(4, 40)
        assert all(len(set(group)) == 4 for group in opened), "every file is read in one go"
        assert len({*opened[0]} & {*range(0, 16, 4)}) == 1


@pytest.mark.parametrize(
    ("batch", "lanes", "sentence"),
    [(10, 4, "not a multiple of train.lanes = 4"), (12, 4, "lie in 3 blocks of up to 256; set it to 3 or less")],
)
def test_lanes_that_cannot_be_dealt(batch, lanes, sentence):
    with pytest.raises(ConfigError, match=sentence):
        EventOrder(np.array([[5], [0], [3], [1]]), np.zeros(4, int), np.zeros(1, int), np.ones(1), batch, lanes, 0)
