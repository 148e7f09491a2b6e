"""Blocks, and what a sample of many files costs."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mscat_tf.data import Sample, open_files
from mscat_tf.data.blocks import Blocks
from mscat_tf.data.mock import write_mock_sample


@given(st.lists(st.integers(0, 20), max_size=6), st.integers(1, 7))
def test_blocks_hold_every_event_once_and_never_two_files(events, size):
    blocks = Blocks(events, size)
    rows = [block.rows for block in blocks]
    np.testing.assert_array_equal(np.concatenate([[], *rows]), np.arange(sum(events)))
    first_rows = np.cumsum([0, *events])
    for block in blocks:
        assert 0 < block.stop - block.start <= size
        assert first_rows[block.shard] + block.start == block.first_row
        assert block.stop <= events[block.shard]
    assert len(blocks) == len(rows) == sum(-(-count // size) for count in events)


def test_blocks_are_a_sequence():
    blocks = Blocks([5, 0, 3], 2)
    assert blocks[-1] == list(blocks)[-1] == blocks[3:][1]
    with pytest.raises(IndexError):
        blocks[5]


def open_shards(folder):
    """Files of the folder that this process holds open."""
    handles = (path.readlink() for path in Path("/proc/self/fd").iterdir() if path.is_symlink())
    return {path.name for path in handles if path.parent == folder}


def test_only_so_many_files_are_open(tmp_path, monkeypatch):
    monkeypatch.setattr(open_files, "MOST_OPEN", 2)
    write_mock_sample(tmp_path, events=10, shards=5)
    with Sample(tmp_path) as sample:
        expected = sample.column("event_id")
        assert open_shards(tmp_path) == {"mock-0003.h5", "mock-0004.h5"}
        for number in (0, 4, 0, 2):
            block = sample.blocks[number]
            np.testing.assert_array_equal(sample.read(block, ("event_id",))["event_id"], expected[block.rows])
        assert open_shards(tmp_path) == {"mock-0000.h5", "mock-0002.h5"}, "the last used stay"
    assert not open_shards(tmp_path)


def test_headers_share_what_files_have_in_common(mock_folder):
    first, *others = Sample(mock_folder).headers
    assert all(header.configuration is first.configuration for header in others)
