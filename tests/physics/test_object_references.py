import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mscat_tf.physics.object_references import repeated_numbers, resolve


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 9)), max_size=12), st.data())
def test_references_are_found_as_by_a_dictionary(objects, data):
    objects = list(dict.fromkeys(objects))
    references = data.draw(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 9)), max_size=12))
    place = {key: index for index, key in enumerate(objects)}
    (event, number), (wanted_event, wanted) = (np.array(v, np.int64).reshape(-1, 2).T for v in (objects, references))
    found = resolve(event, number | (3 << 24), wanted_event, wanted | (1 << 24))
    assert found.tolist() == [place.get(key, -1) for key in references]


def test_numbers_that_repeat_within_an_event():
    event, number = np.array([0, 0, 1, 1, 1]), np.array([7, 8, 7, 9, 7])
    assert repeated_numbers(event, number).tolist() == [4]


@pytest.mark.parametrize("size", [0, 3])
def test_nothing_repeats(size):
    assert len(repeated_numbers(np.zeros(size, np.int64), np.arange(size))) == 0
