"""What each rival of `mscat` is said to be: which tokens read which, and what follows from it."""

import keras
import numpy as np
import pytest
from scipy.special import erf

from mscat_tf.interpretation.attention import attention_blocks, explanation_model, one_block
from mscat_tf.interpretation.token_masks import token_masks
from mscat_tf.models.registry import build
from tests.models.mock_inputs import SIZES, inputs_of, mock_inputs, moved_weights, tiny

EVENTS, HEADS, TOKENS, CONSTITUENTS = 4, 2, SIZES.tokens, SIZES.constituents
ALL = SIZES.jets * CONSTITUENTS + TOKENS


def network(name, **changes):
    keras.utils.set_random_seed(12)
    return moved_weights(build(tiny(name, dropout_rate=0.0, **changes), SIZES))


@pytest.fixture(scope="module")
def joint():
    return network("joint_attention")


@pytest.fixture(scope="module")
def swapped():
    return network("mscat_swapped", cross_blocks=2)


def leaving(model, layer, inputs):
    """Tokens that leave a layer."""
    return np.asarray(keras.Model(model.inputs, model.get_layer(layer).output)(inputs_of(model, inputs)))


def test_joint_attention_is_one_matrix_over_all_tokens(joint):
    """As many blocks as the three encoders of `mscat` have; every real token reads both scales, none reads padding."""
    inputs, explained = mock_inputs(EVENTS), explanation_model(joint)
    assert attention_blocks(explained) == [f"joint_block_{number}" for number in (1, 2, 3)]
    real = np.concatenate([inputs["mask_1"], inputs["mask_2"], np.ones((EVENTS, TOKENS), bool)], axis=1)
    for block in attention_blocks(explained):
        scores = np.asarray(one_block(explained, block)(inputs))
        assert scores.shape == (EVENTS, HEADS, ALL, ALL)
        np.testing.assert_allclose(scores.sum(axis=-1), 1.0, atol=1e-5)
        read = scores.transpose(0, 3, 1, 2)
        assert np.all(read[real] > 0)
        assert np.all(read[~real] == 0)


def test_joint_scores_equal_attention_of_numpy(joint):
    """The first block from the tokens that enter it, by the formula: softmax(QK / sqrt(d)) over real keys."""
    inputs = mock_inputs(EVENTS)
    tokens = np.concatenate(
        [
            leaving(joint, "constituents_1_jet_embedding", inputs),
            leaving(joint, "constituents_2_jet_embedding", inputs),
            leaving(joint, "kinematics_token_embedding", inputs),
        ],
        axis=1,
    )
    block = joint.get_layer("joint_encoder_1")
    weights = {weight.path.split("joint_encoder_1/")[1]: np.asarray(weight) for weight in block.weights}
    spread = tokens - tokens.mean(axis=-1, keepdims=True)
    normed = spread / np.sqrt((spread**2).mean(axis=-1, keepdims=True) + block.norm.epsilon)
    normed = normed * weights["norm/gamma"] + weights["norm/beta"]
    query, key = (
        np.einsum("etf,fhd->ehtd", normed, weights[f"attention/{part}/kernel"])
        + weights[f"attention/{part}/bias"][:, None]
        for part in ("query", "key")
    )
    raw = np.exp(np.einsum("ehqd,ehkd->ehqk", query, key) / np.sqrt(key.shape[-1]))
    raw *= np.concatenate([inputs["mask_1"], inputs["mask_2"], np.ones((EVENTS, TOKENS))], axis=1)[:, None, None]
    found = one_block(explanation_model(joint), "joint_block_1")(inputs)
    np.testing.assert_allclose(found, raw / raw.sum(axis=-1, keepdims=True), rtol=1e-3, atol=1e-5)


def test_joint_tokens_are_taken_apart_where_they_were_joined(joint):
    inputs = mock_inputs(EVENTS)
    together = leaving(joint, "joint_block_3", inputs)
    parts = [leaving(joint, f"{name}_block_3", inputs) for name in ("constituents_1", "constituents_2", "kinematics")]
    assert [part.shape[1] for part in parts] == [CONSTITUENTS, CONSTITUENTS, TOKENS]
    np.testing.assert_array_equal(np.concatenate(parts, axis=1), together)


def test_swapped_queries_are_constituents(swapped):
    """Kinematics are keys; the explanation takes the jets' own masks for these blocks."""
    inputs, explained = mock_inputs(EVENTS), explanation_model(swapped)
    crossing = [f"constituents_{jet}_cross_{number}" for jet in (1, 2) for number in (1, 2)]
    assert set(crossing) <= set(attention_blocks(explained))
    for block in crossing:
        scores = np.asarray(one_block(explained, block)(inputs))
        assert scores.shape == (EVENTS, HEADS, CONSTITUENTS, TOKENS)
        np.testing.assert_allclose(scores.sum(axis=-1), 1.0, atol=1e-5)
        query_mask, _ = token_masks(block, inputs, *scores.shape[2:])
        np.testing.assert_array_equal(query_mask, inputs[f"mask_{block.split('_')[1]}"])


def test_swapped_residual_is_on_the_constituents(swapped):
    """A block whose attention and MLP give nothing returns the constituents that entered it."""
    inputs, weights = mock_inputs(EVENTS), swapped.get_weights()
    entering = leaving(swapped, "constituents_2_block_1", inputs)
    assert np.abs(leaving(swapped, "constituents_2_cross_1", inputs) - entering).max() > 0.01
    for weight in swapped.get_layer("cross_encoder_1").weights:
        if "attention_output" in weight.path or "/out/" in weight.path:
            weight.assign(0 * weight)
    np.testing.assert_array_equal(leaving(swapped, "constituents_2_cross_1", inputs), entering)
    swapped.set_weights(weights)


def test_kinematics_mlp_is_a_plain_network():
    """Two layers, gelu written with the error function of another library."""
    model, inputs = network("kinematics_mlp", kinematic_blocks=2, log_features=False), mock_inputs(EVENTS)
    inputs["kinematics"] = inputs["kinematics"] / np.float32(100)
    values = inputs["kinematics"].reshape(EVENTS, -1).astype(np.float64)
    for layer in ("kinematics_mlp_1", "kinematics_mlp_2", "head_1"):
        kernel, bias = model.get_layer(layer).get_weights()
        values = values @ kernel + bias
        values = 0.5 * values * (1 + erf(values / np.sqrt(2)))
    kernel, bias = model.get_layer("logit").get_weights()
    found = leaving(model, "logit", inputs)
    np.testing.assert_allclose(found, values @ kernel + bias, rtol=1e-4, atol=1e-4)


def test_factorised_logit_is_a_sum_of_terms_that_each_see_one_stream():
    model, inputs, other = network("factorised", shared_encoder=False), mock_inputs(EVENTS), mock_inputs(EVENTS, seed=3)
    streams = (("constituents_1", "mask_1"), ("constituents_2", "mask_2"), ("kinematics",))
    leave = [model.get_layer(f"{name}_term").output for name in ("jet_1", "jet_2", "kinematics")]
    view = keras.Model(model.inputs, [*leave, model.get_layer("logit").output])
    *terms, logit = (np.asarray(values) for values in view(inputs))
    np.testing.assert_allclose(sum(terms), logit, atol=1e-5)
    for changed, parts in enumerate(streams):
        moved = view({**inputs, **{part: other[part] for part in parts}})
        for place, values in enumerate(terms):
            same = np.abs(np.asarray(moved[place]) - values) < 1e-6
            assert not same.any() if place == changed else same.all()


def test_factorised_jets_may_be_alike():
    """Without anything that tells them apart one function serves both jets, and their terms change places with them."""
    model, inputs = network("factorised", distinguish_jets=False, pooling="mean"), mock_inputs(EVENTS)
    other = {"1": "2", "2": "1"}
    swapped = {name[:-1] + other.get(name[-1], name[-1]): values for name, values in inputs.items()}
    first = leaving(model, "jet_1_term", inputs)
    assert np.ptp(first) > 1e-3
    np.testing.assert_allclose(leaving(model, "jet_2_term", swapped), first, atol=1e-6)
