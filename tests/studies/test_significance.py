"""Tests of differences against scipy's, and Holm's procedure against its definition."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from mscat_tf.studies.significance import Part, beyond, holm, significance


@pytest.mark.parametrize(("first", "second"), [(5, 5), (2, 7), (3, 2)])
def test_two_spreads_of_seeds_alone_are_welchs_test(first, second):
    rng = np.random.default_rng(first)
    a, b = rng.normal(0.9, 0.01, first), rng.normal(0.91, 0.03, second)
    parts = [Part(stats.sem(values), len(values) - 1) for values in (a, b)]
    found, wanted = significance(a.mean() - b.mean(), parts), stats.ttest_ind(a, b, equal_var=False)
    assert found.standard_errors == pytest.approx(wanted.statistic)
    assert found.degrees_of_freedom == pytest.approx(wanted.df)
    assert found.p_value == pytest.approx(wanted.pvalue)


def test_errors_add_and_a_well_known_one_dominates_the_shape():
    assert significance(0.5, [Part(0.3), Part(0.4)]).error == pytest.approx(0.5)
    gauss = significance(0.02, [Part(0.01)])
    assert gauss.p_value == pytest.approx(2 * stats.norm.sf(2.0))
    nearly = significance(0.02, [Part(0.01), Part(1e-5, 1)])
    assert nearly.p_value == pytest.approx(gauss.p_value, rel=1e-3)
    assert significance(0.02, [Part(0.01, 1)]).p_value == pytest.approx(2 * stats.t.sf(2.0, 1))
    assert significance(0.02, [Part(0.0)]).p_value == 1.0


def step_down(p_values, level):
    """Holm's procedure as he states it: from the smallest on, reject while p <= level / (hypotheses left)."""
    rejected, left = set(), len(p_values)
    for index in sorted(range(len(p_values)), key=lambda i: p_values[i]):
        if p_values[index] > level / left:
            break
        rejected.add(index)
        left -= 1
    return rejected


@given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=9), st.floats(1e-4, 0.5))
def test_holm_rejects_what_the_procedure_rejects(p_values, level):
    adjusted = holm(p_values)
    clear = [abs(value - level) > 1e-12 for value in adjusted]
    rejected = {i for i, value in enumerate(adjusted) if value < level}
    assert {i for i in rejected if clear[i]} == {i for i in step_down(p_values, level) if clear[i]}
    assert all(p <= a <= min(1.0, len(p_values) * p) + 1e-15 for p, a in zip(p_values, adjusted, strict=True) if a < 1)


def test_holm_keeps_the_chance_of_a_wrong_claim():
    rng = np.random.default_rng(7)
    wrong = [min(holm(p)) < 0.1 for p in rng.random((2000, 6))]
    assert np.mean(wrong) == pytest.approx(1 - (1 - 0.1 / 6) ** 6, abs=4 * np.sqrt(0.1 * 0.9 / 2000))


@pytest.mark.parametrize(("difference", "wanted"), [(-0.01, 0.0), (0.0, 2.5), (-0.02, -2.5), (-0.005, 0.0)])
def test_distance_from_a_quoted_range(difference, wanted):
    assert beyond(difference, -0.015, -0.005, 0.002) == pytest.approx(wanted)


def test_equal_rows_do_not_lie_inside_a_range_without_zero():
    assert beyond(0.0, -0.015, -0.005, 0.0) == np.inf
    assert beyond(0.0, 0.005, 0.015, 0.0) == -np.inf
    assert beyond(0.0, -0.005, 0.015, 0.0) == 0.0
