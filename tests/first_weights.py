"""The same first weights whatever ran before and in whatever order, so that a failure comes back.

A `conftest.py` takes both by importing them.
"""

import keras
import pytest

SEED = 17


@pytest.fixture(scope="module", autouse=True)
def seeded():
    """Before every other fixture of the module."""
    keras.utils.set_random_seed(SEED)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call():
    """Before the test itself: pytest-randomly has just seeded Python's generator, of which Keras draws, by chance."""
    keras.utils.set_random_seed(SEED)
