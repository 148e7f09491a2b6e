"""Pairwise features against four-vectors in a loop; symmetry, invariances, floors and padding."""

import math

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from mscat_tf.errors import ConfigError
from mscat_tf.layers import PairInteractions
from mscat_tf.layers.pair_interactions import CENTRE_AND_WIDTH, PAIR_FEATURES, pair_features
from tests.layer_checks import check_layer

COLUMNS = ("eta", "phi", "pt", "log_pt")
HEADS, SIZE = 3, 5
INIT = {"num_heads": HEADS, "columns": COLUMNS, "units": (6, 4)}


def jets(real=(4, 1, 0), spread=0.4, seed=4):
    """Three jets `(3, SIZE, 4)` and their mask; padding is 0."""
    rng = np.random.default_rng(seed)
    mask = np.arange(SIZE) < np.array(real)[:, None]
    pt = rng.exponential(30.0, mask.shape) + 0.5
    eta, phi = rng.normal(0, spread, (2, *mask.shape))
    tokens = np.stack([eta, phi, pt, np.log(pt)], axis=-1)
    return {"tokens": np.where(mask[..., None], tokens, 0.0).astype("float32"), "token_mask": mask}


@pytest.fixture(scope="module")
def pairs():
    layer = PairInteractions(**INIT)
    layer(**jets())
    rng = np.random.default_rng(3)
    layer.set_weights([rng.normal(0, 0.5, w.shape).astype("float32") for w in layer.get_weights()])
    return layer


def four_vector(eta, phi, pt):
    return np.array([pt * math.cosh(eta), pt * math.cos(phi), pt * math.sin(phi), pt * math.sinh(eta)])


def features_by_hand(first, second):
    """ln kT, ln z, ln Delta, ln m^2 of two constituents (eta, phi, pt, ...), m^2 from four-vectors in float64."""
    (eta_1, phi_1, pt_1, *_), (eta_2, phi_2, pt_2, *_) = first.astype(float), second.astype(float)
    delta = max(math.hypot(eta_1 - eta_2, phi_1 - phi_2), 1e-3)
    total = four_vector(eta_1, phi_1, pt_1) + four_vector(eta_2, phi_2, pt_2)
    m2 = max(total[0] ** 2 - total[1:] @ total[1:], pt_1 * pt_2 * 1e-6)
    softer = min(pt_1, pt_2)
    return [math.log(softer * delta), math.log(softer / (pt_1 + pt_2)), math.log(delta), math.log(m2)]


def all_features(tokens):
    """Of every pair (i, j) of one jet by the layer's code: `(pairs, 4)`, and the pairs."""
    first, second = np.triu_indices(len(tokens))
    eta, phi, _, log_pt = tokens[None].astype("float32").transpose(2, 0, 1)
    return np.asarray(pair_features(eta, phi, log_pt, first, second))[0], list(zip(first, second, strict=True))


def gelu(x):
    return x * (1 + math.erf(x / math.sqrt(2))) / 2


def test_contract(tmp_path):
    check_layer(PairInteractions, INIT, jets(), tmp_path)


def test_features_equal_those_of_four_vectors():
    tokens = jets(real=(SIZE, 1, 0))["tokens"][0]
    tokens[1, :2] = tokens[0, :2] + [0.004, -0.003]  # float32 must not lose a small mass
    found, places = all_features(tokens)
    expected = [features_by_hand(tokens[i], tokens[j]) for i, j in places]
    np.testing.assert_allclose(found, expected, atol=2e-4)


def test_bias_equals_a_loop_over_pairs(pairs):
    inputs = jets()
    found = np.asarray(pairs(**inputs))
    weights = [w.astype(float) for w in pairs.get_weights()]
    assert len(weights) == 6
    for jet, head, i, j in np.ndindex(found.shape):
        if not (inputs["token_mask"][jet, i] and inputs["token_mask"][jet, j]):
            assert found[jet, head, i, j] == 0
            continue
        values = features_by_hand(inputs["tokens"][jet, i], inputs["tokens"][jet, j])
        centred = zip(values, (CENTRE_AND_WIDTH[name] for name in PAIR_FEATURES), strict=True)
        hidden = np.array([(value - centre) / width for value, (centre, width) in centred])
        for kernel, offset in (weights[:2], weights[2:4]):
            hidden = np.vectorize(gelu)(hidden @ kernel + offset)
        np.testing.assert_allclose(found[jet, head, i, j], (hidden @ weights[4] + weights[5])[head], atol=1e-3)


def test_exchange_of_a_pair_changes_no_bit(pairs):
    found = np.asarray(pairs(**jets()))
    np.testing.assert_array_equal(found, found.swapaxes(2, 3))


@settings(max_examples=8, deadline=None)
@given(junk=st.sampled_from([np.nan, np.inf, -1e3, 17.0]))
def test_padding_cannot_be_seen(pairs, junk):
    clean, dirty = jets(), jets()
    dirty["tokens"][~dirty["token_mask"]] = junk
    np.testing.assert_array_equal(pairs(**clean), pairs(**dirty))


def test_constituents_are_a_set(pairs):
    order, inputs = [3, 0, 4, 2, 1], jets()
    moved = pairs(inputs["tokens"][:, order], inputs["token_mask"][:, order])
    np.testing.assert_allclose(np.asarray(pairs(**inputs))[:, :, order][..., order], moved, atol=1e-5)


def test_momentum_or_its_logarithm_serve_alike(pairs):
    inputs = jets()
    other = PairInteractions(HEADS, ("log_pt", "phi", "eta"), (6, 4))
    order = [COLUMNS.index(name) for name in other.columns]
    other(inputs["tokens"][..., order], inputs["token_mask"])
    other.set_weights(pairs.get_weights())
    found = other(inputs["tokens"][..., order], inputs["token_mask"])
    np.testing.assert_allclose(found, pairs(**inputs), atol=1e-5)


@settings(max_examples=8, deadline=None)
@given(shift=st.floats(-1, 1), turn=st.floats(-3, 3), scale=st.floats(0.1, 10), seed=st.integers(0, 50))
def test_features_know_only_relative_directions(shift, turn, scale, seed):
    """Boost along the beam and rotation about it leave all four; a scale of momentum moves kT once and m^2 twice."""
    tokens = jets(real=(SIZE, 1, 0), seed=seed)["tokens"][0]
    moved = tokens + np.array([shift, turn, 0.0, math.log(scale)])
    expected = all_features(tokens)[0] + math.log(scale) * np.array([1, 0, 0, 2])
    np.testing.assert_allclose(all_features(moved)[0], expected, atol=2e-2)  # float32 at Delta near 1e-3
    np.testing.assert_allclose(np.median(np.abs(all_features(moved)[0] - expected)), 0.0, atol=1e-4)


@settings(max_examples=8, deadline=None)
@given(angle=st.floats(-math.pi, math.pi), seed=st.integers(0, 50))
def test_mass_is_that_of_the_laboratory_to_leading_order(angle, seed):
    """The jet frame is turned: ln m^2 changes by at most Delta^2 / 6, m^2 being pT pT (Delta^2 + O(Delta^4) / 12)."""
    tokens = jets(real=(SIZE, 1, 0), spread=0.2, seed=seed)["tokens"][0]
    turned = tokens.copy()
    turned[:, :2] = tokens[:, :2] @ np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    change = all_features(turned)[0] - all_features(tokens)[0]
    np.testing.assert_allclose(change[:, :3], 0.0, atol=1e-3)
    assert (np.abs(change[:, 3]) <= np.exp(2 * all_features(tokens)[0][:, 2]) / 6 + 1e-3).all()


def test_floors_of_a_collinear_pair():
    tokens = np.tile(np.array([[0.1, -0.2, 8.0, math.log(8.0)]]), (2, 1))
    found, _ = all_features(tokens)
    expected = [math.log(8e-3), math.log(0.5), math.log(1e-3), math.log(64e-6)]
    np.testing.assert_allclose(found, [expected] * 3, rtol=1e-5)


@pytest.mark.parametrize("junk", [0.0, np.nan, np.inf])
def test_gradients_are_finite(pairs, junk):
    """With respect to weights and inputs: jets of all sizes, an empty one, two constituents in one place, junk."""
    inputs = jets()
    inputs["tokens"][0, 1] = inputs["tokens"][0, 0]
    inputs["tokens"][~inputs["token_mask"]] = junk
    tokens = tf.constant(inputs["tokens"])
    with tf.GradientTape() as tape:
        tape.watch(tokens)
        loss = tf.reduce_sum(pairs(tokens, inputs["token_mask"]) ** 2)
    for gradient in tape.gradient(loss, [tokens, *pairs.trainable_variables]):
        assert np.isfinite(gradient).all()
        assert np.any(gradient)


def test_half_precision_does_not_blunt_the_features(pairs):
    """Under bfloat16 two constituents at eta 2 and 2.004 must not fall together: features are float32 all the same."""
    half = PairInteractions(**INIT, dtype="mixed_bfloat16")
    inputs = jets(real=(SIZE, SIZE, SIZE))
    inputs["tokens"][..., 0] = 2 + 0.004 * np.arange(SIZE)
    inputs["tokens"][..., 1] = 1.0
    half(**inputs)
    half.set_weights(pairs.get_weights())
    np.testing.assert_allclose(np.asarray(half(**inputs), "float32"), pairs(**inputs), atol=0.1)


def test_impossible_arguments_are_refused():
    with pytest.raises(ConfigError, match="columns phi, log_pt of the constituents are missing"):
        PairInteractions(2, ("eta", "m"))
    with pytest.raises(ConfigError, match="num_heads is 0 but must be positive"):
        PairInteractions(0, COLUMNS)
    with pytest.raises(ConfigError, match=r"units\[1\] is 0 but must be positive"):
        PairInteractions(2, COLUMNS, units=(4, 0))
