"""The same random weights whatever ran before, so that a failure comes back."""

import keras
import pytest


@pytest.fixture(scope="module", autouse=True)
def seeded():
    """Before every other fixture of the module."""
    keras.utils.set_random_seed(17)
