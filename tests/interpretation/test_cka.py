"""CKA against its definition: rotations, explicit Gram matrices, sums over distinct events, independence."""

import math
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ortho_group

from mscat_tf.errors import InputError
from mscat_tf.interpretation.cka import (
    MOST_GROUPS,
    AlignmentSums,
    alignment,
    biased_hsic,
    cka,
    linear_gram,
    median_distance,
    rbf_gram,
    unbiased_hsic,
)


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def related(n, seed=0, features=6):
    """Two representations that share some directions."""
    common = normal(n, 3, seed=seed)
    first = np.hstack([common, normal(n, features, seed=seed + 1)])
    return first, common @ normal(3, 5, seed=99) + 0.7 * normal(n, 5, seed=seed + 2)


@pytest.mark.parametrize("kernel", ["linear", "rbf"])
@given(seed=st.integers(0, 1000), scale=st.floats(1e-3, 1e3), shift=st.floats(-10, 10))
def test_one_for_what_is_rotated_scaled_and_moved(kernel, seed, scale, shift):
    values = normal(9, 4, seed=seed)
    turned = scale * values @ ortho_group.rvs(4, random_state=seed) + shift
    for biased in (False, True):
        assert cka(values, values, kernel, biased) == pytest.approx(1)
        assert cka(values, turned, kernel, biased) == pytest.approx(1)
    other = normal(9, 3, seed=seed + 1)
    assert cka(turned, other, kernel) == pytest.approx(cka(values, other, kernel), abs=1e-9)


def test_other_linear_maps_do_change_it():
    values = normal(40, 4)
    assert cka(values, values * [1, 1, 1, 30]) < 0.8


def gram_by_definition(values, kernel, width):
    """Pair by pair, about no mean."""
    pairs = np.array([[(a, b) for b in values] for a in values])
    if kernel == "linear":
        return (pairs[:, :, 0] * pairs[:, :, 1]).sum(-1)
    return np.exp(-((pairs[:, :, 0] - pairs[:, :, 1]) ** 2).sum(-1) / (2 * width**2))


def grams(kernel):
    """Ours and those of the definition, of two representations of six events, far from the origin."""
    ours, theirs = [], []
    for values in (normal(6, 3) + 2, normal(6, 5, seed=1) - 1):
        gram = linear_gram(values)
        width = median_distance(gram)
        assert width == pytest.approx(np.median([np.linalg.norm(a - b) for a, b in permutations(values, 2)]))
        ours.append(rbf_gram(gram, width) if kernel == "rbf" else gram)
        theirs.append(gram_by_definition(values, kernel, width))
    return ours, theirs


@pytest.mark.parametrize("kernel", ["linear", "rbf"])
def test_unbiased_hsic_is_the_mean_over_distinct_events(kernel):
    """Gretton's three expectations, each as a mean over tuples of different events (Song et al., section 2.3)."""
    (ours, other), (k, m) = grams(kernel)
    pairs = np.mean([k[i, j] * m[i, j] for i, j in permutations(range(6), 2)])
    triples = np.mean([k[i, j] * m[i, q] for i, j, q in permutations(range(6), 3)])
    fours = np.mean([k[i, j] * m[q, r] for i, j, q, r in permutations(range(6), 4)])
    found = unbiased_hsic(np.stack([ours, other]), other[None])
    assert found.shape == (2, 1)
    assert found[0, 0] == pytest.approx(pairs + fours - 2 * triples)


@pytest.mark.parametrize("kernel", ["linear", "rbf"])
def test_biased_form_is_that_of_centring_matrices(kernel):
    (ours, other), (k, m) = grams(kernel)
    centre = np.eye(6) - 1 / 6

    def hsic(a, b):
        return np.trace(a @ centre @ b @ centre) / 25

    assert biased_hsic(ours[None], other[None])[0, 0] == pytest.approx(hsic(k, m))
    usual = hsic(k, m) / math.sqrt(hsic(k, k) * hsic(m, m))
    found = alignment(*(biased_hsic(a[None], b[None]) for a, b in ((ours, other),)), *self_hsic(ours, other))
    assert found[0, 0] == pytest.approx(usual)


def self_hsic(*each):
    return [biased_hsic(gram[None], gram[None])[0] for gram in each]


def test_linear_form_is_that_of_cross_covariances():
    """Kornblith et al., equation 4: |Y^T X|^2 / (|X^T X| |Y^T Y|) of centred columns, Frobenius norms."""
    first, second = related(30)
    x, y = first - first.mean(axis=0), second - second.mean(axis=0)
    wanted = np.linalg.norm(y.T @ x) ** 2 / (np.linalg.norm(x.T @ x) * np.linalg.norm(y.T @ y))
    assert cka(first, second, biased=True) == pytest.approx(wanted)


def in_batches(first, second, size, **options):
    sums = AlignmentSums(1, 1, **options)
    for start in range(0, len(first), size):
        sums.add([first[start : start + size]], [second[start : start + size]])
    return sums


def test_independent_representations_score_zero_but_not_in_the_biased_form():
    first, second = normal(400, 200), normal(400, 200, seed=1)
    sums = in_batches(first, second, 40)
    assert (np.abs(sums.value()) < np.minimum(4 * sums.error(), 0.06)).all()
    for kernel in ("linear", "rbf"):
        assert cka(first[:40], second[:40], kernel, biased=True) > 0.7


def test_size_of_the_batches_moves_no_expectation():
    """And the error says how far an estimate is off."""
    first, second = related(1600)
    found = {size: in_batches(first, second, size) for size in (8, 40, 400)}
    value = {size: sums.value()[:, 0, 0] for size, sums in found.items()}
    error = {size: sums.error()[:, 0, 0] for size, sums in found.items()}
    assert 0.2 < value[400][0] < 0.8
    assert abs(value[8] - value[400])[0] < 4 * error[8][0]  # a Gaussian kernel of eight events has a width of its own
    assert (abs(value[40] - value[400]) < 4 * np.hypot(error[40], error[400]) + [0, 0.02]).all()
    biased = np.mean([cka(a, b, biased=True) for a, b in zip(np.split(first, 200), np.split(second, 200), strict=True)])
    assert biased > value[400][0] + 0.1


def test_error_is_the_spread_over_repetitions():
    found = [in_batches(*related(300, seed=10 * repetition), 20) for repetition in range(1, 41)]
    values, errors = ([getattr(sums, what)()[0, 0, 0] for sums in found] for what in ("value", "error"))
    assert np.mean(errors) == pytest.approx(np.std(values), rel=0.4)
    assert not np.isfinite(in_batches(*related(20), 20).error()).any()


def test_wide_gaussian_kernel_becomes_the_linear_one():
    first, second = related(50)
    wide = in_batches(first, second, 50, fraction=1e4).value()
    near = in_batches(first, second, 50, fraction=0.3).value()
    assert wide[1] == pytest.approx(wide[0], rel=1e-6)
    assert abs(near[1, 0, 0] - near[0, 0, 0]) > 0.01


def test_sums_have_one_size_and_go_on_where_they_were():
    first, second = related(4 * (MOST_GROUPS + 5))
    straight = in_batches(first, second, 4)
    half = in_batches(first[:80], second[:80], 4)
    resumed = AlignmentSums(1, 1)
    resumed.sums |= {name: array.copy() for name, array in half.sums.items()}
    for start in range(80, len(first), 4):
        resumed.add([first[start : start + 4]], [second[start : start + 4]])
    for name, array in straight.sums.items():
        np.testing.assert_array_equal(array, resumed.sums[name])
        assert array.shape == half.sums[name].shape
    assert straight.sums["batches"].sum() == MOST_GROUPS + 5


def test_one_network_is_exactly_itself():
    layers = [normal(20, 3), normal(20, 7, seed=1) @ normal(7, 7, seed=2)]
    sums = AlignmentSums(2, 2)
    sums.add(layers, layers)
    np.testing.assert_allclose(np.diagonal(sums.value(), axis1=1, axis2=2), 1)
    np.testing.assert_allclose(sums.value()[0], sums.value()[0].T)


@pytest.mark.parametrize("constant", [0.0, np.float32(0.1), 1e6])
def test_a_layer_that_says_the_same_of_all_events_has_no_alignment(constant):
    sums = AlignmentSums(2, 1)
    sums.add([np.full((9, 3), constant), normal(9, 2)], [normal(9, 2)])
    assert np.isnan(sums.value()[:, 0]).all()
    assert np.isfinite(sums.value()[:, 1]).all()


def test_four_events_are_the_least():
    assert np.isfinite(cka(normal(4, 2), normal(4, 2, seed=1)))
    with pytest.raises(InputError, match="a batch holds 3 events, but unbiased HSIC needs 4"):
        cka(normal(3, 2), normal(3, 2, seed=1))
