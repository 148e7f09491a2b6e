"""Every switch of the transformers: it acts, and keeps what the network promises."""

import functools
import typing
from itertools import product

import keras
import numpy as np
import pytest
import tensorflow as tf

from mscat_tf.config import ModelSettings, load_config, shipped_configurations
from mscat_tf.config.base import Settings
from mscat_tf.config.model import Skip
from mscat_tf.errors import ConfigError
from mscat_tf.interpretation.attention import attention_blocks, explanation_model
from mscat_tf.interpretation.token_masks import token_masks
from mscat_tf.layers import DifferentialAttention
from mscat_tf.models.inputs import InputSpecification, Statistics
from mscat_tf.models.registry import build
from tests.models.mock_inputs import SIZES, WITH_TREES, inputs_of, mock_inputs, moved_weights, tiny

EVENTS = 4
SKIPS = typing.get_args(Skip)
SWITCHES = {
    "embedding": {"embedding": "mlp", "embedding_units": (5, 4)},
    "attention": {"attention": "differential", "key_dim": 4},
    "pair_interactions": {"pair_interactions": True, "pair_units": (4,)},
    "masks": {"masks": False},
    "normalisation": {"normalisation": "root_mean_square"},
    "norm_first": {"norm_first": False},
    "shared_encoder": {"shared_encoder": False},
    "distinguish_jets": {"distinguish_jets": False, "pooling": "mean"},
    "merge": {"merge": "add"},
    "without_skips": {"without_skips": ("kinematics_mlp",)},
    "value_from": {"value_from": "kinematics"},
    "pooling": {"pooling": "attention"},
    "class_token": {"pooling": "class_token"},
    "streams": {"streams": ("lund", "constituents")},
}
SEVERAL = InputSpecification(3, 6, 5, declusterings=4, event_shapes=("sphericity", "missing_pt"))
"""Three jets, five kinematic tokens, event shapes."""
COMBINATIONS = {
    "everything new": {
        **{"embedding": "mlp", "embedding_units": (5,), "attention": "differential", "key_dim": 4},
        **{"pair_interactions": True, "pair_units": (4,), "normalisation": "root_mean_square", "norm_first": False},
        **{"distinguish_jets": False, "pooling": "class_token", "streams": ("lund", "constituents")},
        **{"dropout_rate": 0.2, "stochastic_depth": 0.2},
    },
    "kinematic values": {
        **{"value_from": "kinematics", "pooling": "attention", "shared_encoder": False, "merge": "add"},
        **{"pair_interactions": True, "pair_units": (), "normalisation": "root_mean_square"},
    },
    "no masks": {"masks": False, "pooling": "mean", "norm_first": False},
    "pooled jets": {"name": "concatenation", "jet_pooling": "attention", "pooling": "class_token"},
    "joint": {"name": "joint_attention", "attention": "differential", "key_dim": 4, "jet_pooling": "attention"},
    "at once": {
        **{"jets_at_once": True, "fused_attention": True, "pair_interactions": True, "pair_units": (4,)},
        **{"streams": ("lund", "constituents"), "constituent_blocks": 2},
    },
    "no skips": {"without_skips": SKIPS, "norm_first": False, "stochastic_depth": 0.2},
    "swapped": {"name": "mscat_swapped", "attention": "differential", "key_dim": 4, "pooling": "class_token"},
}


def network(changes, sizes=SIZES, statistics=None):
    keras.utils.set_random_seed(4)
    return moved_weights(build(tiny(**{"dropout_rate": 0.0, **changes}), sizes, statistics))


@functools.cache
def combined(combination):
    return network(COMBINATIONS[combination], SEVERAL if "streams" in COMBINATIONS[combination] else SIZES)


def inputs_for(model, least=1):
    jets = sum(tensor.name.startswith("mask_") for tensor in model.inputs)
    return inputs_of(model, mock_inputs(EVENTS, sizes=SEVERAL if jets == SEVERAL.jets else SIZES, least=least))


@pytest.fixture(scope="module")
def plain():
    return network({})


@pytest.mark.parametrize("switch", SWITCHES)
def test_a_switch_acts(plain, switch):
    """Other weights, or with the same ones another score."""
    model = network(SWITCHES[switch], WITH_TREES if switch == "streams" else SIZES)
    if [weight.shape for weight in model.weights] == [weight.shape for weight in plain.weights]:
        model.set_weights(plain.get_weights())
        inputs = inputs_of(model, mock_inputs(EVENTS))
        assert np.abs(np.asarray(model(inputs)) - np.asarray(plain(inputs))).max() > 1e-6


@pytest.mark.parametrize("switch", ["fused_attention", "jets_at_once"])
@pytest.mark.parametrize("others", [{}, {"pair_interactions": True, "constituent_blocks": 2, "masks": False}])
def test_another_way_to_compute_the_same(switch, others):
    """Same weights by name, same scores, and same attention maps though blocks do not return them."""
    plain, model = network(others), network({**others, switch: True})
    weights = {weight.path: weight for weight in plain.weights}
    assert {weight.path for weight in model.weights} == set(weights)
    for weight in model.weights:  # their order is that of the depths of layers, which differ
        weight.assign(weights[weight.path])
    inputs = inputs_for(plain, least=0)
    np.testing.assert_allclose(model(inputs), plain(inputs), atol=1e-6)
    wanted, found = (explanation_model(either)(inputs) for either in (plain, model))
    assert set(found) == set(wanted)
    for name in wanted:
        np.testing.assert_allclose(found[name], wanted[name], atol=1e-6)


def test_a_fused_network_drops_no_score():
    for fused in (True, False):
        model = network({"dropout_rate": 0.3, "fused_attention": fused})
        rates = [layer.attention.dropout.rate for layer in model.layers if hasattr(layer, "attention")]
        assert rates == [0.0 if fused else 0.3] * 3
        assert all(layer.feed_forward.dropout_rate == 0.3 for layer in model.layers if hasattr(layer, "attention"))


@pytest.mark.parametrize("combination", COMBINATIONS)
def test_padding_cannot_be_seen(combination):
    model = combined(combination)
    clean, dirty = inputs_for(model, least=0), inputs_for(model, least=0)
    for name, stream in product(dirty, ("constituents", "lund")):
        if name.startswith(stream) and name.removeprefix(f"{stream}_").isdigit():
            mask = name.replace("constituents", "mask").replace("lund", "lund_mask")
            dirty[name][~dirty[mask]] = np.nan if stream == "constituents" else np.inf
    np.testing.assert_array_equal(model(clean), model(dirty))
    assert np.isfinite(model(clean)).all()


@pytest.mark.parametrize("combination", [name for name in COMBINATIONS if name != "kinematic values"])
def test_constituents_are_a_set(combination):
    """Not with the jets added."""
    model, rng = combined(combination), np.random.default_rng(1)
    inputs = inputs_for(model)
    moved = dict(inputs)
    for tokens, mask in (("constituents", "mask"), ("lund", "lund_mask")):
        for jet in (1, 2, 3):
            if f"{tokens}_{jet}" in inputs:
                order = rng.permutation(inputs[f"{mask}_{jet}"].shape[1])
                moved |= {f"{name}_{jet}": inputs[f"{name}_{jet}"][:, order] for name in (tokens, mask)}
    np.testing.assert_allclose(model(inputs), model(moved), atol=1e-5)


@pytest.mark.parametrize("combination", COMBINATIONS)
def test_the_gradient_reaches_every_weight_and_is_finite(combination):
    """Events without constituents among them. Biases of keys alone have none: softmax does not see them."""
    model = combined(combination)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(tf.square(model(inputs_for(model, least=0)) - 0.3))
    gradients = tape.gradient(loss, model.trainable_variables)
    for weight, gradient in zip(model.trainable_variables, gradients, strict=True):
        assert np.isfinite(gradient).all(), weight.path
        assert np.any(gradient) or weight.path.endswith("key/bias"), weight.path


@pytest.mark.parametrize(("combination", "blocks"), list(zip(COMBINATIONS, (8, 5, 4, 5, 5, 14, 4, 5), strict=True)))
def test_attention_maps(combination, blocks):
    """Rows sum to 1, or to 1 - lambda of their layer; padding gets nothing, unless masks are off."""
    model = combined(combination)
    inputs, explained = inputs_for(model), explanation_model(model)
    scores = explained(inputs)
    np.testing.assert_allclose(scores["score"], model(inputs), atol=1e-6)
    assert len(attention_blocks(explained)) == blocks
    for block in attention_blocks(explained):
        found = np.asarray(scores[block + "_scores"])
        _, keys = token_masks(block, inputs, *found.shape[2:])
        sums = found.sum(axis=-1)
        if model.get_layer(encoder_of(model, block)).attention.__class__ is DifferentialAttention:
            sums = sums + model.get_layer(encoder_of(model, block)).attention.current_lambda()
        np.testing.assert_allclose(sums, 1.0, atol=1e-5)
        assert np.any(found.transpose(0, 3, 1, 2)[~keys]) == (combination == "no masks" and not keys.all())


def encoder_of(model, block):
    """Name of the layer whose scores these are."""
    prefix, _, rest = block.rpartition("_block_")
    if not prefix:
        return f"cross_encoder_{block[-1]}" if "_cross_" in block else f"{block.split('_')[0]}_pooling"
    names = [f"{prefix}_encoder_{rest}", f"{prefix.split('_')[0]}_encoder_{rest}"]
    return next(name for name in names if name in {layer.name for layer in model.layers})


@pytest.mark.parametrize("combination", ["everything new", "kinematic values"])
def test_saved_bit_by_bit_and_dropped_only_in_training(combination, tmp_path):
    model = combined(combination)
    inputs = inputs_for(model, least=0)
    scores = np.asarray(model(inputs))
    assert scores.shape == (EVENTS, 1)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(again(inputs), scores)
    dropped = np.abs(np.asarray(model(inputs, training=True)) - scores).max() > 1e-6
    assert dropped == (combination == "everything new")


@pytest.mark.parametrize(
    ("name", "pooling"),
    [("mscat", "attention"), ("mscat", "class_token"), ("concatenation", "mean"), ("joint_attention", "mean")],
)
def test_jets_that_are_alike_may_be_swapped(name, pooling):
    """Three jets in another order, with their kinematic tokens, though the statistics of the tokens differ."""
    sizes, plain = InputSpecification(3, 4, 5), Statistics.identity(SIZES)
    columns = np.arange(30.0).reshape(5, 6)
    statistics = Statistics(
        plain.constituent_mean, plain.constituent_width, (columns / 9).tolist(), (1 + columns / 20).tolist()
    )
    model = network({"name": name, "distinguish_jets": False, "pooling": pooling}, sizes, statistics)
    inputs, order = inputs_of(model, mock_inputs(EVENTS, sizes=sizes)), [2, 0, 1]
    moved = dict(inputs, kinematics=inputs["kinematics"][:, [*order, 3, 4]])
    for jet, other in enumerate(order, start=1):
        for part in ("constituents", "mask"):
            moved[f"{part}_{jet}"] = inputs[f"{part}_{other + 1}"]
    np.testing.assert_allclose(model(inputs), model(moved), atol=1e-5)
    others = dict(inputs, kinematics=inputs["kinematics"][:, [0, 1, 2, 4, 3]])
    assert np.abs(np.asarray(model(inputs)) - np.asarray(model(others))).max() > 1e-6


def test_statistics_of_jets_that_are_alike_are_those_of_all_of_them():
    """Against the moments of the jets' columns put together."""
    rng = np.random.default_rng(2)
    events = rng.normal(3.0, [[1.0], [4.0], [2.0]], (50, 3, 6)) + np.arange(3.0)[:, None]
    statistics = Statistics((), (), events.mean(axis=0).tolist(), events.std(axis=0).tolist())
    settings = tiny("kinematics_only", distinguish_jets=False, pooling="mean", log_features=False)
    layer = build(settings, SIZES, statistics).get_layer("kinematics_normalisation")
    jets = events[:, :2].reshape(-1, 6)
    np.testing.assert_allclose(layer.mean, [jets.mean(axis=0)] * 2 + [events[:, 2].mean(axis=0)])
    np.testing.assert_allclose(layer.width, [jets.std(axis=0)] * 2 + [events[:, 2].std(axis=0)])


def test_stochastic_depth_rises_to_the_last_block():
    model = build(tiny(stochastic_depth=0.3, constituent_blocks=3, cross_blocks=2, kinematic_blocks=1), SIZES)
    rates = {layer.name: layer.drop.rate for layer in model.layers if hasattr(layer, "drop")}
    expected = {f"constituents_encoder_{number}": number / 10 for number in (1, 2, 3)}
    expected |= {"cross_encoder_1": 0.15, "cross_encoder_2": 0.3, "kinematics_encoder_1": 0.3}
    assert rates == pytest.approx(expected)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"num_heads": 0}, "num_heads.*greater than 0"),
        ({"key_dim": 0}, "key_dim.*greater than 0"),
        ({"cross_blocks": 0}, "cross_blocks.*greater than 0"),
        ({"stochastic_depth": 1.0}, "stochastic_depth.*less than 1"),
        ({"pooling": "max"}, "pooling.*'flatten', 'mean', 'attention' or 'class_token'"),
        ({"streams": "[lund, lund]"}, "names a stream twice"),
        ({"attention": "differential", "key_dim": 3}, "halves key_dim, which is 3; choose an even one"),
        ({"attention": "differential", "value_from": "kinematics"}, "no differential form; set attention: softmax"),
        ({"pair_interactions": "true", "streams": "[lund]"}, "pairs are of constituents; add them to streams"),
        ({"distinguish_jets": "false", "shared_encoder": "false"}, "set shared_encoder: true"),
        ({"attention": "differential", "fused_attention": "true"}, "no fused form; set fused_attention: false"),
        ({"jets_at_once": "true", "shared_encoder": "false"}, "take them together; set shared_encoder: true"),
        ({"distinguish_jets": "false"}, "choose mean, attention or class_token"),
    ],
)
def test_what_cannot_be_is_refused_with_a_sentence(values, sentence):
    with pytest.raises(ConfigError, match=sentence):
        load_config("demo", [f"model.{name}={value}" for name, value in values.items()])


def test_pairs_need_their_columns():
    sizes = InputSpecification(constituents=4, constituent_features=("eta", "pt"))
    with pytest.raises(ConfigError, match=r"columns phi .*data\.constituent_features must hold eta, phi"):
        build(tiny(pair_interactions=True), sizes)


def test_every_switch_has_an_ablation():
    """A file under experiments/ablations changes it; the rest of the file is the demonstration, with subjets or not."""
    base = load_config("demo")
    names = [name for name in shipped_configurations() if name.startswith("ablations/")]
    changed = set()
    for name in names:
        config = load_config(name)
        assert f"ablations/{config.name}" == name
        own = {"model": config.model}
        if config.model.name == "mixer":
            prepared = base.data.preparation.model_copy(update={"subjets": config.data.preparation.subjets})
            own["data"] = base.data.model_copy(update={"preparation": prepared})
        assert config == base.updated([f"name={config.name}"]).model_copy(update=own)
        found, plain = config.model.model_dump(), base.model.model_dump()
        changed |= {key for key in found if found[key] != plain[key]}
    sections = {key for key, value in base.model if isinstance(value, Settings)}
    assert set(ModelSettings.model_fields) - sections - changed == {"kinematics", "pair_units", "head_units"}
