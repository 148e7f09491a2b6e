"""Every network of the registry: one contract for all. What it may depend on, saving, precision, gradients.

MSCAT_ALL_NETWORKS=1 tries batches of any length with all of them, not with four only.
"""

import functools
import os
from dataclasses import replace

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from mscat_tf.config import ModelSettings
from mscat_tf.errors import ConfigError
from mscat_tf.models import registry
from mscat_tf.models.inputs import InputSpecification, Statistics, log_columns
from mscat_tf.models.predictor import logit_model
from mscat_tf.models.registry import MODELS, build
from tests.models.mock_inputs import NAMES, SIZES, VARIABLES, inputs_of, mock_inputs, moved_weights, sizes_of, tiny

ORDERED = ("released",)
"""Networks that see the order of the constituents: they add the i-th constituents of the jets."""
READS_CONSTITUENTS = [name for name in NAMES if "constituents" in registry.streams(tiny(name))]
READS_JETS = [name for name in NAMES if registry.streams(tiny(name))]
READS_KINEMATICS = [name for name in NAMES if name != "substructure_only"]
NEED_A_LENGTH = ("joint_attention", "particle_net", "particle_net_light", "particle_transformer")
ANY_LENGTH = [name for name in NAMES if name not in NEED_A_LENGTH]
CHANGED = [("mscat", {"shared_encoder": False, "merge": "add"})]


@functools.cache
def network(name):
    """One network of each name, with weights away from their start."""
    keras.utils.set_random_seed(5)
    return moved_weights(build(tiny(name), sizes_of(name)))


@functools.cache
def compiled_logits(name):
    """The same network as a compiled function, for tests that call it often: one trace for any number of events."""
    signature = {tensor.name: tf.TensorSpec(tensor.shape, tensor.dtype) for tensor in network(name).inputs}
    return tf.function(logit_model(network(name)), input_signature=[signature])


def events(name, number, seed=0, least=1):
    return mock_inputs(number, seed, sizes_of(name), least)


def logits(name, inputs):
    return np.asarray(compiled_logits(name)(inputs_of(network(name), inputs)))


def logits_of(model, inputs):
    return np.asarray(logit_model(model)(inputs_of(model, inputs)))


def tokens_and_masks(name, jet):
    """Names of the inputs of one jet, stream by stream."""
    return [sizes_of(name).stream(stream).input_names(jet) for stream in registry.streams(tiny(name))]


@pytest.mark.parametrize("name", NAMES)
def test_inputs_are_those_of_the_streams_in_alphabetical_order(name):
    found = [tensor.name for tensor in network(name).inputs]
    wanted = {part for jet in (1, 2) for pair in tokens_and_masks(name, jet) for part in pair}
    wanted |= {"kinematics"} if name in READS_KINEMATICS else set()
    wanted |= {"high_level_1", "high_level_2"} if registry.high_level(tiny(name)) else set()
    extra = {part for part in found if part.startswith("lund_parent_") or part == "event_shapes"}
    assert found == sorted(wanted | extra)
    assert [layer.name for layer in network(name).layers[-2:]] == ["logit", "score"]
    assert network(name).output.dtype == "float32"


@pytest.mark.parametrize("name", READS_JETS)
@settings(max_examples=6, deadline=None)
@given(junk=st.sampled_from([np.nan, np.inf, -1e6, 17.0]), seed=st.integers(0, 100))
def test_padding_cannot_be_seen(name, junk, seed):
    clean, dirty = events(name, 4, seed, least=0), events(name, 4, seed, least=0)
    for jet in (1, 2):
        for tokens, mask in tokens_and_masks(name, jet):
            dirty[tokens][~dirty[mask]] = junk
    np.testing.assert_array_equal(logits(name, clean), logits(name, dirty))


@pytest.mark.parametrize(("name", "changes"), [*((name, {}) for name in READS_JETS), ("mscat", {"merge": "add"})])
def test_more_padding_changes_nothing(name, changes):
    """The same weights with three more empty places per jet: padding must not take anything from real tokens."""
    sizes = sizes_of(name)
    more = {
        field: getattr(sizes, field) + 3
        for field in ("constituents", "declusterings", "subjets")
        if getattr(sizes, field)
    }
    wider = InputSpecification(**{**sizes.__dict__, **more})
    narrow = moved_weights(build(tiny(name, **changes), sizes)) if changes else network(name)
    wide = build(tiny(name, **changes), wider)
    wide.set_weights(narrow.get_weights())
    inputs, padded = events(name, 4, least=0), {}
    for part, values in inputs.items():
        width = [(0, 0), (0, 3), (0, 0)][: values.ndim]
        fill = -1 if "parent" in part else 0
        is_set = part[-1].isdigit() and not part.startswith("high_level_")
        padded[part] = np.pad(values, width, constant_values=fill) if is_set else values
    np.testing.assert_allclose(logits_of(narrow, inputs), logits_of(wide, padded), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "name", ANY_LENGTH if os.environ.get("MSCAT_ALL_NETWORKS") else ("mscat", "cnn_image", "deep_sets", "mixer")
)
def test_batches_may_have_any_length(name):
    """One trace for all lengths, as in training; cut after the fourth constituent it is as with the others hidden."""
    free = build(tiny(name), replace(sizes_of(name), constituents=None))
    free.set_weights(network(name).get_weights())
    signature = [{x.name: tf.TensorSpec(x.shape, x.dtype) for x in free.inputs}]
    of_free = tf.function(lambda inputs: free(inputs), input_signature=signature)
    long = inputs_of(free, events(name, 4, least=0))
    tokens = [key for key in long if key.startswith(("constituents_", "mask_"))]
    short = long | {key: long[key][:, :4] for key in tokens}
    hidden = long | {
        key: long[key] * (np.arange(SIZES.constituents) < 4).reshape(-1, *[1] * (long[key].ndim - 2)) for key in tokens
    }
    np.testing.assert_allclose(of_free(long), network(name)(long), atol=1e-5)
    np.testing.assert_allclose(of_free(short), network(name)(hidden), atol=1e-5)


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        *((name, {}) for name in NEED_A_LENGTH),
        ("mscat", {"pair_interactions": True}),
        ("concatenation", {"masks": False}),
        ("released", {"released": {"form": "single"}}),
        ("released", {"released": {"faults": {"query_mask": True}}}),
    ],
)
def test_a_network_that_needs_a_length_says_so(name, changes):
    sentence = f"network '{name}' .* needs a fixed number of constituents; set train.length_buckets=1"
    with pytest.raises(ConfigError, match=sentence):
        build(tiny(name, **changes), replace(sizes_of(name), constituents=None))


@pytest.mark.parametrize("name", [name for name in READS_CONSTITUENTS if name not in ORDERED])
@settings(max_examples=6, deadline=None)
@given(order=st.permutations(range(SIZES.constituents)), jet=st.sampled_from([1, 2]))
def test_constituents_are_a_set(name, order, jet):
    inputs, moved = events(name, 4), events(name, 4)
    for part in ("constituents", "mask"):
        moved[f"{part}_{jet}"] = moved[f"{part}_{jet}"][:, order]
    scores = [1 / (1 + np.exp(-logits(name, values))) for values in (inputs, moved)]
    np.testing.assert_allclose(*scores, atol=1e-5)


@pytest.mark.parametrize("name", ORDERED)
def test_networks_that_see_the_order_are_named(name):
    inputs, moved = events(name, 4, least=4), events(name, 4, least=4)
    for part in ("constituents", "mask"):
        moved[f"{part}_1"] = moved[f"{part}_1"][:, ::-1]
    assert np.abs(logits(name, inputs) - logits(name, moved)).max() > 1e-4


@pytest.mark.parametrize("name", [name for name in READS_JETS if name not in ORDERED])
def test_the_jets_are_not_interchangeable(name):
    """A shared encoder or trunk must still know which jet is which."""
    inputs = events(name, 4)
    other = {"1": "2", "2": "1"}
    swapped = {part[:-1] + other.get(part[-1], part[-1]): values for part, values in inputs.items()}
    assert np.abs(logits(name, inputs) - logits(name, swapped)).max() > 1e-6


@pytest.mark.parametrize("name", NAMES)
def test_every_input_matters(name):
    """In every single event: neither scale may be lost on the way to the score."""
    inputs = events(name, 6, least=2)
    for changed in (tensor.name for tensor in network(name).inputs):
        if "mask" not in changed and "parent" not in changed:
            moved = {**inputs, changed: inputs[changed] * np.float32(1.3)}
            assert np.abs(logits(name, inputs) - logits(name, moved)).min() > 1e-6, changed


def sparse_events(name):
    """An event without any constituent, one with a single one in each jet, and one with several."""
    inputs = events(name, 3, least=3)
    for jet in (1, 2):
        for _, mask in tokens_and_masks(name, jet):
            inputs[mask][0], inputs[mask][1] = False, False
            inputs[mask][1, 0] = True
    return inputs


@pytest.mark.parametrize(("name", "changes"), [*((name, {}) for name in NAMES), *CHANGED])
def test_the_gradient_is_finite_and_reaches_every_weight(name, changes):
    """Finite in events without constituents, with a single one and with all; it reaches every weight in the last.

    Biases of keys alone may have no gradient: softmax does not see a shift that is common to all keys.
    """
    model = build(tiny(name, **changes), sizes_of(name)) if changes else network(name)
    for inputs, complete in ((sparse_events(name), False), (events(name, 12, least=2), True)):
        labels = (np.arange(len(inputs["kinematics"])) % 2).astype("float32")[:, None]
        gradients = gradients_of(model, inputs, labels)
        assert all(np.isfinite(values).all() for values in gradients.values())
        dead = [path for path, values in gradients.items() if not np.any(values)]
        assert not complete or [path for path in dead if "/key/bias" not in path] == []


def gradients_of(model, inputs, labels):
    with tf.GradientTape() as tape:
        found = logit_model(model)(inputs_of(model, inputs))
        loss = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels, found))
    weights = model.trainable_variables
    return {w.path: np.asarray(g) for w, g in zip(weights, tape.gradient(loss, weights), strict=True)}


@pytest.mark.parametrize("name", NAMES)
def test_saved_network_agrees_exactly(name, tmp_path):
    network(name).save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert [layer.name for layer in again.layers] == [layer.name for layer in network(name).layers]
    np.testing.assert_array_equal(logits_of(network(name), events(name, 5)), logits_of(again, events(name, 5)))


@pytest.mark.parametrize("name", NAMES)
def test_half_precision_agrees(name):
    """The same weights under `mixed_bfloat16`: eight bits of mantissa, so a few per cent of what the logits span."""
    inputs, weights = events(name, 8, least=2), network(name).get_weights()
    full = logits(name, inputs)
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        half = build(tiny(name), sizes_of(name))
        half.set_weights(weights)
        assert half.output.dtype == "float32"
        rounded = logits_of(half, inputs)
    finally:
        keras.config.set_dtype_policy("float32")
    assert np.isfinite(rounded).all()
    np.testing.assert_allclose(rounded, full, atol=0.1 * max(1.0, float(np.abs(full).max())))


def test_lists_and_dicts_give_the_same():
    inputs = events("mscat", 4)
    np.testing.assert_array_equal(network("mscat")(inputs), network("mscat")(list(inputs.values())))


@pytest.mark.parametrize("name", ["mscat", "kinematics_only"])
def test_training_lowers_the_loss(name):
    """Signal has twice the mass, which both can see; compiled as in a training."""
    keras.utils.set_random_seed(3)
    model = build(tiny(name, dropout_rate=0.0), SIZES)
    inputs, labels = mock_inputs(64, least=2), (np.arange(64) % 2).astype("float32")[:, None]
    inputs["kinematics"][..., 0] *= 1 + labels
    optimizer = keras.optimizers.Adam(3e-3)
    optimizer.build(model.trainable_variables)

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(keras.losses.binary_crossentropy(labels, model(inputs_of(model, inputs))))
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        return loss

    first = step()
    for _ in range(30):
        last = step()
    assert last < 0.9 * first


def test_building_is_repeatable():
    weights = []
    for _ in range(2):
        keras.utils.set_random_seed(9)
        weights.append(build(tiny(), SIZES).get_weights())
    for first, second in zip(*weights, strict=True):
        np.testing.assert_array_equal(first, second)


def test_statistics_travel_in_the_network():
    """Scaled inputs with scaled statistics give the same score: kinematics without logarithm."""
    inputs, plain = mock_inputs(4), Statistics.identity(SIZES)
    columns = len(SIZES.kinematic_features)
    scaled = Statistics(
        plain.constituent_mean, plain.constituent_width, ((10.0,) * columns,) * 3, ((50.0,) * columns,) * 3
    )
    networks = []
    for statistics in (plain, scaled):
        keras.utils.set_random_seed(6)
        networks.append(build(tiny(log_features=False), SIZES, statistics))
    moved = {**inputs, "kinematics": inputs["kinematics"] * 50 + 10}
    np.testing.assert_allclose(networks[0](inputs), networks[1](moved), atol=1e-4)


OTHER_SCALES = {
    "three jets and a lepton": InputSpecification(
        jets=3, constituents=4, tokens=5, declusterings=3, subjets=2, high_level=VARIABLES
    ),
    "one jet and event shapes": InputSpecification(
        jets=1, constituents=5, tokens=1, declusterings=4, event_shapes=("sphericity",), subjets=3, high_level=VARIABLES
    ),
}


@pytest.mark.filterwarnings("ignore:.*softmax over axis:UserWarning")
@pytest.mark.parametrize("scales", OTHER_SCALES)
@pytest.mark.parametrize("name", NAMES)
def test_other_numbers_of_jets_and_tokens_fit(name, scales):
    sizes = OTHER_SCALES[scales]
    model = build(tiny(name), sizes)
    assert np.isfinite(logits_of(model, mock_inputs(3, sizes=sizes))).all()
    names = {tensor.name for tensor in model.inputs}
    sees_event = "kinematics" in names and name != "released"
    assert ("event_shapes" in names) == (bool(sizes.event_shapes) and sees_event)


def test_only_positive_columns_are_logarithmic():
    assert log_columns(("eta", "phi", "pt", "log_pt"), True) == (False, False, True, False)
    assert log_columns(("m", "eta", "phi", "pt", "energy", "theta"), True) == (True, False, False, True, True, False)
    assert log_columns(("m", "pt"), False) == (False, False)


def test_unknown_network_names_the_nearest():
    with pytest.raises(ConfigError, match=r"unknown network 'mscut'; did you mean 'mscat'.*kinematics_only"):
        build(ModelSettings(name="mscut"))


def test_every_entry_says_what_it_is():
    assert all(entry.summary and entry.reference for entry in MODELS.values())
