"""Particle Transformer: its published size, and that its settings and the pairs reach the network."""

from itertools import pairwise

import numpy as np
import pytest
import tensorflow as tf

from mscat_tf.config import ModelSettings
from mscat_tf.config.networks.particle_transformer import ParticleTransformerSettings
from mscat_tf.models.count import parameters
from mscat_tf.models.inputs import InputSpecification
from mscat_tf.models.predictor import logit_model
from mscat_tf.models.registry import build
from tests.models.mock_inputs import inputs_of, mock_inputs, moved_weights, tiny

ONE_JET = InputSpecification(jets=1, constituents=6, tokens=1)
PUBLISHED = 2.1e6  # arXiv:2202.03772, Table 2


def dense(before, after):
    return before * after + after


def norm(features):
    return 2 * features


def size_by_hand(inputs, settings, classes, batch_norms):
    """Parameters of one jet's network, from the widths.

    Args:
        inputs: features of a constituent. classes: numbers that leave the head.
        batch_norms: normalise features, pairs and the MLP of the pairs by the batch, as published.
    """
    widths = [inputs, *settings.embedding_units]
    embedding = sum(norm(a) + dense(a, b) for a, b in pairwise(widths))
    widths = [4, *settings.pair_units, settings.num_heads]
    pairs = sum(dense(a, b) for a, b in pairwise(widths))
    if batch_norms:
        embedding, pairs = embedding + norm(inputs), pairs + norm(sum(widths))
    width = settings.embedding_units[-1]
    hidden = int(settings.mlp_ratio * width)
    attention = 4 * dense(width, width)  # queries, keys, values, projection
    mlp = dense(width, hidden) + dense(hidden, width)
    scales = settings.num_heads + width  # of the heads, of the residual
    block = attention + mlp + 3 * norm(width) + norm(hidden) + scales
    blocks = (settings.particle_blocks + settings.class_blocks) * block
    token, head = width, norm(width) + dense(width, classes)
    return embedding + pairs + blocks + token + head


def test_size_is_the_published_one():
    """2 140 323 here; 2 141 134 for the published seven features, two classes and batch normalisation."""
    settings = ParticleTransformerSettings()
    found = parameters(build(ModelSettings(name="particle_transformer"), ONE_JET))
    assert found == size_by_hand(5, settings, classes=1, batch_norms=False) == 2_140_323
    published = size_by_hand(7, settings, classes=2, batch_norms=True)
    assert published == 2_141_134
    assert found == pytest.approx(PUBLISHED, rel=0.03)
    assert published == pytest.approx(PUBLISHED, rel=0.03)


@pytest.fixture(scope="module")
def tagger():
    return moved_weights(build(tiny("particle_transformer"), ONE_JET))


def logits(model, inputs):
    return np.asarray(logit_model(model)(inputs_of(model, inputs)))


def test_settings_reach_the_network():
    section = {
        "embedding_units": (9, 6),
        "pair_units": (5, 4),
        "num_heads": 3,
        "particle_blocks": 2,
        "class_blocks": 3,
        "mlp_ratio": 1.5,
        "dropout_rate": 0.25,
        "head_units": (11,),
    }
    model = build(ModelSettings(name="particle_transformer", particle_transformer=section), ONE_JET)
    without_head = size_by_hand(5, ParticleTransformerSettings(**section), classes=0, batch_norms=False)
    assert parameters(model) == without_head + dense(6, 11) + dense(11, 1)
    assert model.get_layer("particle_block_2").dropout_rate == 0.25
    assert model.get_layer("class_attention").dropout_rate == 0.0


def test_it_sees_the_pairs(tagger):
    """The same constituents without what is known of their pairs get another score, jets of one constituent do not."""
    inputs = mock_inputs(6, sizes=ONE_JET, least=2)
    inputs["mask_1"][0] = np.arange(6) == 0
    before = logits(tagger, inputs)
    out = tagger.get_layer("pair_interactions").out
    kernel, offset = out.get_weights()
    out.set_weights([0 * kernel, 0 * offset])
    change = np.abs(logits(tagger, inputs) - before)[:, 0]
    out.set_weights([kernel, offset])
    np.testing.assert_allclose(change[0], 0.0, atol=1e-6)
    assert (change[1:] > 1e-5).all()
    assert np.median(change[1:]) > 1e-4


def test_gradients_are_finite_with_few_constituents(tagger):
    """Jets with none and with one, junk in place of padding, which gets no gradient."""
    inputs = mock_inputs(5, sizes=ONE_JET)
    inputs["mask_1"][0], inputs["mask_1"][1] = False, np.arange(6) == 0
    inputs["constituents_1"][~inputs["mask_1"]] = np.nan
    values = {name: tf.constant(value) for name, value in inputs_of(tagger, inputs).items()}
    cloud = values["constituents_1"]
    with tf.GradientTape() as tape:
        tape.watch(cloud)
        loss = tf.reduce_sum(tagger(values) ** 2)
    by_cloud, *by_weight = tape.gradient(loss, [cloud, *tagger.trainable_variables])
    assert np.isfinite(by_cloud).all()
    assert not np.any(by_cloud.numpy()[~inputs["mask_1"]])
    assert all(np.isfinite(gradient).all() for gradient in by_weight)


def test_heads_that_cannot_share_the_width_are_refused():
    with pytest.raises(ValueError, match="num_heads: 3 heads cannot share a width of 128"):
        ParticleTransformerSettings(num_heads=3)
