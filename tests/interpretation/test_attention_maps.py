"""Attention maps against direct computation and against a loop over events."""

import keras
import numpy as np
import pytest

from mscat_tf.interpretation.attention import attention_blocks, can_be_followed, explanation_model, one_block
from mscat_tf.interpretation.group_sums import Members
from mscat_tf.interpretation.mean_attention import add_scores, mean_arrays
from mscat_tf.interpretation.onto_constituents import onto_constituents, reads_constituents
from mscat_tf.interpretation.token_masks import token_masks
from mscat_tf.models.registry import build
from tests.models.mock_inputs import SIZES, WITH_SUBJETS, inputs_of, mock_inputs, tiny

EXPLAINED = (
    *("mscat", "concatenation", "joint_attention", "mscat_swapped", "kinematics_only", "released"),
    "particle_transformer",
)
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


def test_subjets_of_the_mixer_read_the_constituents_of_their_jet():
    """And the kinematics the subjets; padding gets nothing; nothing is rolled out through the mixer blocks."""
    model, subjets = network("mixer", WITH_SUBJETS), WITH_SUBJETS.subjets
    explained, inputs = explanation_model(model), mock_inputs(EVENTS, sizes=WITH_SUBJETS)
    assert attention_blocks(explained) == ["cross_block_1", "subjets_1_cross_1", "subjets_2_cross_1"]
    scores = {block: np.asarray(one_block(explained, block)(inputs)) for block in attention_blocks(explained)}
    assert scores["cross_block_1"].shape == (EVENTS, HEADS, TOKENS, 2 * subjets)
    for block, found in scores.items():
        queries, keys = token_masks(block, inputs, *found.shape[2:])
        assert np.all(found.transpose(0, 3, 1, 2)[~keys] == 0)
        assert (keys.sum(axis=1) > 0).all()
        assert block == "cross_block_1" or np.array_equal(queries, inputs[f"subjets_mask_{block[8]}"])
        assert reads_constituents(block, list(inputs), list(scores)) == (block != "cross_block_1")
    mean = onto_constituents("subjets_2_cross_1", scores["subjets_2_cross_1"], inputs)[2]
    real = inputs["subjets_mask_2"][0]
    np.testing.assert_allclose(mean[0, 0], scores["subjets_2_cross_1"][0].mean(axis=0)[real].mean(axis=0), atol=1e-6)
    assert not can_be_followed(model)


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
    weights = weights if weighted else np.ones(40)
    sums = {}
    for rows in (slice(0, 7), slice(7, 8), slice(8, 40)):
        members = Members(process[rows], 3, weights[rows])
        add_scores(sums, "x", scores[rows], query_mask[rows], key_mask[rows], members)
    found = mean_arrays(sums, "x")
    for which in range(2):
        for query in range(3):
            rows = [i for i in range(40) if process[i] == which and query_mask[i, query] and key_mask[i].any()]
            expected = np.average(scores[rows][:, :, query], axis=0, weights=weights[rows])
            np.testing.assert_allclose(found["x/per_head"][which, :, query], expected, rtol=1e-12)
            np.testing.assert_allclose(found["x/mean"][which, query], expected.mean(axis=0), rtol=1e-12)
            assert found["x/real_queries"][which, query] == len(rows)
    np.testing.assert_allclose(found["x/mean"][:2].sum(axis=-1), 1.0)
    assert np.all(found["x/mean"][2] == 0)  # a group without events


def test_scores_equal_those_recomputed_from_the_weights(deep):
    """softmax(Q K^T / sqrt(d)) over the real keys, from the kernels of the block and the tokens that enter it."""
    model, explained = deep
    inputs = mock_inputs(EVENTS)
    merged = model.get_layer("merged_constituents").output
    read = keras.Model(model.inputs, [model.get_layer("cross_block_1").output, *merged])(inputs)
    query, context, mask = (np.asarray(values, np.float64) for values in read)
    block = model.get_layer("cross_encoder_2")

    def normalised(tokens, norm):
        centred = tokens - tokens.mean(axis=-1, keepdims=True)
        width = np.sqrt(centred.var(axis=-1, keepdims=True) + norm.epsilon)
        gamma, beta = (np.asarray(weight) for weight in norm.get_weights())
        return centred / width * gamma + beta

    def heads(tokens, dense):
        kernel, bias = dense.get_weights()
        return np.einsum("etf,fhd->ehtd", tokens, kernel) + bias[None, :, None, :]

    queries = heads(normalised(query, block.norm_query), block.attention.query_dense)
    keys = heads(normalised(context, block.norm_context), block.attention.key_dense)
    product = np.einsum("ehqd,ehkd->ehqk", queries, keys) / np.sqrt(block.attention.key_dim)
    weights = np.exp(product - product.max(axis=-1, keepdims=True)) * mask[:, None, None, :]
    wanted = weights / weights.sum(axis=-1, keepdims=True)
    np.testing.assert_allclose(one_block(explained, "cross_block_2")(inputs), wanted, atol=1e-5)


def test_jets_of_a_trunk_that_serves_all_are_told_apart():
    """The blocks of `particle_transformer` have no jet in their names; swapped jets swap the scores."""
    model = network("particle_transformer", dropout_rate=0.0)
    explained = explanation_model(model)
    names = {f"constituents_{jet}_{kind}" for jet in (1, 2) for kind in ("block_1", "class")}
    assert {name for name in attention_blocks(explained) if "constituents" in name} == names
    inputs = inputs_of(model, mock_inputs(EVENTS))
    swapped = {name: inputs[name[:-1] + str(3 - int(name[-1])) if "_" in name else name] for name in inputs}
    before, after = explained(inputs), explained(swapped)
    for kind, shape in (("block_1", (CONSTITUENTS, CONSTITUENTS)), ("class", (1, 1 + CONSTITUENTS))):
        first = np.asarray(before[f"constituents_1_{kind}_scores"])
        assert first.shape == (EVENTS, 2, *shape)
        np.testing.assert_allclose(first, after[f"constituents_2_{kind}_scores"], atol=1e-6)
        assert not np.allclose(first, before[f"constituents_2_{kind}_scores"], atol=1e-3)
        query_mask, key_mask = token_masks(f"constituents_1_{kind}", inputs, *shape)
        assert np.all(first.transpose(0, 3, 1, 2)[~key_mask] == 0)
        np.testing.assert_allclose(first.sum(axis=-1), 1.0, atol=1e-5)
        assert query_mask.shape == (EVENTS, shape[0])
    tokens = keras.Model(model.inputs, read_by_class_token(model))(inputs)
    _, direct = model.get_layer("class_attention")(tokens, inputs["mask_1"], return_attention_scores=True)
    np.testing.assert_allclose(before["constituents_1_class_scores"], direct, atol=1e-6)


def read_by_class_token(model):
    """What enters the class token of jet 1."""
    for node in model.get_layer("class_attention")._inbound_nodes:
        tokens, mask = node.arguments.args[:2]
        if mask.name == "mask_1":
            return tokens
    raise AssertionError("no call with mask_1")
