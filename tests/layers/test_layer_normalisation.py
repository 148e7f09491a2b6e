"""Layer normalisation against Keras' own, in value and gradient."""

import keras
import numpy as np
import tensorflow as tf

from mscat_tf.layers import LayerNormalisation
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
