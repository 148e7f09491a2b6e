"""Discs about constituents: closed forms, limits, invariances, and shapely's polygons of many sides."""

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from mscat_tf.physics import minkowski_discs
from mscat_tf.physics.four_vectors import wrap_phi
from mscat_tf.physics.minkowski_discs import disc_functionals
from tests.physics.points_of_jets import jets, one_jet, rotated

CORNERS = [(-1.0, -1.0), (-1.0, 1.0), (1.0, -1.0)]
"""The three points of which FACTS.md, section 3, gives the limits."""


def discs(points, radius, pt=None, threshold=0.0):
    """(area, length, Euler number) of one jet."""
    found = disc_functionals(*one_jet(points, pt), [radius], [threshold])
    return tuple(float(values[0, 0, 0]) for values in found)


def lens(apart, radius):
    """Area and boundary of what two discs share."""
    half = np.arccos(apart / (2.0 * radius))
    return 2.0 * radius**2 * half - apart / 2.0 * np.sqrt(4.0 * radius**2 - apart**2), 4.0 * radius * half


def triangle(side):
    return [(0.0, 0.0), (side, 0.0), (side / 2.0, side * np.sqrt(0.75))]


def test_one_disc():
    assert discs([(0.7, -0.2)], 0.3) == pytest.approx((np.pi * 0.09, 0.6 * np.pi, 1.0))


def test_two_discs():
    points, radius = [(0.1, 0.2), (0.4, 0.6)], 0.35  # half a unit apart
    area, length = lens(0.5, radius)
    expected = (2.0 * np.pi * radius**2 - area, 4.0 * np.pi * radius - length, 1.0)
    assert discs(points, radius) == pytest.approx(expected)
    assert discs(points, 0.24) == pytest.approx((2.0 * np.pi * 0.24**2, 0.96 * np.pi, 2.0))


@pytest.mark.parametrize(("radius", "euler"), [(0.45, 3.0), (0.51, 0.0), (0.57, 0.0), (0.58, 1.0), (0.9, 1.0)])
def test_three_discs_with_and_without_a_hole(radius, euler):
    """At the corners of a triangle of side 1, whose circumradius is 1 / sqrt(3) = 0.577."""
    area, length = 3.0 * np.pi * radius**2, 6.0 * np.pi * radius
    if radius > 0.5:
        shared = lens(1.0, radius)
        area, length = area - 3.0 * shared[0], length - 3.0 * shared[1]
    if euler == 1.0:  # what all three share: a triangle whose sides are arcs
        chord = np.sqrt(3.0) * (np.sqrt(radius**2 - 0.25) - 0.5 / np.sqrt(3.0))
        half = np.arcsin(chord / (2.0 * radius))
        segment = radius**2 * half - chord / 4.0 * np.sqrt(4.0 * radius**2 - chord**2)
        area, length = area + np.sqrt(3.0) / 4.0 * chord**2 + 3.0 * segment, length + 6.0 * radius * half
    assert discs(triangle(1.0), radius) == pytest.approx((area, length, euler))


def test_limits_of_small_and_large_radius():
    """Steiner: three discs, and their convex hull of area 2 and circumference 4 + 2 sqrt 2 with a rim."""
    assert discs(CORNERS, 1e-3) == pytest.approx((3e-6 * np.pi, 6e-3 * np.pi, 3.0))
    around = 4.0 + 2.0 * np.sqrt(2.0)
    area, length, euler = discs(CORNERS, 1e3)
    assert area == pytest.approx(np.pi * 1e6 + around * 1e3 + 2.0, abs=0.02)
    assert length == pytest.approx(2e3 * np.pi + around, abs=1e-4)
    assert euler == 1.0


def test_radius_zero_counts_distinct_points():
    points = [(0.1, 0.1), (0.1, 0.1), (0.3, 0.1), (0.5, -0.2)]
    assert discs(points, 0.0) == (0.0, 0.0, 3.0)


@pytest.mark.parametrize(
    ("radius", "euler"), [(0.049, 9.0), (0.05, -3.0), (0.07, -3.0), (np.sqrt(0.005), 1.0), (0.1, 1.0)]
)
def test_towers_on_a_grid(radius, euler):
    """Discs that just touch are joined, and a hole that shrinks to a point is closed, whatever the rounding."""
    grid = 0.1 * np.stack(np.meshgrid(np.arange(3), np.arange(3)), axis=-1).reshape(-1, 2)
    assert discs(np.add(grid, (0.37, 3.0)), radius)[2] == euler
    if radius == 0.05:
        assert discs(grid, radius)[:2] == pytest.approx((9.0 * np.pi * 0.0025, 0.9 * np.pi), rel=1e-4)


def test_coincident_and_collinear_constituents():
    assert discs([(0.2, 0.1)] * 4, 0.3) == pytest.approx((np.pi * 0.09, 0.6 * np.pi, 1.0))
    row = [(0.1 * place, 0.0) for place in range(7)]
    area, length = lens(0.1, 0.2)
    expected = (7.0 * np.pi * 0.04 - 6.0 * area, 2.8 * np.pi - 6.0 * length, 1.0)
    assert discs(row, 0.2) == pytest.approx(expected), "of a row only neighbours matter"


@given(jets(), st.sampled_from([0.05, 0.2, 0.4]), st.floats(-3.1, 3.1), st.randoms())
def test_motions_order_and_the_zero_of_azimuth_do_not_matter(jet, radius, angle, random):
    pt, points = jet
    expected = disc_functionals(*one_jet(points, pt), [radius], [0.0, 10.0])
    eta, phi = rotated(*points.T, angle)
    order = random.sample(range(len(pt)), len(pt))
    moved = one_jet(np.stack([eta + 1.3, wrap_phi(phi + 3.0)], axis=-1)[order], pt[order], width=len(pt) + 2)
    for before, after in zip(expected, disc_functionals(*moved, [radius], [0.0, 10.0]), strict=True):
        np.testing.assert_allclose(after, before, rtol=1e-6, atol=1e-9)


@given(jets(most=6), jets(most=6), st.sampled_from([0.1, 0.3]))
def test_far_sets_add_up(first, second, radius):
    points, others = first[1].clip(-0.6, 0.6), np.add(second[1].clip(-0.6, 0.6), (2.0, 0.0))
    together = discs(np.vstack([points, others]), radius)
    assert together == pytest.approx(np.add(discs(points, radius), discs(others, radius)))


def test_thresholds_choose_the_constituents():
    points, pt = [(0.0, 0.0), (0.5, 0.0), (0.0, 0.9)], [4.0, 9.0, 1.0]
    found = disc_functionals(*one_jet(points, pt), [0.2, 0.3], [0.0, 1.0, 5.0, 20.0])
    assert found.euler[0].tolist() == [[3.0, 2.0], [2.0, 1.0], [1.0, 1.0], [0.0, 0.0]]
    assert found.area[0, 3].tolist() == found.length[0, 3].tolist() == [0.0, 0.0]


def test_many_jets_are_as_shapely_has_them(monkeypatch):
    """Polygons of 2048 sides; jets of different sizes in one call, one of them empty; radii in any order."""
    monkeypatch.setattr(minkowski_discs, "PAIRS_AT_ONCE", 3000)
    rng = np.random.default_rng(5)
    counts = np.array([40, 3, 0, 25, 60, 1, 12])
    mask = np.arange(60) < counts[:, np.newaxis]
    pt = np.where(mask, rng.exponential(10.0, mask.shape), 0.0)
    eta, phi = (np.where(mask, rng.normal(0.0, 0.4, mask.shape), np.nan) for _ in range(2))
    found = disc_functionals(pt, eta, phi, [0.3, 0.1], [0.0, 8.0])
    for jet, row, column in np.ndindex(len(counts), 2, 2):
        chosen = pt[jet] > (0.0, 8.0)[row]
        circles = shapely.buffer(shapely.points(eta[jet, chosen], phi[jet, chosen]), (0.3, 0.1)[column], quad_segs=512)
        union = shapely.union_all(circles)
        parts = shapely.get_parts(union)
        ours = [values[jet, row, column] for values in found]
        assert ours[:2] == pytest.approx([union.area, union.length], rel=1e-4)
        assert ours[2] == len(parts) - shapely.get_num_interior_rings(parts).sum()
