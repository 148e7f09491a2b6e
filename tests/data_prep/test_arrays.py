import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from data_prep.arrays import offsets_of, pad, rows

counts_of_rows = st.lists(st.integers(0, 4), min_size=1, max_size=6).map(np.array)


@given(counts_of_rows)
def test_padding_and_masking_is_a_round_trip(counts):
    values = np.arange(1, counts.sum() + 1)
    padded, mask = pad(values, counts)
    np.testing.assert_array_equal(padded[mask], values)
    np.testing.assert_array_equal(mask.sum(axis=1), counts)
    assert np.all(padded[~mask] == 0)


@given(counts_of_rows, st.data())
def test_rows_are_what_a_loop_gives(counts, data):
    chosen = np.array(data.draw(st.lists(st.integers(0, len(counts) - 1), max_size=5)), dtype=np.int64)
    offsets = offsets_of(counts)
    expected = [place for row in chosen for place in range(offsets[row], offsets[row + 1])]
    assert rows(offsets, chosen).tolist() == expected
