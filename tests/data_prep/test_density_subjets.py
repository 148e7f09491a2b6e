"""Clusters of a few constituents, worked out by hand, and what soft particles between them must not do."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.cluster import HDBSCAN

from data_prep.density_subjets import Tree, core_distances, density_labels, linking_radii, selected
from mscat_tf.config.subjets import SubjetSettings
from mscat_tf.physics.directions import Direction

DEFAULT = SubjetSettings()
LINE = st.lists(st.floats(-1.0, 1.0), min_size=2, max_size=12)


def on_a_line(places, shares):
    """Constituents at phi = pi with these rapidities."""
    places = np.asarray(places, float)
    return Direction(500.0 * np.asarray(shares, float), places, np.full(len(places), np.pi))


def labels(places, shares, settings=DEFAULT):
    return density_labels(on_a_line(places, shares), np.array([len(places)]), settings).tolist()


def together(found):
    """Which have the same label, whatever it is; none of those without one."""
    found = np.asarray(found)
    return ((found[:, np.newaxis] == found) & (found >= 0)).tolist()


def distances(places):
    return np.abs(np.subtract.outer(places, places))


def test_core_distance_by_hand():
    """Shares 0.6 at 0, 0.3 at 1, 0.1 at 3, and m = 0.5: 0; from 1, 0.3 at 0 and 0.2 at 1; from 3, 0.1, 0.3, 0.1."""
    found = core_distances(np.array([[0.6, 0.3, 0.1]]), distances([0.0, 1.0, 3.0])[np.newaxis], 0.5)[0]
    np.testing.assert_allclose(found, [0.0, np.sqrt(0.2 / 0.5), np.sqrt((0.3 * 2.0**2 + 0.1 * 3.0**2) / 0.5)])


@given(LINE, st.data())
def test_core_distance_is_the_least_mean_square_distance_to_any_part_of_that_share(places, data):
    """By definition an optimal transport of the part: no other choice of what makes up the share is nearer."""
    weights = np.array(data.draw(st.lists(st.floats(0.01, 1.0), min_size=len(places), max_size=len(places))))
    shares = weights / weights.sum()
    found = core_distances(shares[np.newaxis], distances(places)[np.newaxis], 0.3)[0]
    order = np.argsort(np.array(data.draw(st.permutations(range(len(places))))))
    taken = np.minimum(np.cumsum(shares[order]), 0.3)
    part = np.empty(len(places))
    part[order] = np.diff(taken, prepend=0.0)
    other = np.sqrt((part * distances(places) ** 2).sum(axis=1) / 0.3)
    assert np.all(found <= other + 1e-9)


@given(LINE, st.floats(-1.0, 1.0), st.floats(1e-9, 1e-3))
def test_a_soft_particle_moves_no_core_distance_by_more_than_its_share(places, where, soft):
    """Squares differ by at most share / m times the square of the diameter."""
    shares = np.full(len(places), 1.0 / len(places))
    more = np.append(shares, soft) / (1.0 + soft)
    before = core_distances(shares[np.newaxis], distances(places)[np.newaxis], 0.1)[0]
    after = core_distances(more[np.newaxis], distances([*places, where])[np.newaxis], 0.1)[0, :-1]
    assert np.all(np.abs(after**2 - before**2) <= soft / 0.1 * 2.0**2 + 1e-12)


def test_linking_radius_is_half_the_distance_unless_the_density_is_low():
    found = linking_radii(distances([0.0, 1.0, 1.2]), np.array([0.1, 0.2, 0.7]))
    np.testing.assert_allclose(found, [[0.1, 0.5, 0.7], [0.5, 0.2, 0.7], [0.7, 0.7, 0.7]])


@pytest.mark.parametrize(("apart", "expected"), [(0.141, [0, 0]), (0.142, [0, 1])])
def test_two_constituents_are_two_subjets_where_their_density_is_twice_that_between_them(apart, expected):
    """Joined at d / 2; whole: (2 / d)^2; two parts: 1 / 0.05^2 - (2 / d)^2; equal at d = 0.1 sqrt(2)."""
    found = labels([0.0, apart], [0.6, 0.4])
    assert together(found) == together(expected)


def test_stabilities_by_hand():
    """0.3 and 0.2 joined at 0.03, with 0.5 at 0.27.

    The whole stays up to 1 / 0.27^2 and is best where the resolution is not twice as dense. The pair falls apart at a
    radius below the coarser resolution, but well above the finest.
    """
    joints = np.array([[0.0, 1.0, 0.03, 2.0], [2.0, 3.0, 0.27, 3.0]])
    shares = np.array([0.3, 0.2, 0.5])
    assert {cluster.node for cluster in selected(Tree(joints, shares), 0.05, 0.05)} == {3, 2}
    assert {cluster.radius for cluster in selected(Tree(joints, shares), 0.05, 0.05)} == {0.27}
    assert {cluster.node for cluster in selected(Tree(joints, shares), 0.05, 0.01)} == {0, 1, 2}
    assert [cluster.node for cluster in selected(Tree(joints, shares), 0.05, 0.2)] == [4]


def test_what_falls_off_splits_nothing_and_what_joins_three_at_once_is_of_none():
    """0.04 is no cluster, but belongs to one. 0.02 reaches both others at one radius: it is of neither."""
    small = np.array([[0.0, 1.0, 0.1, 2.0], [2.0, 3.0, 0.2, 3.0]])
    assert {cluster.node for cluster in selected(Tree(small, np.array([0.5, 0.04, 0.46])), 0.05, 0.001)} == {3, 2}
    shares = np.array([0.49, 0.49, 0.02])
    for first, second in ((0.0, 1.0), (1.0, 0.0)):
        bridge = np.array([[first, 2.0, 0.2, 2.0], [second, 3.0, 0.2, 3.0]])
        assert {cluster.node for cluster in selected(Tree(bridge, shares), 0.05, 0.01)} == {0, 1}


def test_soft_particles_are_gathered_as_far_as_a_cluster_reaches():
    """Two of one half each, 0.6 apart, are cut at 0.3; what is soft belongs where half as much density is as near."""
    places, shares = [0.0, 0.6, 0.1, 0.28, -0.28, -0.35, 1.0], [0.5, 0.5, *(1e-4,) * 5]
    found = labels(places, shares)
    assert found[0] != found[1]
    assert found[2] == found[3] == found[4] == found[0]
    assert found[5] == found[6] == -1


def test_a_chain_of_soft_particles_is_no_bridge():
    """Between two hard groups; plain HDBSCAN, which counts points, takes it for the cluster or for a part of one."""
    rng = np.random.default_rng(1)
    groups = np.concatenate([rng.normal(-0.3, 0.03, 6), rng.normal(0.3, 0.03, 6)])
    chain = np.linspace(-0.3, 0.3, 40)
    hard = labels(groups, np.full(12, 1 / 12))
    both = labels([*groups, *chain], [*np.full(12, 1 / 12), *np.full(40, 1e-6)])
    assert together(hard) == together([0] * 6 + [1] * 6)
    assert together(both[:12]) == together(hard)
    plain = HDBSCAN(min_cluster_size=4, copy=True)
    points = np.stack([[*groups, *chain], np.zeros(52)], axis=-1)
    assert together(plain.fit(points[:12]).labels_) == together(hard)
    assert together(plain.fit(points).labels_[:12]) != together(hard)


def test_blocks_change_nothing(monkeypatch):
    rng, counts = np.random.default_rng(2), np.array([3, 1, 30, 12, 2, 30])
    total = counts.sum()
    grains = Direction(rng.exponential(1.0, total), rng.normal(0, 0.3, total), rng.normal(0, 0.3, total))
    whole = density_labels(grains, counts, DEFAULT)
    monkeypatch.setattr("data_prep.density_subjets.ENTRIES_AT_ONCE", 1)
    np.testing.assert_array_equal(density_labels(grains, counts, DEFAULT), whole)
    ends = np.cumsum(counts)
    for stop, size in zip(ends, counts, strict=True):
        own = Direction(*(values[stop - size : stop] for values in grains))
        np.testing.assert_array_equal(density_labels(own, np.array([size]), DEFAULT), whole[stop - size : stop])
