"""The block of the Particle Transformer and its class token against the same by hand, and what padding may do."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from mscat_tf.errors import ConfigError
from mscat_tf.layers import ClassAttention, ParticleAttentionBlock
from tests.layer_checks import check_layer

TOKENS, FEATURES, HEADS = 5, 6, 2
BLOCK_INIT = {"num_heads": HEADS, "mlp_ratio": 1.5, "dropout_rate": 0.1}
CLASS_INIT = {**BLOCK_INIT, "num_blocks": 1}


def jets(real=4):
    """Two jets; the bias is not symmetric, so a transposed one cannot pass."""
    rng = np.random.default_rng(7)
    return {
        "tokens": rng.normal(size=(2, TOKENS, FEATURES)).astype("float32"),
        "token_mask": np.tile(np.arange(TOKENS) < real, (2, 1)),
        "bias": rng.normal(size=(2, HEADS, TOKENS, TOKENS)).astype("float32"),
        "class_token": rng.normal(size=(2, 1, FEATURES)).astype("float32"),
    }


def without(inputs, *names):
    return {name: value for name, value in inputs.items() if name not in names}


def moved(layer, **inputs):
    """The layer with weights away from their start, where scales are 1 and offsets 0."""
    layer(**inputs)
    rng = np.random.default_rng(3)
    layer.set_weights([(w + rng.normal(0, 0.5, w.shape)).astype("float32") for w in layer.get_weights()])
    return layer


@pytest.fixture(scope="module")
def block():
    return moved(ParticleAttentionBlock(HEADS, 1.5), **without(jets(), "class_token"))


@pytest.fixture(scope="module")
def reader():
    return moved(ClassAttention(2, HEADS, 1.5), **without(jets(), "class_token", "bias"))


def weights_of(layer):
    return [np.asarray(w, float) for w in layer.get_weights()]


def normalised(layer, values):
    scale, offset = weights_of(layer)
    centred = values - values.mean(-1, keepdims=True)
    return centred / np.sqrt(centred.var(-1, keepdims=True) + 1e-5) * scale + offset


def dense(layer, values):
    kernel, offset = weights_of(layer)
    return values @ kernel + offset


def gelu(values):
    return np.vectorize(lambda x: x * (1 + math.erf(x / math.sqrt(2))) / 2)(values)


def attention_by_hand(layer, query, context, bias=None):
    """Of one jet without padding: `(queries, FEATURES)`."""
    wq, bq, wk, bk, wv, bv, wo, bo = weights_of(layer)
    read = np.tile(bo, (len(query), 1))
    for head in range(HEADS):
        q, k, v = query @ wq[:, head] + bq[head], context @ wk[:, head] + bk[head], context @ wv[:, head] + bv[head]
        for row in range(len(query)):
            offset = 0.0 if bias is None else bias[head, row]
            weights = np.exp(k @ q[row] / math.sqrt(q.shape[-1]) + offset)
            read[row] += weights @ v / weights.sum() @ wo[head]
    return read


def block_by_hand(block, tokens, bias=None, class_token=None):
    """Of one jet without padding, in float64."""
    context = normalised(block.norm_tokens, tokens if class_token is None else np.concatenate([class_token, tokens]))
    query, updated = (context, tokens) if class_token is None else (class_token, class_token)
    read = attention_by_hand(block.attention, query, context, bias)
    for head, part in enumerate(np.split(np.arange(FEATURES), HEADS)):
        read[:, part] *= float(block.head_scale[head])
    updated = updated + normalised(block.norm_read, read)
    hidden = gelu(dense(block.hidden, normalised(block.norm_mlp, updated)))
    return np.asarray(block.residual_scale) * updated + dense(block.out, normalised(block.norm_hidden, hidden))


def test_block_equals_the_same_by_hand(block):
    inputs = without(jets(real=4), "class_token")
    found = block(**inputs)
    for jet in range(2):
        expected = block_by_hand(block, inputs["tokens"][jet, :4], inputs["bias"][jet, :, :4, :4])
        np.testing.assert_allclose(found[jet, :4], expected, atol=1e-4)


def test_class_token_equals_the_same_by_hand(block):
    inputs = without(jets(real=4), "bias")
    found = block(**inputs)
    for jet in range(2):
        expected = block_by_hand(block, inputs["tokens"][jet, :4], class_token=inputs["class_token"][jet])
        np.testing.assert_allclose(found[jet], expected, atol=1e-4)


def test_class_attention_is_its_blocks_one_after_another(reader):
    inputs = without(jets(real=4), "bias", "class_token")
    for jet in range(2):
        token, tokens = np.asarray(reader.token), inputs["tokens"][jet, :4]
        for block in reader.blocks:
            token = block_by_hand(block, tokens, class_token=token)
        np.testing.assert_allclose(reader(**inputs)[jet], normalised(reader.norm, token)[0], atol=1e-4)


@pytest.mark.parametrize(
    ("cls", "init", "left_out"),
    [
        (ParticleAttentionBlock, BLOCK_INIT, ("class_token",)),
        (ClassAttention, CLASS_INIT, ("bias", "class_token")),
    ],
)
def test_contract(cls, init, left_out, tmp_path):
    check_layer(cls, init, without(jets(), *left_out), tmp_path)


@settings(max_examples=6, deadline=None)
@given(real=st.integers(0, TOKENS), junk=st.sampled_from([np.nan, np.inf, -1e6]))
def test_padding_cannot_be_seen(block, reader, real, junk):
    clean, dirty = jets(real), jets(real)
    dirty["tokens"][:, real:] = junk
    dirty["bias"][:, :, real:] = dirty["bias"][..., real:] = junk
    first, second = (np.asarray(block(**without(inputs, "class_token"))) for inputs in (clean, dirty))
    np.testing.assert_array_equal(first[:, :real], second[:, :real])
    first, second = (np.asarray(reader(**without(inputs, "bias", "class_token"))) for inputs in (clean, dirty))
    np.testing.assert_array_equal(first, second)
    assert np.isfinite(first).all()


def test_constituents_are_a_set(block, reader):
    order, inputs = [4, 2, 0, 3, 1], jets()
    other = {name: inputs[name][:, order] for name in ("tokens", "token_mask")}
    bias = inputs["bias"][:, :, order][..., order]
    found = np.asarray(block(**without(inputs, "class_token")))
    np.testing.assert_allclose(found[:, order], block(**other, bias=bias), atol=1e-5)
    np.testing.assert_allclose(reader(inputs["tokens"], inputs["token_mask"]), reader(**other), atol=1e-5)


@pytest.mark.parametrize("real", [0, 1])
def test_gradients_are_finite_with_few_constituents(block, reader, real):
    inputs = {name: tf.constant(value) for name, value in jets(real).items()}
    watched = [inputs["tokens"], inputs["bias"]]
    with tf.GradientTape() as tape:
        tape.watch(watched)
        encoded = block(**without(inputs, "class_token"))
        loss = tf.reduce_sum(reader(encoded, inputs["token_mask"]) ** 2)
    for gradient in tape.gradient(loss, watched + block.trainable_variables + reader.trainable_variables):
        assert np.isfinite(gradient).all()


def test_dropout_acts_only_in_training():
    keras.utils.set_random_seed(1)
    for layer in (ParticleAttentionBlock(HEADS, dropout_rate=0.5), ClassAttention(1, HEADS, dropout_rate=0.5)):
        inputs = without(jets(), "bias", "class_token")
        np.testing.assert_array_equal(layer(**inputs), layer(**inputs, training=False))
        assert np.abs(np.asarray(layer(**inputs, training=True)) - np.asarray(layer(**inputs))).max() > 1e-3


def test_heads_must_share_the_features():
    with pytest.raises(ConfigError, match="4 heads cannot share 6 features equally"):
        ParticleAttentionBlock(4).build((None, TOKENS, FEATURES))
    with pytest.raises(ConfigError, match="num_blocks is 0 but must be positive"):
        ClassAttention(0, HEADS)
