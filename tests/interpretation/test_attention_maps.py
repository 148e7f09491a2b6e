"""Attention maps against direct computation and against a loop over events."""

import keras
import numpy as np
import pytest

from mscat_tf.interpretation.attention import MeanAttention, attention_blocks, explanation_model, one_block, token_masks
from mscat_tf.models.registry import build
from tests.models.mock_inputs import SIZES, inputs_of, mock_inputs, tiny

EXPLAINED = ("mscat", "concatenation", "joint_attention", "mscat_swapped", "kinematics_only", "released")
EVENTS, HEADS, TOKENS, CONSTITUENTS = 5, 2, SIZES.tokens, SIZES.constituents


def network(name="mscat", sizes=SIZES, **changes):
    keras.utils.set_random_seed(8)
    model = build(tiny(name, **changes), sizes)
    rng = np.random.default_rng(2)
    model.set_weights([weight + rng.normal(0, 0.3, weight.shape) for weight in model.get_weights()])
    return model


@pytest.fixture(scope="module")
def deep():
    """Two blocks of each kind, one encoder for both jets: shared blocks must still give one output for each jet."""
    model = network(constituent_blocks=2, cross_blocks=2)
    return model, explanation_model(model)


def test_every_block_has_a_named_output(deep):
    _, explained = deep
    shapes = {block: explained.output[block + "_scores"].shape[1:] for block in attention_blocks(explained)}
    wanted = {f"constituents_{j}_block_{b}": (HEADS, CONSTITUENTS, CONSTITUENTS) for j in (1, 2) for b in (1, 2)}
    wanted |= {"kinematics_block_1": (HEADS, TOKENS, TOKENS)}
    wanted |= {f"cross_block_{b}": (HEADS, TOKENS, 2 * CONSTITUENTS) for b in (1, 2)}
    assert shapes == wanted


@pytest.mark.parametrize("name", EXPLAINED)
def test_the_explained_network_gives_the_same_score(name):
    model = network(name, dropout_rate=0.0)
    inputs = inputs_of(model, mock_inputs(EVENTS))
    before, uses = np.asarray(model(inputs)), [len(layer._inbound_nodes) for layer in model.layers]
    explained = explanation_model(model)
    assert attention_blocks(explained)
    np.testing.assert_allclose(explained(inputs)["score"], before, atol=1e-6)
    assert [len(layer._inbound_nodes) for layer in model.layers] == uses
    np.testing.assert_array_equal(model(inputs), before)


def test_extracted_scores_equal_a_direct_computation(deep):
    """Scores from the block itself, called on the tokens that enter it in the trained network."""
    model, explained = deep
    inputs = mock_inputs(EVENTS)
    inside = {name: model.get_layer(name).output for name in ("cross_block_1", "constituents_2_block_1")}
    merged = model.get_layer("merged_constituents").output
    tokens = keras.Model(model.inputs, {**inside, "keys": merged[0], "mask": merged[1]})(inputs)
    _, cross = model.get_layer("cross_encoder_2")(
        tokens["cross_block_1"], tokens["keys"], tokens["mask"], return_attention_scores=True
    )
    np.testing.assert_allclose(one_block(explained, "cross_block_2")(inputs), cross, atol=1e-6)
    _, own = model.get_layer("constituents_encoder_2")(
        tokens["constituents_2_block_1"], inputs["mask_2"], return_attention_scores=True
    )
    np.testing.assert_allclose(one_block(explained, "constituents_2_block_2")(inputs), own, atol=1e-6)


def test_rows_sum_to_one_and_padding_gets_nothing(deep):
    _, explained = deep
    inputs = mock_inputs(EVENTS)
    for block in attention_blocks(explained):
        scores = np.asarray(explained(inputs)[block + "_scores"])
        query_mask, key_mask = token_masks(block, inputs, *scores.shape[2:])
        np.testing.assert_allclose(scores.sum(axis=-1), 1.0, atol=1e-5)
        assert np.all(scores.transpose(0, 3, 1, 2)[~key_mask] == 0)
        assert query_mask.shape == (EVENTS, scores.shape[2])


def test_masks_of_summed_jets():
    """With merge `add` a key is real where any jet has a real constituent."""
    inputs = mock_inputs(EVENTS)
    _, keys = token_masks("cross_block_1", inputs, TOKENS, CONSTITUENTS)
    np.testing.assert_array_equal(keys, inputs["mask_1"] | inputs["mask_2"])
    _, keys = token_masks("cross_block_1", inputs, TOKENS, 2 * CONSTITUENTS)
    np.testing.assert_array_equal(keys, np.concatenate([inputs["mask_1"], inputs["mask_2"]], axis=1))


def test_masks_of_more_than_nine_jets_and_two_streams():
    """Jet 10 comes after jet 2; keys are all jets of the constituents, then all of the Lund declusterings."""
    rng = np.random.default_rng(0)
    inputs = {f"{name}_{jet}": rng.random((3, 4)) < 0.5 for jet in range(1, 11) for name in ("mask", "lund_mask")}
    shuffled = dict(sorted(inputs.items()))
    _, keys = token_masks("cross_block_1", shuffled, 3, 80)
    ordered = [inputs[f"{name}_{jet}"] for name in ("mask", "lund_mask") for jet in range(1, 11)]
    np.testing.assert_array_equal(keys, np.concatenate(ordered, axis=1))
    queries, keys = token_masks("lund_10_block_1", shuffled, 4, 4)
    np.testing.assert_array_equal(keys, inputs["lund_mask_10"])
    np.testing.assert_array_equal(queries, inputs["lund_mask_10"])
    queries, keys = token_masks("constituents_2_pooled", shuffled, 1, 4)
    assert queries.all()
    np.testing.assert_array_equal(keys, inputs["mask_2"])


def test_any_layer_that_returns_its_scores_is_explained():
    """A layer of Keras' own, followed by a named identity."""
    tokens = keras.Input((4, 6), name="tokens")
    read = keras.layers.MultiHeadAttention(2, 3)(tokens, tokens)
    model = keras.Model([tokens], keras.layers.Identity(name="own_block_1")(read))
    explained = explanation_model(model)
    assert attention_blocks(explained) == ["own_block_1"]
    values = np.random.default_rng(1).normal(size=(2, 4, 6)).astype("float32")
    _, scores = model.layers[1](values, values, return_attention_scores=True)
    np.testing.assert_allclose(explained([values])["own_block_1_scores"], scores, atol=1e-6)


def random_events(seed=0, events=40, heads=2, queries=3, keys=4):
    rng = np.random.default_rng(seed)
    query_mask = rng.random((events, queries)) < 0.7
    key_mask = rng.random((events, keys)) < 0.6
    scores = rng.random((events, heads, queries, keys)) * key_mask[:, None, None]
    scores /= np.maximum(scores.sum(axis=-1, keepdims=True), 1e-12)
    return scores, query_mask, key_mask, rng.integers(0, 2, events), rng.uniform(0.1, 2, events)


@pytest.mark.parametrize("weighted", [False, True])
def test_streamed_mean_equals_a_loop_over_events(weighted):
    scores, query_mask, key_mask, process, weights = random_events()
    mean = MeanAttention(3, 2, 3, 4)
    for rows in (slice(0, 7), slice(7, 8), slice(8, 40)):
        chosen = weights[rows] if weighted else None
        mean.add(scores[rows], query_mask[rows], key_mask[rows], process[rows], chosen)
    for which in range(2):
        for query in range(3):
            rows = [i for i in range(40) if process[i] == which and query_mask[i, query] and key_mask[i].any()]
            expected = np.average(scores[rows][:, :, query], axis=0, weights=weights[rows] if weighted else None)
            np.testing.assert_allclose(mean.per_head()[which, :, query], expected, rtol=1e-12)
            np.testing.assert_allclose(mean.mean()[which, query], expected.mean(axis=0), rtol=1e-12)
            assert mean.real_queries[which, query] == len(rows)
    np.testing.assert_allclose(mean.mean()[:2].sum(axis=-1), 1.0)


def test_a_process_without_events_is_zero_not_nan():
    mean = MeanAttention(2, 1, 3, 4)
    assert np.all(mean.mean() == 0)
