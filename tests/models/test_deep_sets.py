"""Particle Flow and Energy Flow Networks."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from mscat_tf.config import ModelSettings
from mscat_tf.errors import ConfigError
from mscat_tf.layers import MaskedSum, MomentumWeightedSum
from mscat_tf.models.count import parameters
from mscat_tf.models.inputs import InputSpecification, Statistics
from mscat_tf.models.registry import build
from tests.layer_checks import check_layer
from tests.models.mock_inputs import SIZES, mock_inputs, moved_weights, tiny

FLOW, ENERGY = "deep_sets", "deep_sets_energy_flow"
ONE_JET = InputSpecification(jets=1, constituents=6, tokens=1)
STATISTICS = Statistics((0.1, -0.2, 2.5, 3.0), (0.5, 0.4, 1.5, 0.7), ((0.0,) * 6,), ((1.0,) * 6,))
RNG = np.random.default_rng(8)
TOKENS = RNG.normal(size=(3, 5, 4)).astype("float32")
MOMENTA = RNG.exponential(30, (3, 5, 1)).astype("float32")
MASK = np.arange(5) < np.array([[4], [1], [0]])


@pytest.fixture(scope="module")
def networks():
    """Both forms for one jet, weights away from their start."""
    keras.utils.set_random_seed(3)
    return {name: moved_weights(build(tiny(name), ONE_JET, STATISTICS)) for name in (FLOW, ENERGY)}


@pytest.fixture(scope="module")
def scorers(networks):
    """Logits: a score near 0 or 1 would hide differences."""
    logits = {name: keras.Model(net.inputs, net.get_layer("logit").output) for name, net in networks.items()}
    return {name: tf.function(network, reduce_retracing=True) for name, network in logits.items()}


def by_hand(network, tokens, mask):
    """Logit of one jet, constituent by constituent, in NumPy with the weights of the network."""
    weights = {weight.path: np.asarray(weight, "float64") for weight in network.weights}

    def dense(values, name):
        return values @ weights[f"{name}/kernel"] + weights[f"{name}/bias"]

    energy_flow = network.name == ENERGY
    total = sum(pt for (_, _, pt, _), real in zip(tokens, mask, strict=True) if real)
    summed = 0.0
    for (eta, phi, pt, log_pt), real in zip(tokens.astype("float64"), mask, strict=True):
        if not real:
            continue
        values = np.array([(eta - 0.1) / 0.5, (phi + 0.2) / 0.4])
        if not energy_flow:
            values = np.append(values, [(np.log(pt) - 2.5) / 1.5, (log_pt - 3.0) / 0.7])
        for name in ("phi_1", "phi_2"):
            values = np.maximum(dense(values, name), 0)
        summed = summed + values * (pt / total if energy_flow else 1.0)
    return dense(np.maximum(dense(summed, "head_1"), 0), "logit")[0]


def test_layer_contracts(tmp_path):
    check_layer(MaskedSum, {}, {"tokens": TOKENS, "token_mask": MASK}, tmp_path)
    inputs = {"tokens": TOKENS, "momenta": MOMENTA, "token_mask": MASK}
    check_layer(MomentumWeightedSum, {}, inputs, tmp_path)


def test_sums_by_hand():
    expected = np.zeros((2, 3, 4))
    for jet in range(3):
        total = sum(MOMENTA[jet, i, 0] for i in range(5) if MASK[jet, i])
        for i in range(5):
            if MASK[jet, i]:
                expected[0, jet] += TOKENS[jet, i]
                expected[1, jet] += TOKENS[jet, i] * MOMENTA[jet, i, 0] / total
    np.testing.assert_allclose(MaskedSum()(TOKENS, MASK), expected[0], atol=1e-6)
    np.testing.assert_allclose(MomentumWeightedSum()(TOKENS, MOMENTA, MASK), expected[1], atol=1e-6)


@pytest.mark.parametrize("junk", [np.nan, np.inf, -1e30])
def test_padding_of_the_sums_has_no_influence(junk):
    tokens, momenta = (np.where(MASK[..., None], values, np.float32(junk)) for values in (TOKENS, MOMENTA))
    np.testing.assert_array_equal(MaskedSum()(tokens, MASK), MaskedSum()(TOKENS, MASK))
    layer = MomentumWeightedSum()
    np.testing.assert_array_equal(layer(tokens, momenta, MASK), layer(TOKENS, MOMENTA, MASK))


@pytest.mark.parametrize("name", [FLOW, ENERGY])
def test_logit_by_hand(networks, scorers, name):
    inputs = mock_inputs(7, seed=4, sizes=ONE_JET)
    expected = [by_hand(networks[name], *jet) for jet in zip(inputs["constituents_1"], inputs["mask_1"], strict=True)]
    found = np.asarray(scorers[name](inputs))[:, 0]
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)
    assert np.ptp(found) > 0.1


def test_published_sizes():
    """Particle Flow Network: 82 K, arXiv:1902.09914, with (eta, phi, pT) and two outputs. The other: two columns."""
    assert parameters(build(ModelSettings(name=FLOW), ONE_JET)) == pytest.approx(82_000, rel=0.03)
    as_published = build(ModelSettings(name=FLOW), InputSpecification(1, 6, 1, ("eta", "phi", "pt")))
    energy_flow = build(ModelSettings(name=ENERGY), ONE_JET)
    assert parameters(as_published) - parameters(energy_flow) == 100


def test_setting_and_name_choose_the_same_network(networks):
    section = {**tiny(FLOW).deep_sets.model_dump(), "form": "energy_flow"}
    by_setting = build(tiny(FLOW, deep_sets=section), ONE_JET, STATISTICS)
    by_setting.set_weights(networks[ENERGY].get_weights())
    inputs = mock_inputs(3, sizes=ONE_JET)
    np.testing.assert_array_equal(by_setting(inputs), networks[ENERGY](inputs))


def split(inputs, fraction):
    """The first constituent of every jet as two in its direction, with so much of its momentum in the first."""
    tokens, mask = inputs["constituents_1"].copy(), inputs["mask_1"].copy()
    tokens[:, -1], mask[:, -1] = tokens[:, 0], True
    tokens[:, 0, 2] *= fraction
    tokens[:, -1, 2] *= 1 - fraction
    tokens[..., 3] = np.where(mask, np.log(np.maximum(tokens[..., 2], 1e-9)), 0)
    return {"constituents_1": tokens, "mask_1": mask}


def with_soft(inputs, pt):
    """One more constituent far from the others, with this momentum."""
    tokens, mask = inputs["constituents_1"].copy(), inputs["mask_1"].copy()
    tokens[:, -1], mask[:, -1] = [0.9, -0.8, pt, np.log(pt)], True
    return {"constituents_1": tokens, "mask_1": mask}


def with_room(seed):
    """Jets of at most five constituents in six places."""
    inputs = mock_inputs(5, seed, sizes=ONE_JET)
    inputs["mask_1"][:, -1] = False
    return inputs


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 500), fraction=st.floats(0.02, 0.98))
def test_collinear_safety(scorers, seed, fraction):
    inputs = with_room(seed)
    moved = {name: score(split(inputs, fraction)) - score(inputs) for name, score in scorers.items()}
    np.testing.assert_allclose(moved[ENERGY], 0, atol=1e-5)
    assert np.abs(moved[FLOW]).max() > 0.01, "a plain sum counts a split constituent twice"


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 500))
def test_infrared_safety(scorers, seed):
    """What a soft constituent changes falls with its momentum, in a plain sum it does not."""
    inputs = with_room(seed)
    change = {
        (name, pt): np.abs(score(with_soft(inputs, pt)) - score(inputs)).max()
        for name, score in scorers.items()
        for pt in (0.1, 0.001)
    }
    assert change[ENERGY, 0.001] < 0.03 * change[ENERGY, 0.1] < 3e-4
    assert change[FLOW, 0.001] > 0.1


@pytest.mark.parametrize("name", [FLOW, ENERGY])
@settings(max_examples=10, deadline=None)
@given(junk=st.sampled_from([np.nan, np.inf, -1e6]), order=st.permutations(range(6)))
def test_padding_and_order(scorers, name, junk, order):
    clean, dirty = mock_inputs(5, sizes=ONE_JET, least=0), mock_inputs(5, sizes=ONE_JET, least=0)
    dirty["constituents_1"][~dirty["mask_1"]] = junk
    np.testing.assert_array_equal(scorers[name](dirty), scorers[name](clean))
    moved = {part: values[:, order] for part, values in clean.items() if part != "kinematics"}
    np.testing.assert_allclose(scorers[name](moved), scorers[name](clean), atol=1e-5)


@pytest.mark.parametrize("name", [FLOW, ENERGY])
def test_saved_network_agrees_exactly(networks, name, tmp_path):
    networks[name].save(tmp_path / "model.keras")
    inputs = mock_inputs(5, sizes=ONE_JET)
    again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(again(inputs), networks[name](inputs))


@pytest.mark.parametrize("name", [FLOW, ENERGY])
def test_gradients_without_constituents_are_finite(name):
    """With respect to weights and to inputs: an empty jet, and one constituent without momentum."""
    model, inputs = build(tiny(name), SIZES), mock_inputs(4)
    inputs["mask_1"][:2], inputs["mask_2"][:2] = False, np.arange(6) < 1
    inputs["constituents_1"][:2], inputs["constituents_2"][0] = np.nan, 0.0
    variables = {key: tf.constant(value) for key, value in inputs.items()}
    with tf.GradientTape() as tape:
        tape.watch([variables["constituents_1"], variables["constituents_2"]])
        score = model(variables)
    wanted = [*model.trainable_variables, variables["constituents_1"], variables["constituents_2"]]
    assert np.isfinite(score).all()
    assert all(np.isfinite(gradient).all() for gradient in tape.gradient(score, wanted))


def test_missing_momentum_is_named():
    with pytest.raises(ConfigError, match=r"needs the constituents' pt but pt is not among eta, phi"):
        build(tiny(ENERGY), InputSpecification(constituent_features=("eta", "phi")))
