"""Attention in the plane of the jet and by rank, against loops and closed forms."""

import numpy as np
import pytest

from mscat_tf.interpretation.attention_plane import add_ranks, add_to_plane, plane_density, plane_edges, rank_arrays
from mscat_tf.interpretation.group_sums import Members
from mscat_tf.interpretation.onto_constituents import onto_constituents, reader_labels, reads_constituents

EVENTS, HEADS, P, K = 5, 2, 4, 3
BINS = 8


@pytest.fixture
def event():
    rng = np.random.default_rng(0)
    masks = [np.arange(P) < rng.integers(1, P + 1, (EVENTS, 1)) for _ in range(2)]
    inputs = {"constituents_1": None, "mask_1": masks[0], "mask_2": masks[1], "kinematics": np.zeros((EVENTS, K, 6))}
    places = {"mask": masks[0], "pt": np.where(masks[0], rng.exponential(30, (EVENTS, P)), 0)}
    places |= {name: rng.uniform(-0.9, 0.9, (EVENTS, P)) for name in ("eta", "phi")}
    return rng, masks, inputs, places


def test_each_kind_of_block_hands_on_what_goes_to_each_jet(event):
    rng, masks, inputs, _ = event
    cross = rng.random((EVENTS, HEADS, K, 2 * P))
    found = onto_constituents("cross_block_1", cross, inputs)
    np.testing.assert_allclose(found[2], cross.mean(axis=1)[..., P:])
    joint = rng.random((EVENTS, HEADS, 2 * P + K, 2 * P + K))
    found = onto_constituents("joint_block_1", joint, inputs)
    np.testing.assert_allclose(found[2], joint.mean(axis=1)[:, 2 * P :, P : 2 * P])
    added = rng.random((EVENTS, HEADS, K, P)) * (masks[0] | masks[1])[:, None, None]
    found = onto_constituents("cross_block_1", added, inputs)
    np.testing.assert_allclose(found[1] + found[2], added.mean(axis=1), rtol=1e-6)
    only_first = masks[0] & ~masks[1]
    assert np.all(found[2].transpose(0, 2, 1)[only_first] == 0)
    pooled = rng.random((EVENTS, HEADS, 1, P))
    np.testing.assert_allclose(onto_constituents("constituents_2_pooled", pooled, inputs)[2], pooled.mean(axis=1))
    own = rng.random((EVENTS, HEADS, 2, 1 + P))
    np.testing.assert_allclose(onto_constituents("constituents_1_class", own, inputs)[1], own.mean(axis=1)[..., 1:])


def test_swapped_attention_is_spread_over_real_constituents(event):
    """Every real constituent gives 1 in all to the tokens, so that all tokens together have the whole jet."""
    rng, masks, inputs, _ = event
    scores = rng.random((EVENTS, HEADS, P, K))
    scores /= scores.sum(axis=-1, keepdims=True)
    found = onto_constituents("constituents_2_cross_1", scores, inputs)[2]
    assert found.shape == (EVENTS, K, P)
    np.testing.assert_allclose(found.sum(axis=(1, 2)), 1.0)
    assert np.all(found.transpose(0, 2, 1)[~masks[1]] == 0)


def test_which_blocks_read_constituents_from_outside():
    assert reads_constituents("cross_block_1", ["constituents_1", "kinematics"])
    assert not reads_constituents("cross_block_1", ["lund_1", "kinematics"])
    assert not reads_constituents("constituents_1_block_2", ["constituents_1"])
    assert reader_labels("cross_block_1", ["jet 1", "sum"], 2) == ["jet 1", "sum"]
    assert reader_labels("constituents_1_pooled", ["jet 1"], 1) == ["learned query"]
    assert reader_labels("constituents_1_class", ["jet 1"], 2) == ["class token, block 1", "class token, block 2"]


def test_plane_is_a_histogram_per_event_and_area(event):
    rng, masks, _, places = event
    attention, weight = rng.random((EVENTS, K, P)) * masks[0][:, None], rng.uniform(0.5, 2, EVENTS)
    group, sums = np.array([0, 0, 1, 0, 1]), {}
    for rows in (slice(0, 2), slice(2, EVENTS)):
        members = Members(group[rows], 3, weight[rows])
        add_to_plane(sums, "x", attention[rows], {n: v[rows] for n, v in places.items()}, BINS, members)
    density, edges = plane_density(sums, "x"), plane_edges(BINS)
    area = (edges[1] - edges[0]) ** 2
    for index in range(2):
        chosen = group == index
        for token in range(K):
            values = (attention[chosen, token] * weight[chosen, None]).ravel()
            wanted, _, _ = np.histogram2d(
                places["eta"][chosen].ravel(), places["phi"][chosen].ravel(), (edges, edges), weights=values
            )
            np.testing.assert_allclose(density[index, token], wanted / weight[chosen].sum() / area, atol=1e-12)
    inside = np.average(attention.sum(axis=2)[group == 0], axis=0, weights=weight[group == 0])
    np.testing.assert_allclose(density[0].sum(axis=(1, 2)) * area, inside)
    assert np.all(density[2] == 0)


def test_constituents_outside_the_plane_are_left_out_and_empty_jets_do_not_count(event):
    attention = np.full((2, 1, 2), 0.5)
    places = {"eta": np.array([[0.1, 1.2], [0, 0]]), "phi": np.array([[0.1, 0.0], [0, 0]])}
    places["mask"] = np.array([[True, True], [False, False]])
    sums = {}
    add_to_plane(sums, "x", attention, places, 2, Members(np.zeros(2, int), 1, np.ones(2)))
    np.testing.assert_allclose(plane_density(sums, "x")[0, 0], [[0, 0], [0, 0.5]])


def test_rank_follows_momentum_whatever_the_order(event):
    rng, masks, _, places = event
    attention, weight = rng.random((EVENTS, K, P)) * masks[0][:, None], np.ones(EVENTS)
    sums, shuffled = {}, {}
    members = Members(np.zeros(EVENTS, int), 1, weight)
    add_ranks(sums, "x", attention, places, members)
    order = rng.permutation(P)
    others = {name: values[:, order] for name, values in places.items()}
    add_ranks(shuffled, "x", attention[..., order], others, members)
    found = rank_arrays(sums, "x")
    for name, values in rank_arrays(shuffled, "x").items():
        np.testing.assert_allclose(values, found[name])
    for rank in range(P):
        rows = [e for e in range(EVENTS) if masks[0][e].sum() > rank]
        hardest = [np.argsort(np.where(masks[0][e], -places["pt"][e], np.inf))[rank] for e in rows]
        if rows:
            wanted = np.mean([attention[e, :, place] for e, place in zip(rows, hardest, strict=True)], axis=0)
            np.testing.assert_allclose(found["rank/x"][0, :, rank], wanted)
            even = np.mean([attention[e].sum(axis=1) / masks[0][e].sum() for e in rows], axis=0)
            np.testing.assert_allclose(found["rank_even/x"][0, :, rank], even)
