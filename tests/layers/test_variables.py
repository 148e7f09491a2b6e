"""Layers of the analysis model: compressed columns, chosen columns, shares of momentum."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mscat_tf.errors import ConfigError
from mscat_tf.layers import Asinh, MomentumShares, TakeColumns
from tests.layer_checks import check_layer

VALUES = np.array([[0.0, 3e6, -2.0], [5.0, 0.1, 0.0]], "float32")
TOKENS = np.array([[[30.0, 1.0], [10.0, 2.0], [7.0, 3.0]], [[5.0, 1.0], [4.0, 1.0], [9.0, 9.0]]], "float32")
MASK = np.array([[True, True, False], [False, False, False]])


def test_contracts(tmp_path):
    check_layer(Asinh, {"chosen": (True, False, True)}, {"values": VALUES}, tmp_path)
    check_layer(TakeColumns, {"places": (2, 0)}, {"values": VALUES}, tmp_path)
    check_layer(MomentumShares, {"columns": ("pt", "radius")}, {"tokens": TOKENS, "token_mask": MASK}, tmp_path)


@given(st.floats(1e-3, 1e12))
def test_asinh_is_linear_near_zero_and_a_logarithm_above(value):
    """ln(x + sqrt(x^2 + 1)), the closed form, in float64; what is not chosen stays."""
    found = np.asarray(Asinh((True, False))(np.array([[value, value]], "float32")))
    np.testing.assert_allclose(found[0, 0], np.log(value + np.sqrt(value**2 + 1)), rtol=1e-5)
    assert found[0, 1] == np.float32(value)


def test_asinh_keeps_single_precision_under_half():
    values = np.array([[123456.0]], "float32")
    assert Asinh((True,), dtype="mixed_bfloat16")(values).dtype == "float32"


def test_columns_are_taken_in_the_order_asked_for():
    np.testing.assert_array_equal(TakeColumns((2, 0, 2))(VALUES), VALUES[:, [2, 0, 2]])


def test_shares_add_up_to_one_over_real_tokens():
    found = np.asarray(MomentumShares(("pt", "radius"))(TOKENS, MASK))
    np.testing.assert_allclose(found[0, :, 0], [0.75, 0.25, 0.0])
    np.testing.assert_array_equal(found[1], 0.0)


def test_impossible_arguments_are_refused():
    with pytest.raises(ConfigError, match="2 flags for 3 columns"):
        Asinh((True, False))(VALUES)
    with pytest.raises(ConfigError, match=r"places .*5.* of 3 columns"):
        TakeColumns((5,))(VALUES)
    with pytest.raises(ConfigError, match=r"column pt is not among eta; add it to data.subjet_features"):
        MomentumShares(("eta",))
