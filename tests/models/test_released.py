"""The released code's networks: sizes to the last weight, padding, and each fault made again on purpose."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf

from mscat_tf.config import ModelSettings
from mscat_tf.models.count import parameters
from mscat_tf.models.inputs import InputSpecification, Statistics
from mscat_tf.models.predictor import logit_model
from mscat_tf.models.registry import build
from tests.models.mock_inputs import SIZES, inputs_of, mock_inputs, moved_weights, tiny

SMALL = {"constituent_layers": 1, "kinematic_layers": 1, "cross_layers": 1, "hidden_units": 8, "head_units": (7,)}
WIDER = InputSpecification(constituents=SIZES.constituents + 3)
B17 = ("depth_of_other_stream", "discarded_cross_layers")
OTHER_FAULTS = ("query_mask", "other_jets_mask", "ignored_cross_mask", "padding_added")


@functools.cache
def template(form, features, jets=1, faults=()):
    """As the released template has it: 50 tokens of so many columns in every stream."""
    columns = tuple(f"column_{number}" for number in range(features))
    sizes = InputSpecification(jets, 50, 50, columns, columns)
    section = {"form": form, "faults": dict.fromkeys(faults, True)}
    return build(ModelSettings(name="released", released=section), sizes)


def network(form="three", faults=(), sizes=SIZES, standardise=True, statistics=None):
    """A small one with weights away from their start; the same weights whatever the faults of the masks."""
    return built(form, faults, sizes, standardise, statistics)


@functools.cache
def built(form, faults, sizes, standardise, statistics):
    keras.utils.set_random_seed(8)
    section = {**SMALL, "form": form, "standardise": standardise, "faults": dict.fromkeys(faults, True)}
    return moved_weights(build(tiny("released", released=section), sizes, statistics))


def logits(model, inputs):
    return np.asarray(logit_model(model)(inputs_of(model, inputs)))


def leaving(model, layer, inputs):
    """What leaves the last call of a layer."""
    found = model.get_layer(layer).output
    return np.asarray(keras.Model(model.inputs, found[0] if isinstance(found, list | tuple) else found)(inputs))


@pytest.mark.parametrize(
    ("count", "arguments"),
    [(59_603, ("single", 7)), (35_874, ("three", 3, 2)), (33_188, ("two", 3)), (31_283, ("two", 3, 1, B17))],
)
def test_template_sizes_of_the_released_code(count, arguments):
    """Counted in the released code itself (Keras), where it ran; 33 188 is what 31 283 was meant to be."""
    assert parameters(template(*arguments)) == count


def test_sizes_with_the_shapes_of_the_talk():
    """50 x 4, 50 x 4, 3 x 6 and five heads everywhere; depths of constituents, kinematics, cross-attention."""
    section = dict.fromkeys(("constituent_heads", "kinematic_heads", "cross_heads"), 5)
    section |= dict.fromkeys(("constituent_layers", "kinematic_layers", "cross_layers"), 1)
    model = build(ModelSettings(name="released", released=section), InputSpecification())
    low, high, cross = (model.get_layer(f"{name}_encoder_1") for name in ("constituents_1", "kinematics", "cross"))
    assert (low.count_params(), high.count_params(), cross.count_params()) == (980, 1_678, 1_566)
    for count, depths in ((16_062, (1, 1, 1)), (23_338, (3, 3, 1)), (26_358, (3, 2, 4)), (36_878, (5, 5, 5))):
        more = [depth - 1 for depth in depths]
        assert parameters(model) + 2 * more[0] * 980 + more[1] * 1_678 + more[2] * 1_566 == count


def test_discarded_layers_leave_one_cross_layer():
    """B17, form `two`: of three cross layers two go, and one of the three layers of the constituents."""
    for faults, cross, constituents in (((), 3, 3), (B17, 1, 2)):
        names = [layer.name for layer in template("two", 3, 1, faults).layers]
        assert sum(name.startswith("cross_encoder") for name in names) == cross
        assert sum(name.startswith("constituents_1_encoder") for name in names) == constituents
        assert sum(name.startswith("kinematics_encoder") for name in names) == 2


def test_dropout_is_that_of_the_released_code():
    for form, rate in (("single", 0.2), ("two", 0.2), ("three", 0.1)):
        model = network(form)
        rates = {layer.rate for layer in model.layers if isinstance(layer, keras.layers.Dropout)}
        assert rates | {model.get_layer("constituents_1_encoder_1").dropout_rate} == {rate}


@pytest.mark.parametrize(
    ("form", "names"),
    [
        ("single", ["constituents_1", "mask_1"]),
        ("two", ["constituents_1", "kinematics", "mask_1"]),
        ("three", ["constituents_1", "constituents_2", "kinematics", "mask_1", "mask_2"]),
    ],
)
def test_what_each_form_reads(form, names):
    assert [tensor.name for tensor in network(form).inputs] == names


def test_faulty_network_has_the_same_size_and_is_saved_exactly(tmp_path):
    """Only the depths of B17 change the size: any other comparison of scores is about the fault."""
    model, inputs = network(faults=OTHER_FAULTS), mock_inputs(4)
    assert parameters(model) == parameters(network())
    model.save(tmp_path / "model.keras")
    np.testing.assert_array_equal(
        logits(model, inputs), logits(keras.models.load_model(tmp_path / "model.keras"), inputs)
    )


def test_the_sigmoid_of_the_logit_is_the_softmax_of_the_two_classes():
    model, inputs = network(), mock_inputs(5)
    powers = np.exp(leaving(model, "classes", inputs).astype("float64"))
    softmax = powers / powers.sum(axis=1, keepdims=True)
    assert np.ptp(softmax[:, 1]) > 1e-3
    np.testing.assert_allclose(np.asarray(model(inputs))[:, 0], softmax[:, 1], atol=1e-6)


@pytest.mark.parametrize(
    ("form", "standardise", "junk"), [("single", False, np.inf), ("two", True, -1e6), ("three", True, np.nan)]
)
def test_padding_values_cannot_be_seen(form, standardise, junk):
    model = network(form, standardise=standardise)
    clean, dirty = mock_inputs(6, least=0), mock_inputs(6, least=0)
    for jet in (1, 2):
        dirty[f"constituents_{jet}"][~dirty[f"mask_{jet}"]] = junk
    np.testing.assert_array_equal(logits(model, clean), logits(model, dirty))


@pytest.mark.parametrize(
    ("faults", "constituents_change", "score_changes"),
    [((), False, False), (("query_mask",), True, True), (("ignored_cross_mask",), False, True)],
)
def test_more_padding_matters_only_with_the_faults_of_the_masks(faults, constituents_change, score_changes):
    """Three more empty places for each jet: with B3 real constituents read them, with B5 the kinematics do."""
    narrow, wide = network(faults=faults), network(faults=faults, sizes=WIDER)
    wide.set_weights(narrow.get_weights())
    inputs = mock_inputs(4)
    padded = {k: np.pad(v, [(0, 0), (0, 3), (0, 0)][: v.ndim]) if k[-1].isdigit() else v for k, v in inputs.items()}
    layer, real = "constituents_1_block_1", inputs["mask_1"]
    tokens = np.abs(leaving(narrow, layer, inputs)[real] - leaving(wide, layer, padded)[:, :6][real]).max(axis=-1)
    scores = np.abs(logits(narrow, inputs) - logits(wide, padded))
    for moved, changed in ((tokens, constituents_change), (scores, score_changes)):
        assert moved.min() > 1e-5 if changed else moved.max() < 1e-5


@pytest.mark.parametrize("faults", [(), ("other_jets_mask", "padding_added")])
def test_jet_1_is_given_the_mask_of_jet_2(faults):
    """B4: hiding a constituent of jet 2 changes the tokens of jet 1."""
    model, inputs, moved = network(faults=faults), mock_inputs(4, least=3), mock_inputs(4, least=3)
    moved["mask_2"][:, 0] = False
    first, second = (leaving(model, "constituents_1_block_1", given) for given in (inputs, moved))
    difference = np.abs(first - second).max(axis=(1, 2))
    assert difference.min() > 1e-4 if faults else difference.max() == 0


def test_with_one_jet_three_streams_are_two():
    """And there is no other jet's mask to be given."""
    inputs = mock_inputs(4)
    model = network(faults=("other_jets_mask",), sizes=InputSpecification(jets=1, constituents=6))
    np.testing.assert_array_equal(logits(model, inputs), logits(network("two"), inputs))


@pytest.mark.parametrize("faults", [(), ("other_jets_mask", "padding_added")])
def test_rows_of_padding_in_the_sum_of_the_jets(faults):
    """Where jet 2 has no constituent the sum is jet 1 alone, or with the fault jet 1 and a row without meaning."""
    model, inputs = network(faults=faults), mock_inputs(4, least=3)
    inputs["mask_2"][:, 2:] = False
    merged = leaving(model, "added_constituents" if faults else "merged_constituents", inputs)
    first, second = (leaving(model, f"constituents_{jet}_block_1", inputs) for jet in (1, 2))
    np.testing.assert_allclose(merged[:, :2], (first + second)[:, :2], atol=1e-5)
    np.testing.assert_allclose(merged[:, 2], (first + second if faults else first)[:, 2], atol=1e-5)
    assert np.abs(second[:, 2]).min() > 1e-3


@pytest.mark.parametrize(("form", "is_a_set"), [("two", True), ("three", False), ("single", False)])
def test_which_forms_read_a_set_of_constituents(form, is_a_set):
    model, inputs, moved = network(form), mock_inputs(4, least=4), mock_inputs(4, least=4)
    for name in ("constituents_1", "mask_1"):
        moved[name] = moved[name][:, [3, 0, 5, 1, 4, 2]]
    difference = np.abs(logits(model, inputs) - logits(model, moved))
    assert difference.max() < 1e-5 if is_a_set else difference.min() > 1e-4


@pytest.mark.parametrize("standardise", [True, False])
def test_raw_numbers_know_no_statistics(standardise):
    plain = Statistics.identity(SIZES)
    shifted = Statistics((0.3,) * 4, (2.0,) * 4, plain.kinematic_mean, plain.kinematic_width)
    models = [
        network("single", standardise=standardise),
        network("single", standardise=standardise, statistics=shifted),
    ]
    found = [logits(model, mock_inputs(3)) for model in models]
    assert (np.abs(found[0] - found[1]).max() > 1e-5) == standardise


@pytest.mark.parametrize("faults", [(), OTHER_FAULTS])
def test_gradients_of_empty_and_single_constituent_jets_are_finite(faults):
    model, inputs = network(faults=faults), mock_inputs(3, least=0)
    for jet in (1, 2):
        inputs[f"mask_{jet}"][:] = np.arange(6) < np.array([[0], [1], [6]])
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(logit_model(model)(inputs))
    for gradient in tape.gradient(loss, model.trainable_weights):
        assert np.isfinite(gradient).all()
