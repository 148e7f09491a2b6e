"""Attention rollout against products of whole matrices written out, where all tokens of an event are one set."""

import numpy as np
import pytest

from mscat_tf.interpretation.rollout import Rollout, row_labels

EVENTS, HEADS, P, K = 4, 2, 3, 2


def scores(rng, queries, keys, key_mask=None):
    found = rng.random((EVENTS, HEADS, queries, keys))
    if key_mask is not None:
        found = found * key_mask[:, None, None]
    return found / np.maximum(found.sum(axis=-1, keepdims=True), 1e-12)


def passed(matrix):
    """`normalise(A + 1)` of arXiv:2005.00928 for one event, mean over heads."""
    whole = matrix.mean(axis=0) + np.eye(matrix.shape[-1])
    return whole / whole.sum(axis=1, keepdims=True)


def embedded(matrix, rows, columns, size):
    """`normalise(A + 1)` over all tokens of an event where only `rows` ask and only `columns` are read."""
    whole = np.eye(size)
    whole[np.ix_(rows, columns)] += matrix.mean(axis=0)
    return whole / whole.sum(axis=1, keepdims=True)


@pytest.fixture
def event():
    """Two jets of three constituents, the last of jet 2 padding in every second event; two kinematic tokens."""
    rng = np.random.default_rng(0)
    masks = [np.ones((EVENTS, P), bool) for _ in range(2)]
    masks[1][::2, 2] = False
    inputs = {"mask_1": masks[0], "mask_2": masks[1], "kinematics": np.zeros((EVENTS, K, 6))}
    found = {f"constituents_{jet}_block_{b}": scores(rng, P, P, masks[jet - 1]) for jet in (1, 2) for b in (1, 2)}
    found["kinematics_block_1"] = scores(rng, K, K)
    both = np.concatenate(masks, axis=1)
    found |= {f"cross_block_{b}": scores(rng, K, 2 * P, both) for b in (1, 2)}
    return found, inputs, masks


JETS = (slice(0, P), slice(P, 2 * P))
HIGH = np.arange(2 * P, 2 * P + K)
SIZE = 2 * P + K


def encoders(found, event):
    """The product over the self-attention blocks of all scales, as one matrix."""
    whole = np.eye(SIZE)
    for number in (1, 2):
        for jet, part in enumerate(JETS, start=1):
            places = np.arange(SIZE)[part]
            whole = embedded(found[f"constituents_{jet}_block_{number}"][event], places, places, SIZE) @ whole
    return embedded(found["kinematics_block_1"][event], HIGH, HIGH, SIZE) @ whole


def test_cross_attention_network_is_the_product_of_whole_matrices(event):
    found, inputs, _ = event
    rollout = Rollout(found, inputs)
    rows = rollout()
    for e in range(EVENTS):
        whole = encoders(found, e)
        for number in (1, 2):
            whole = embedded(found[f"cross_block_{number}"][e], HIGH, np.arange(2 * P), SIZE) @ whole
        np.testing.assert_allclose(rows["jet_1"][e], whole[HIGH, JETS[0]], rtol=1e-5)
        np.testing.assert_allclose(rows["jet_2"][e], whole[HIGH, JETS[1]], rtol=1e-5)
        np.testing.assert_allclose(rows["kinematics"][e], whole[np.ix_(HIGH, HIGH)], rtol=1e-5)
    np.testing.assert_allclose(sum(part.sum(axis=2) for part in rows.values()), 1.0, rtol=1e-5)
    assert np.all(rows["jet_2"][::2, :, 2] == 0)
    assert all(counted.all() for counted in rollout.rows_that_count().values())


def test_by_hand_one_constituent_block_and_one_cross_block():
    """One jet of two constituents: half of the token stays, half goes through (A + 1) / 2 with A = ((0, 1), (1, 0))."""
    own = np.array([[[[0.0, 1.0], [1.0, 0.0]]]])
    cross = np.array([[[[0.8, 0.2]]]])
    inputs = {"mask_1": np.ones((1, 2), bool), "kinematics": np.zeros((1, 1, 6))}
    rows = Rollout({"constituents_1_block_1": own, "cross_block_1": cross}, inputs)()
    np.testing.assert_allclose(rows["jet_1"][0], [[0.25, 0.25]])
    np.testing.assert_allclose(rows["kinematics"][0], [[0.5]])


def test_blocks_without_a_residual_pass_on_attention_alone():
    own, cross = np.array([[[[0.3, 0.7], [1.0, 0.0]]]]), np.array([[[[0.8, 0.2]]]])
    inputs = {"mask_1": np.ones((1, 2), bool), "kinematics": np.zeros((1, 1, 6))}
    rows = Rollout({"constituents_1_block_1": own, "cross_block_1": cross}, inputs, residual=0.0)()
    np.testing.assert_allclose(rows["jet_1"][0], [[0.8 * 0.3 + 0.2, 0.8 * 0.7]])
    assert rows["kinematics"][0] == 0


def test_added_jets_share_a_token_where_both_have_it(event):
    """Without further blocks the i-th token is half jet 1, half jet 2, or all jet 1 where jet 2 has none."""
    _, inputs, masks = event
    keys = masks[0] | masks[1]
    rows = Rollout({"cross_block_1": scores(np.random.default_rng(3), K, P, keys)}, inputs)()
    np.testing.assert_allclose(rows["jet_1"][1], rows["jet_2"][1])
    assert np.all(rows["jet_2"][0, :, 2] == 0)
    np.testing.assert_allclose(sum(part.sum(axis=2) for part in rows.values()), 1.0, rtol=1e-5)


def test_joint_attention_is_the_product_of_its_blocks(event):
    _, inputs, masks = event
    rng = np.random.default_rng(1)
    mask = np.concatenate([*masks, np.ones((EVENTS, K), bool)], axis=1)
    found = {f"joint_block_{b}": scores(rng, SIZE, SIZE, mask) for b in (1, 2, 3)}
    rows = Rollout(found, inputs)()
    for e in range(EVENTS):
        whole = np.eye(SIZE)
        for number in (1, 2, 3):
            whole = passed(found[f"joint_block_{number}"][e]) @ whole
        means = [whole[part][mask_[e]].mean(axis=0) for part, mask_ in zip(JETS, masks, strict=True)]
        wanted = np.concatenate([whole[HIGH], means])
        np.testing.assert_allclose(rows["jet_2"][e], wanted[:, JETS[1]], rtol=1e-5)
        np.testing.assert_allclose(rows["kinematics"][e], wanted[:, HIGH], rtol=1e-5)
    assert row_labels(list(found), ["a", "b"], 2) == ["a", "b", *(f"mean constituent of jet {j}" for j in (1, 2))]


def test_swapped_network_ends_at_constituents_and_kinematics(event):
    found, inputs, masks = event
    rng = np.random.default_rng(2)
    found = {name: values for name, values in found.items() if not name.startswith("cross")}
    found |= {f"constituents_{jet}_cross_1": scores(rng, P, K) for jet in (1, 2)}
    rows = Rollout(found, inputs)()
    for e in range(EVENTS):
        whole = encoders(found, e)
        for jet, part in enumerate(JETS):
            asking = embedded(found[f"constituents_{jet + 1}_cross_1"][e], np.arange(SIZE)[part], HIGH, SIZE)
            wanted = (asking @ whole)[part][masks[jet][e]].mean(axis=0)
            np.testing.assert_allclose(rows[f"jet_{jet + 1}"][e, jet], wanted[part], rtol=1e-5)
            np.testing.assert_allclose(rows["kinematics"][e, jet], wanted[HIGH], rtol=1e-5)
    assert np.all(rows["jet_1"][:, 1] == 0)


def test_an_empty_jet_counts_in_no_mean_of_a_network_that_pools_jets(event):
    found, inputs, _ = event
    found = {name: values for name, values in found.items() if name.startswith("constituents")}
    empty = inputs["mask_2"].copy()
    empty[3] = False
    found["constituents_2_block_1"][3] = found["constituents_2_block_2"][3] = 0
    rollout = Rollout(found, {**inputs, "mask_2": empty})
    rows, counted = rollout(), rollout.rows_that_count()
    assert counted["jet_1"].all()
    assert counted["jet_2"][:, 0].tolist() == [True, True, True, False]
    np.testing.assert_allclose(rows["jet_1"].sum(axis=2), 1.0, rtol=1e-5)


def test_class_token_reads_through_its_blocks():
    """Two blocks: what the second leaves of the first, and what each takes from the constituents."""
    rng = np.random.default_rng(4)
    inputs = {"mask_1": np.ones((EVENTS, P), bool)}
    own, read = scores(rng, P, P), scores(rng, 2, 1 + P)
    rows = Rollout({"constituents_1_block_1": own, "constituents_1_class": read}, inputs)()
    for e in range(EVENTS):
        whole = np.eye(1 + P)
        whole[1:, 1:] = passed(own[e])
        for number in range(2):
            whole = embedded(read[e][:, number : number + 1], [0], np.arange(1 + P), 1 + P) @ whole
        np.testing.assert_allclose(rows["jet_1"][e, 0], whole[0, 1:], rtol=1e-5)


def test_an_event_without_constituents_keeps_everything_in_its_own_tokens(event):
    found, inputs, masks = event
    found = {name: np.where(np.arange(EVENTS)[:, None, None, None] == 0, 0, v) for name, v in found.items()}
    found["kinematics_block_1"] = event[0]["kinematics_block_1"]
    rows = Rollout(
        found, {**inputs, **{f"mask_{j + 1}": m & (np.arange(EVENTS) > 0)[:, None] for j, m in enumerate(masks)}}
    )()
    np.testing.assert_allclose(rows["kinematics"][0].sum(axis=1), 1.0, rtol=1e-6)
    assert np.all(rows["jet_1"][0] == 0)
