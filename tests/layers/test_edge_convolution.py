"""Edge convolutions, their graphs, and batch normalisation without padding: against loops in NumPy."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from mscat_tf.errors import ConfigError
from mscat_tf.layers import (
    ConstituentFeatures,
    EdgeConvolution,
    MaskedBatchNormalisation,
    NearestNeighbours,
    TreeNeighbours,
)
from mscat_tf.layers.nearest_neighbours import FEW_FEATURES
from tests.layer_checks import check_layer
from tests.models.mock_inputs import moved_weights

RNG = np.random.default_rng(5)
JETS, TOKENS, FEATURES, K = 4, 6, 5, 3
REAL = np.array([6, 4, 1, 0])
MASK = np.arange(TOKENS) < REAL[:, None]
CLOUD = RNG.normal(size=(JETS, TOKENS, FEATURES)).astype("float32")
JUNK = (np.nan, np.inf, -1e30)


def nearest(points, mask, k):
    """For each token the real others by distance, then by place: a list of lists."""
    found = []
    for i, point in enumerate(points):
        others = [j for j in range(len(points)) if mask[i] and mask[j] and j != i]
        found.append(sorted(others, key=lambda j: (np.sum((points[j].astype("f8") - point) ** 2), j))[:k])
    return found


def lists(index, mask):
    """What a graph layer returns, as lists of real neighbours."""
    rows = zip(
        np.asarray(index).reshape(-1, index.shape[-1]), np.asarray(mask).reshape(-1, mask.shape[-1]), strict=True
    )
    return [row[real].tolist() for row, real in rows]


def graph(k=K):
    return tuple(np.asarray(part) for part in NearestNeighbours(k)(CLOUD, MASK))


def with_junk(values, mask, junk):
    return np.where(mask[..., None], values, np.float32(junk))


# --- nearest neighbours


def test_nearest_neighbours_contract(tmp_path):
    check_layer(NearestNeighbours, {"neighbours": 3}, {"coordinates": CLOUD, "token_mask": MASK}, tmp_path)


@pytest.mark.parametrize("dimensions", [2, FEW_FEATURES + 3])
@pytest.mark.parametrize("k", [1, 3, 40])
def test_nearest_neighbours_equal_the_loop(dimensions, k):
    points, real = np.random.default_rng(2).normal(size=(7, 9, dimensions)).astype("float32"), np.arange(7)[:, None] + 1
    mask = np.arange(9) < real
    index, found = NearestNeighbours(k)(with_junk(points, mask, np.nan), mask)
    assert index.shape == found.shape == (7, 9, min(k, 8))
    expected = [row for jet, kept in zip(points, mask, strict=True) for row in nearest(jet, kept, k)]
    assert lists(index, found) == expected


def test_equal_distances_go_to_the_first():
    square = np.array([[[0, 0], [1, 0], [0, 1], [-1, 0], [0, -1], [0, 0]]], "float32")
    index, mask = NearestNeighbours(3)(square, np.ones((1, 6), bool))
    assert lists(index, mask)[0] == [5, 1, 2]
    assert lists(index, mask) == nearest(square[0], np.ones(6), 3)


def test_one_token_has_no_neighbour():
    index, mask = NearestNeighbours(4)(CLOUD[:, :1], np.ones((JETS, 1), bool))
    assert index.shape == (JETS, 1, 1)
    assert not np.any(mask)
    assert np.all(np.asarray(index) == 0)


# --- tree


def tree(nodes, rng, tokens):
    """A random binary tree, places shuffled among the first `nodes`: parents need not stand before children."""
    parent, free = np.full(tokens, -1), [0, 0]
    order = rng.permutation(nodes)
    for number in range(1, nodes):
        parent[order[number]] = order[free.pop(rng.integers(len(free)))]
        free += [number, number]
    return parent


def test_tree_contract(tmp_path):
    parent = np.stack([tree(nodes, RNG, TOKENS) for nodes in REAL]).astype("int32")
    check_layer(TreeNeighbours, {}, {"parent": parent, "token_mask": MASK}, tmp_path)


@given(seed=st.integers(0, 1000), nodes=st.integers(0, 7))
def test_tree_neighbours_equal_the_loop(seed, nodes):
    """Parent and children; what padding claims as its parent is not believed."""
    rng = np.random.default_rng(seed)
    parent, mask = tree(nodes, rng, 7), np.arange(7) < nodes
    told = np.where(mask, parent, rng.integers(-3, 12, 7))[None].astype("int32")
    index, found = TreeNeighbours()(told, mask[None])
    children = [[j for j in range(nodes) if parent[j] == i] for i in range(7)]
    expected = [([parent[i]] if parent[i] >= 0 else []) + children[i] if mask[i] else [] for i in range(7)]
    assert lists(index, found) == expected
    assert sum(map(len, expected)) == 2 * max(nodes - 1, 0)


def test_parent_that_is_padding_counts_as_none():
    index, mask = TreeNeighbours()(np.array([[-1, 0, 3, 0]], "int32"), np.array([[True, True, True, False]]))
    assert lists(index, mask) == [[1], [0], [], []]


def test_tree_of_one_place():
    index, mask = TreeNeighbours()(np.array([[-1]], "int32"), np.array([[True]]))
    assert index.shape == (1, 1, 2)
    assert not np.any(mask)


# --- batch normalisation


def test_normalisation_contract(tmp_path):
    init = {"momentum": 0.7, "epsilon": 0.02}
    check_layer(MaskedBatchNormalisation, init, {"inputs": CLOUD, "token_mask": MASK}, tmp_path)


@pytest.mark.parametrize("junk", JUNK)
def test_moments_are_those_of_real_entries(junk):
    layer = MaskedBatchNormalisation(momentum=0.6, epsilon=1e-4)
    values = RNG.normal(2.0, 3.0, (3, 4, 2, 5)).astype("float32")
    mask = RNG.random((3, 4, 2)) < 0.5
    layer.build(values.shape)
    scale, offset = RNG.normal(size=(2, 5)).astype("float32")
    layer.set_weights([scale, offset, np.full(5, 0.5, "float32"), np.full(5, 2.0, "float32")])
    found = np.asarray(layer(with_junk(values, mask, junk), mask, training=True))
    mean, variance = values[mask].mean(axis=0), values[mask].var(axis=0)
    expected = scale * (values[mask] - mean) / np.sqrt(variance + 1e-4) + offset
    np.testing.assert_allclose(found[mask], expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(layer.moving_mean, 0.6 * 0.5 + 0.4 * mean, rtol=1e-5)
    np.testing.assert_allclose(layer.moving_variance, 0.6 * 2.0 + 0.4 * variance, rtol=1e-5)
    after = np.asarray(layer(values, mask, training=False))[mask]
    moved = (values[mask] - layer.moving_mean) / np.sqrt(np.asarray(layer.moving_variance) + 1e-4)
    np.testing.assert_allclose(after, scale * moved + offset, rtol=1e-4, atol=1e-5)


def test_normalisation_agrees_with_that_of_keras():
    """Output, gradient and running moments, on one device."""
    own, oracle = MaskedBatchNormalisation(0.8, 1e-3), keras.layers.BatchNormalization(momentum=0.8, epsilon=1e-3)
    results = []
    for layer, name in ((own, "token_mask"), (oracle, "mask")):
        layer.build(CLOUD.shape)
        values = tf.constant(CLOUD)
        with tf.GradientTape() as tape:
            tape.watch(values)
            out = layer(values, **{name: MASK}, training=True)
            loss = tf.reduce_sum(tf.where(MASK[..., None], out**3, 0.0))
        results.append([out.numpy()[MASK], tape.gradient(loss, values), *layer.get_weights()])
    for first, second in zip(*results, strict=True):
        np.testing.assert_allclose(first, second, rtol=1e-4, atol=1e-4)


def test_batch_of_padding_moves_nothing():
    layer = MaskedBatchNormalisation()
    layer.build(CLOUD.shape)
    out = layer(CLOUD, np.zeros_like(MASK), training=True)
    assert np.isfinite(out).all()
    assert [float(np.sum(weight)) for weight in layer.get_weights()] == [FEATURES, 0.0, 0.0, FEATURES]


def test_normalisation_refuses_impossible_arguments():
    with pytest.raises(ConfigError, match=r"momentum is 1.0 but must lie in \[0, 1\)"):
        MaskedBatchNormalisation(momentum=1.0)
    with pytest.raises(ConfigError, match="epsilon is 0"):
        MaskedBatchNormalisation(epsilon=0)


# --- edge convolution


def convolve(layer, tokens, neighbours):
    """One jet of real tokens, edge by edge, with the running moments."""
    weights = {weight.path.split(f"{layer.name}/")[-1]: np.asarray(weight, "f8") for weight in layer.weights}

    def normalise(values, name):
        scale, offset, mean, variance = (
            weights[f"{name}/{part}"] for part in ("scale", "offset", "moving_mean", "moving_variance")
        )
        return scale * (values - mean) / np.sqrt(variance + 1e-3) + offset

    def edge(own, difference):
        values = np.concatenate([own, difference])
        for number in range(1, len(layer.widths) + 1):
            kernel = weights["edge_1" if number == 1 else f"edge_{number}/kernel"]
            values = np.maximum(normalise(values @ kernel, f"edge_{number}_norm"), 0.0)
        return values

    out = []
    for own, places in zip(tokens.astype("f8"), neighbours, strict=True):
        total = sum((edge(own, tokens[j] - own) for j in places), np.zeros(layer.widths[-1]))
        kept = own if layer.identity else normalise(own @ weights["shortcut/kernel"], "shortcut_norm")
        out.append(np.maximum(kept + total / max(len(places), 1), 0.0))
    return np.array(out).reshape(len(tokens), layer.widths[-1])


def convolution(widths):
    keras.utils.set_random_seed(3)
    layer = EdgeConvolution(widths)
    layer(CLOUD, MASK, *graph())
    return moved_weights(layer)


@pytest.fixture(scope="module", params=[(4, 7), (8, 7, FEATURES), (4,)], ids=str)
def layer(request):
    """Shortcut with weights; identity as shortcut; a single layer."""
    return convolution(request.param)


def test_convolution_contract(tmp_path):
    index, mask = graph()
    inputs = {"tokens": CLOUD, "token_mask": MASK, "neighbours": index, "neighbour_mask": mask}
    check_layer(EdgeConvolution, {"widths": (4, 7)}, inputs, tmp_path)


def test_convolution_equals_the_loop(layer):
    """Also that a lone constituent gets nothing but its shortcut, and padding leaves as 0."""
    index, mask = graph()
    found = np.asarray(layer(CLOUD, MASK, index, mask))
    for jet, real in enumerate(REAL):
        expected = convolve(layer, CLOUD[jet, :real], lists(index[jet, :real], mask[jet, :real]))
        np.testing.assert_allclose(found[jet, :real], expected, rtol=1e-4, atol=1e-5)
        assert np.all(found[jet, real:] == 0)
    assert [len(row) for row in lists(index[2], mask[2])] == [0] * TOKENS


@pytest.mark.parametrize("training", [False, True])
def test_padding_has_no_influence(training):
    """Junk in padding, and indices that point to it where the mask says that there is no neighbour."""
    index, mask = graph()
    misled, junk = np.where(mask, index, TOKENS - 1), np.array(JUNK, "float32")
    dirty = np.where(MASK[..., None], CLOUD, np.resize(junk, CLOUD.shape))
    found = []
    for tokens, places in ((CLOUD, index), (dirty, misled)):
        layer = convolution((4, 7))
        found.append([layer(tokens, MASK, places, mask, training=training), *layer.get_weights()])
    for clean, other in zip(*found, strict=True):
        np.testing.assert_array_equal(clean, other)


@pytest.fixture(scope="module")
def compiled():
    """Graph and convolution together, traced once."""
    layer, search = convolution((4, 7)), NearestNeighbours(K)
    return tf.function(lambda tokens, mask: layer(tokens, mask, *search(tokens, mask)))


@given(order=st.permutations(range(TOKENS)))
def test_tokens_are_a_set(compiled, order):
    found = compiled(tf.gather(CLOUD, order, axis=1), tf.gather(MASK, order, axis=1))
    np.testing.assert_allclose(found, np.asarray(compiled(CLOUD, MASK))[:, np.array(order)], atol=1e-5)


@pytest.mark.parametrize("training", [False, True])
def test_gradients_are_finite_without_neighbours_and_without_tokens(training):
    layer, tokens = convolution((4, 7)), tf.constant(with_junk(CLOUD, MASK, np.nan)[2:])
    index, mask = (part[2:] for part in graph())
    with tf.GradientTape() as tape:
        tape.watch(tokens)
        loss = tf.reduce_sum(layer(tokens, MASK[2:], index, mask, training=training) ** 2)
    assert float(loss) > 0
    for gradient in tape.gradient(loss, [tokens, *(weight.value for weight in layer.trainable_weights)]):
        assert np.isfinite(gradient).all()


def test_convolution_refuses_no_width():
    for widths in ((), (4, 0)):
        with pytest.raises(ConfigError, match="widths is 0 but must be positive"):
            EdgeConvolution(widths)


# --- features of constituents


COLUMNS = ("pt", "phi", "eta")
CONSTITUENTS = np.stack([np.exp(CLOUD[..., 0]), CLOUD[..., 1], CLOUD[..., 2]], axis=-1)


def test_constituent_features_contract(tmp_path):
    check_layer(ConstituentFeatures, {"columns": COLUMNS}, {"tokens": CONSTITUENTS, "token_mask": MASK}, tmp_path)


def test_constituent_features_by_hand():
    found = np.asarray(ConstituentFeatures(COLUMNS)(with_junk(CONSTITUENTS, MASK, np.nan), MASK))
    pt, phi, eta = (float(value) for value in CONSTITUENTS[1, 2])
    share = pt / CONSTITUENTS[1, : REAL[1], 0].sum()
    wanted = [eta, phi, (math.log(pt) - 1.7) * 0.7, (math.log(share) + 4.7) * 0.7, (math.hypot(eta, phi) - 0.2) * 4.0]
    np.testing.assert_allclose(found[1, 2], wanted, rtol=1e-4, atol=1e-5)
    assert np.all(found[~MASK] == 0)
    logarithm = np.concatenate([np.log(CONSTITUENTS[..., :1]), CONSTITUENTS[..., 1:]], axis=-1)
    other = ConstituentFeatures(("log_pt", "phi", "eta"))(logarithm, MASK)
    np.testing.assert_allclose(other, found, atol=1e-5)


def test_constituent_features_at_the_centre_have_finite_gradients():
    tokens = tf.Variable(np.where(MASK[..., None], np.float32([40.0, 0.0, 0.0]), np.float32(np.nan)))
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(ConstituentFeatures(COLUMNS)(tokens, MASK) ** 2)
    assert np.isfinite(tape.gradient(loss, tokens)).all()


def test_constituent_features_name_what_is_missing():
    with pytest.raises(ConfigError, match="columns phi, log_pt of the constituents are missing"):
        ConstituentFeatures(("eta", "m"))
