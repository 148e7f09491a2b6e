"""The quartic part against brute force in field space, and the talk's normalisation against its own potential."""

import itertools

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from mscat_tf.physics.doublet_potential import Quartics, deepest_vacuum
from tests.physics.doublet_oracle import FIELDS, derivative, potential, talk_potential

NO_MASSES = (0.0, 0.0, 0.0)
numbers = st.floats(-3.0, 3.0)
seven = st.lists(numbers, min_size=7, max_size=7)


@given(seven, st.integers(0, 1000))
def test_the_printed_potential_of_the_talk_is_the_same_function(printed, seed):
    fields = np.random.default_rng(seed).normal(size=(20, FIELDS))
    masses = (1.3, -0.7, 0.4)
    np.testing.assert_allclose(
        potential(fields, Quartics.from_talk(*printed), masses), talk_potential(fields, printed, masses), atol=1e-9
    )


def test_lambda_six_and_seven_may_be_left_out():
    assert Quartics.from_talk(1, 2, 3, 4, 5) == Quartics(2, 4, 3, 4, 5, 0, 0)


@given(st.lists(numbers, min_size=5, max_size=5))
def test_bounds_without_hard_breaking(values):
    """Closed form (Deshpande, Ma, Phys. Rev. D 18, 2574)."""
    one, two, three, four, five = values
    root = np.sqrt(max(one, 0.0) * max(two, 0.0))
    margins = (one, two, three + root, three + four - abs(five) + root)
    if min(map(abs, margins)) > 1e-6:
        assert Quartics(*values).is_bounded_from_below() == (min(margins) > 0.0)


def directions(count):
    """Two doublets over the whole space of directions, up to SU(2) x U(1): moduli, relative angle and phase."""
    rng = np.random.default_rng(3)
    mix, overlap, phase = rng.uniform(0, np.pi / 2, count), rng.uniform(0, 1, count), rng.uniform(0, np.pi, count)
    overlap[::2], phase[::4] = 1.0, np.where(phase[::4] < np.pi / 2, 0.0, np.pi)
    fields = np.zeros((count, FIELDS))
    fields[:, 2] = np.cos(mix)
    fields[:, 6], fields[:, 7] = np.sin(mix) * overlap * np.cos(phase), np.sin(mix) * overlap * np.sin(phase)
    fields[:, 4] = np.sin(mix) * np.sqrt(1.0 - overlap**2)
    return fields


def test_bounds_with_hard_breaking():
    """Against the lowest value over many directions; potentials too near the edge to tell are left out."""
    rng, fields = np.random.default_rng(4), directions(40_000)
    seen = {True: 0, False: 0}
    for _ in range(100):
        quartics = Quartics(*rng.uniform(0.5, 3.0, 2), *rng.uniform(-1.5, 1.5, 5))
        lowest = potential(fields, quartics, NO_MASSES).min()
        if abs(lowest) > 5e-3:
            assert quartics.is_bounded_from_below() == (lowest > 0.0), quartics
            seen[bool(lowest > 0.0)] += 1
    assert min(seen.values()) > 15


def test_unitarity_eigenvalues_are_those_of_all_two_scalar_states():
    """The 36 x 36 matrix of fourth derivatives between pairs of the eight real fields."""
    quartics = Quartics(1.2, 0.6, 1.5, -0.4, 0.3, 0.15, -0.08)
    pairs = list(itertools.combinations_with_replacement(range(FIELDS), 2))
    axes, values = np.eye(FIELDS), {}
    for four in itertools.combinations_with_replacement(range(FIELDS), 4):
        values[four] = derivative(lambda x: potential(x, quartics, NO_MASSES), np.zeros(FIELDS), axes[list(four)], 1.0)

    def amplitude(one, two):
        identical = (one[0] == one[1]) + (two[0] == two[1])
        return values[tuple(sorted(one + two))] / np.sqrt(2.0) ** identical

    scattering = np.linalg.eigvalsh([[amplitude(one, two) for one in pairs] for two in pairs])
    expected = quartics.unitarity_eigenvalues()
    np.testing.assert_allclose(np.abs(scattering[:, np.newaxis] - expected).min(axis=0), 0.0, atol=1e-9)
    np.testing.assert_allclose(np.abs(scattering[:, np.newaxis] - expected).min(axis=1), 0.0, atol=1e-9)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000))
def test_no_point_in_field_space_lies_below_the_vacuum(seed):
    """Charge- and CP-breaking directions too; the depth is reached at the vacuum itself."""
    rng = np.random.default_rng(seed)
    quartics = Quartics(*rng.uniform(0.5, 3.0, 3), *rng.uniform(-0.3, 0.3, 4))
    m11, m22, m12 = (-abs(rng.normal()), rng.normal(), rng.normal())
    vacuum = deepest_vacuum(quartics, m11, m22, m12)
    angle = np.arctan(vacuum.tan_beta)
    at = np.zeros(FIELDS)
    at[2], at[6] = vacuum.v * np.cos(angle), vacuum.v * np.sin(angle)
    assert np.isclose(potential(at, quartics, (m11, m22, m12)), vacuum.depth, rtol=1e-9)
    unit = directions(5_000)
    quartic, quadratic = potential(unit, quartics, NO_MASSES), potential(unit, Quartics(0, 0, 0, 0, 0), (m11, m22, m12))
    lowest = np.where(quadratic < 0.0, -(quadratic**2) / (4.0 * quartic), 0.0)
    assert lowest.min() >= vacuum.depth * (1.0 + 1e-9)
    assert lowest.min() < 0.9 * vacuum.depth, "the scan comes near the vacuum"
