"""Entropy, sparsity and effective keys of heads against scipy and loops; errors against the textbook."""

import numpy as np
import pytest
from scipy import stats

from mscat_tf.interpretation.attention_heads import add_concentration, concentration, head_arrays, head_table
from mscat_tf.interpretation.group_sums import Members, add_moments, mean_and_error, with_all
from mscat_tf.interpretation.part import Batch


def random_scores(seed=0, events=30, heads=2, queries=3, keys=5):
    rng = np.random.default_rng(seed)
    query_mask = rng.random((events, queries)) < 0.7
    key_mask = rng.random((events, keys)) < 0.6
    scores = rng.random((events, heads, queries, keys)) ** 3 * key_mask[:, None, None]
    scores /= np.maximum(scores.sum(axis=-1, keepdims=True), 1e-12)
    return scores, query_mask, key_mask


def test_measures_equal_those_of_a_loop_over_queries():
    scores, query_mask, key_mask = random_scores()
    found, counted = concentration(scores, query_mask, key_mask)
    for event in range(30):
        n = key_mask[event].sum()
        rows = [q for q in range(3) if query_mask[event, q] and n > 1]
        assert counted[event] == bool(rows)
        for head in range(2) if rows else ():
            shares = [scores[event, head, q, key_mask[event]] for q in rows]
            entropy = np.mean([stats.entropy(p, base=n) for p in shares])
            assert found["entropy"][event, head] == pytest.approx(entropy, rel=1e-9)
            l2 = np.array([np.linalg.norm(p) for p in shares])
            hoyer = np.mean((np.sqrt(n) - 1 / l2) / (np.sqrt(n) - 1))
            assert found["sparsity"][event, head] == pytest.approx(hoyer, rel=1e-9)
            assert found["effective_keys"][event, head] == pytest.approx(np.mean(1 / l2**2), rel=1e-9)


def test_limits_one_key_and_all_keys_alike():
    scores = np.zeros((2, 1, 1, 6))
    scores[0, 0, 0, 2] = 1.0
    scores[1, 0, 0, :4] = 0.25
    keys = np.array([[True] * 6, [True] * 4 + [False] * 2])
    found, counted = concentration(scores, np.ones((2, 1), bool), keys)
    assert counted.all()
    np.testing.assert_allclose(found["entropy"][:, 0], [0.0, 1.0], atol=1e-12)
    np.testing.assert_allclose(found["sparsity"][:, 0], [1.0, 0.0], atol=1e-12)
    np.testing.assert_allclose(found["effective_keys"][:, 0], [1.0, 4.0], rtol=1e-12)


def test_padding_never_counts_even_where_a_network_looks_at_it():
    """The faults of the released code let real queries read padding: it is left out, and the rest is divided anew."""
    scores, query_mask, key_mask = random_scores()
    leaking = scores + 0.3 * ~key_mask[:, None, None]
    for name, values in concentration(leaking, query_mask, key_mask)[0].items():
        np.testing.assert_allclose(values, concentration(scores, query_mask, key_mask)[0][name], rtol=1e-9)


def test_negative_scores_of_differential_attention_count_as_zero():
    scores = np.array([[[[0.6, -0.2, 0.2, -0.1]]]])
    found, _ = concentration(scores, np.ones((1, 1), bool), np.ones((1, 4), bool))
    assert found["entropy"][0, 0] == pytest.approx(stats.entropy([0.75, 0.25], base=4))


def test_mean_and_error_over_events_with_equal_weights_are_the_ordinary_ones():
    rng = np.random.default_rng(1)
    values, group = rng.normal(3, 2, (60, 2)), rng.integers(0, 2, 60)
    sums = {}
    for rows in (slice(0, 7), slice(7, 60)):
        members = Members(group[rows], 2, np.ones(len(group[rows])))
        add_moments(sums, "x", values[rows], np.ones_like(values[rows]), members)
    mean, error = mean_and_error(sums, "x")
    for index in range(2):
        chosen = values[group == index]
        np.testing.assert_allclose(mean[index], chosen.mean(axis=0))
        np.testing.assert_allclose(error[index], stats.sem(chosen))


def test_errors_of_weighted_means_cover_the_truth():
    """1000 samples of 50 weighted numbers: the pull has width one."""
    rng = np.random.default_rng(2)
    values, weight = rng.normal(5, 1, (50, 1000)), rng.uniform(0.2, 2, (50, 1000))
    sums = {}
    add_moments(sums, "x", values, weight, Members(np.zeros(50, int), 1, np.ones(50)))
    mean, error = mean_and_error(sums, "x")
    assert np.std((mean - 5) / error) == pytest.approx(1.0, abs=0.08)


def test_one_event_has_no_error_and_none_has_no_mean():
    sums = {}
    add_moments(sums, "x", np.array([[2.0]]), np.ones((1, 1)), Members(np.array([0]), 2, np.ones(1)))
    mean, error = mean_and_error(sums, "x")
    assert mean[0, 0] == 2.0
    assert np.isnan([error[0, 0], mean[1, 0], error[1, 0]]).all()


def test_groups_are_all_then_right_then_wrong():
    process, right = np.array([0, 1, 0, 1, 1]), np.array([True, False, False, True, True])
    batch = Batch({}, process, process, np.ones(5), np.arange(5), np.zeros(5), right)
    counts = with_all({"n": Members.of(batch, 2).sum(np.ones((5, 1)))})["n"][:, 0]
    assert counts.tolist() == [2, 3, 1, 2, 1, 1]


def test_table_of_heads_has_a_value_and_an_error_for_each_process():
    scores, query_mask, key_mask = random_scores()
    sums, group = {}, np.arange(30) % 4
    add_concentration(sums, "cross_block_1", scores, query_mask, key_mask, Members(group, 4, np.ones(30)))
    arrays = head_arrays(with_all(sums), "cross_block_1")
    table = head_table(arrays, ["cross_block_1"], ["signal", "4b"])["cross_block_1"]
    found, counted = concentration(scores, query_mask, key_mask)
    chosen = counted & (group % 2 == 1)
    entry = table["entropy"]["4b"][1]
    assert entry["value"] == pytest.approx(found["entropy"][chosen, 1].mean())
    assert entry["error"] == pytest.approx(stats.sem(found["entropy"][chosen, 1]))
