"""Layer normalisation against Keras' own, in value and gradient."""

import keras
import numpy as np
import tensorflow as tf

from mscat_tf.layers import LayerNormalisation
from mscat_tf.layers.layer_normalisation import normalisation_in_one_operation
from tests.layer_checks import check_layer

TOKENS = np.random.default_rng(2).normal(3.0, 2.0, (2, 5, 6)).astype("float32")


def test_contract(tmp_path):
    check_layer(LayerNormalisation, {"epsilon": 0.01}, {"inputs": TOKENS}, tmp_path)


def test_value_and_gradient_are_those_of_keras():
    ours, theirs = LayerNormalisation(), keras.layers.LayerNormalization()
    rng = np.random.default_rng(4)
    gamma, beta, upstream = (tf.constant(rng.normal(size=s), "float32") for s in ((6,), (6,), TOKENS.shape))
    found = []
    for layer in (ours, theirs):
        layer.build(TOKENS.shape)
        layer.set_weights([gamma, beta])
        tokens = tf.constant(TOKENS)
        with tf.GradientTape() as tape:
            tape.watch(tokens)
            normed = layer(tokens, training=True) if layer is ours else layer(tokens)
            loss = tf.reduce_sum(normed * upstream)
        found.append([layer(tokens), normed, *tape.gradient(loss, [tokens, *layer.trainable_variables])])
    for mine, wanted in zip(*found, strict=True):
        np.testing.assert_allclose(mine, wanted, rtol=1e-4, atol=2e-6)


def test_one_operation_gives_the_same():
    """On any number of axes, and with the number of tokens open, as forward passes are traced."""
    layer = LayerNormalisation()
    layer.build(TOKENS.shape)
    layer.set_weights(list(np.random.default_rng(4).normal(size=(2, 6)).astype("float32")))

    @tf.function
    def traced(tokens):
        with normalisation_in_one_operation():
            return layer(tokens)

    for tokens in (TOKENS, TOKENS[0]):
        signature = tf.TensorSpec((None, *tokens.shape[1:]))
        found = traced.get_concrete_function(signature)
        np.testing.assert_allclose(found(tf.constant(tokens)), layer(tokens), rtol=1e-4, atol=2e-6)
        assert "FusedBatchNormV3" in {operation.type for operation in found.graph.get_operations()}
