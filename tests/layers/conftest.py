"""What all tests of this folder have."""

from tests.first_weights import pytest_pyfunc_call, seeded

__all__ = ["pytest_pyfunc_call", "seeded"]
