"""Which tokens of a block are real, by its name: against masks that all differ from each other."""

import numpy as np
import pytest

from mscat_tf.interpretation.token_masks import stream_masks, token_masks

EVENTS, QUERIES = 4, 3
WIDTHS = {"mask_1": 5, "mask_2": 5, "lund_mask_1": 6, "lund_mask_2": 6, "subjets_mask_1": 2, "subjets_mask_2": 2}


def mixed_inputs(*names):
    """Kinematics first, as the network has them, then random masks (as 0 and 1), no two alike."""
    rng = np.random.default_rng(3)
    masks = {name: rng.integers(0, 2, (EVENTS, width)) for name, width in WIDTHS.items() if name in (names or WIDTHS)}
    return {"kinematics": np.zeros((EVENTS, QUERIES, 6)), **masks}


ALL = np.ones((EVENTS, QUERIES), bool)


@pytest.mark.parametrize(
    ("block", "keys", "queries_of", "keys_of"),
    [
        ("constituents_2_block_3", 5, "mask_2", "mask_2"),
        ("lund_1_block_1", 6, "lund_mask_1", "lund_mask_1"),
        ("subjets_2_block_1", 2, "subjets_mask_2", "subjets_mask_2"),
        ("subjets_2_cross_1", 5, "subjets_mask_2", "mask_2"),
        ("constituents_1_cross_1", QUERIES, "mask_1", None),
        ("lund_2_cross_10", QUERIES, "lund_mask_2", None),
        ("constituents_2_pooled", 5, None, "mask_2"),
        ("kinematics_block_1", QUERIES, None, None),
        ("kinematics_pooled", QUERIES, None, None),
        ("own_block_1", QUERIES, None, None),
    ],
)
def test_masks_of_blocks_of_one_jet(block, keys, queries_of, keys_of):
    inputs = mixed_inputs()
    found = token_masks(block, inputs, QUERIES, keys)
    for mask, name in zip(found, (queries_of, keys_of), strict=True):
        assert mask.dtype == bool
        np.testing.assert_array_equal(mask, ALL if name is None else inputs[name] == 1)


def test_a_class_token_reads_itself_too():
    inputs = mixed_inputs()
    queries, keys = token_masks("lund_2_class", inputs, 1, 7)
    np.testing.assert_array_equal(queries, np.ones((EVENTS, 1), bool))
    np.testing.assert_array_equal(keys, np.append(np.ones((EVENTS, 1)), inputs["lund_mask_2"], axis=1) == 1)


def test_subjets_read_the_constituents_that_are_left():
    """Where the network keeps the hardest 3 of 5."""
    inputs = mixed_inputs()
    _, keys = token_masks("subjets_1_cross_1", inputs, 2, 3)
    np.testing.assert_array_equal(keys, inputs["mask_1"][:, :3] == 1)


def test_joint_attention_has_constituents_first_and_kinematics_last():
    inputs = mixed_inputs()
    queries, keys = token_masks("joint_block_1", inputs, 13, 13)
    expected = np.concatenate([inputs["mask_1"], inputs["mask_2"], np.ones((EVENTS, 3))], axis=1) == 1
    np.testing.assert_array_equal(queries, expected)
    np.testing.assert_array_equal(keys, expected)


@pytest.mark.parametrize(
    ("present", "keys", "parts"),
    [
        (("mask_1", "mask_2"), 10, [["mask_1"], ["mask_2"]]),
        (("mask_1", "mask_2"), 5, [["mask_1", "mask_2"]]),
        (
            ("mask_1", "mask_2", "lund_mask_1", "lund_mask_2"),
            22,
            [["mask_1"], ["mask_2"], ["lund_mask_1"], ["lund_mask_2"]],
        ),
        (
            ("mask_1", "mask_2", "lund_mask_1", "lund_mask_2"),
            11,
            [["mask_1", "mask_2"], ["lund_mask_1", "lund_mask_2"]],
        ),
        ((), 4, [["subjets_mask_1"], ["subjets_mask_2"]]),
        ((), 26, [[name] for name in WIDTHS]),
    ],
)
def test_keys_of_the_kinematics_are_all_streams_or_what_is_left_of_them(present, keys, parts):
    """Sets of tokens one after the other; those of one entry are added, so that any of them makes a key real."""
    inputs = mixed_inputs(*present)
    queries, found = token_masks("cross_block_1", inputs, QUERIES, keys)
    expected = [np.any([inputs[name] for name in names], axis=0) for names in parts]
    np.testing.assert_array_equal(found, np.concatenate(expected, axis=1))
    np.testing.assert_array_equal(queries, ALL)


def test_jets_are_in_the_order_of_their_numbers_and_streams_are_not_mixed():
    inputs = {f"mask_{jet}": np.full((2, 1), jet % 2) for jet in (10, 9, 2, 1)} | {"lund_mask_3": np.ones((2, 1))}
    found = stream_masks(inputs, "constituents")
    assert [mask[0, 0] for mask in found] == [True, False, True, False]
    assert [mask.dtype for mask in found] == [bool] * 4
    assert len(stream_masks(inputs, "lund")) == 1
    assert stream_masks(inputs, "subjets") == []
