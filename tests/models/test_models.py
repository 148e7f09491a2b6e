"""Every network of the registry: what it may and may not depend on, saving, training."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from mscat_tf.config import ModelSettings
from mscat_tf.errors import ConfigError
from mscat_tf.models.inputs import InputSpecification, Statistics, log_columns
from mscat_tf.models.predictor import logit_model
from mscat_tf.models.registry import MODELS, build
from tests.models.mock_inputs import NAMES, SIZES, inputs_of, mock_inputs, moved_weights, tiny

WITH_CONSTITUENTS = [name for name in NAMES if not name.startswith("kinematics")]


def scores(model, inputs):
    return np.asarray(model(inputs_of(model, inputs)))


def logits(model, inputs):
    return np.asarray(logit_model(model)(inputs_of(model, inputs)))


@pytest.fixture(scope="module")
def models():
    """One network of each name."""
    keras.utils.set_random_seed(5)
    return {name: moved_weights(build(tiny(name), SIZES)) for name in NAMES}


@pytest.fixture(scope="module")
def scorers(models):
    """The same networks as compiled functions of all inputs, for tests that call them often."""
    compiled = {name: tf.function(model) for name, model in models.items()}
    return {name: lambda x, name=name: np.asarray(compiled[name](inputs_of(models[name], x))) for name in NAMES}


def test_all_names_are_tested():
    assert set(NAMES) == set(MODELS)


@pytest.mark.parametrize("name", NAMES)
def test_inputs_are_named_in_alphabetical_order(models, name):
    found = [tensor.name for tensor in models[name].inputs]
    constituents = ["constituents_1", "constituents_2"] if name in WITH_CONSTITUENTS else []
    masks = ["mask_1", "mask_2"] if name in WITH_CONSTITUENTS else []
    assert found == [*constituents, *(["kinematics"] if name != "substructure_only" else []), *masks]
    assert [layer.name for layer in models[name].layers[-2:]] == ["logit", "score"]
    assert models[name].output.dtype == "float32"


@pytest.mark.parametrize("name", WITH_CONSTITUENTS)
@settings(max_examples=10, deadline=None)
@given(junk=st.sampled_from([np.nan, np.inf, -1e6, 17.0]), seed=st.integers(0, 100))
def test_padding_cannot_be_seen(scorers, name, junk, seed):
    clean, dirty = mock_inputs(4, seed, least=0), mock_inputs(4, seed, least=0)
    for jet in (1, 2):
        dirty[f"constituents_{jet}"][~dirty[f"mask_{jet}"]] = junk
    np.testing.assert_array_equal(scorers[name](clean), scorers[name](dirty))


@pytest.mark.parametrize(
    ("name", "changes"), [*((name, {}) for name in WITH_CONSTITUENTS), ("mscat", {"merge": "add"})]
)
def test_more_padding_changes_nothing(models, name, changes):
    """The same weights with three more empty places per jet: a padded key must not take attention from real ones."""
    wider = InputSpecification(constituents=SIZES.constituents + 3)
    narrow = moved_weights(build(tiny(name, **changes), SIZES)) if changes else models[name]
    wide = build(tiny(name, **changes), wider)
    wide.set_weights(narrow.get_weights())
    inputs = mock_inputs(4, least=0)
    padded = {k: np.pad(v, [(0, 0), (0, 3), (0, 0)][: v.ndim]) if k[-1].isdigit() else v for k, v in inputs.items()}
    np.testing.assert_allclose(scores(narrow, inputs), scores(wide, padded), atol=1e-6)


@pytest.mark.parametrize("name", WITH_CONSTITUENTS)
@settings(max_examples=10, deadline=None)
@given(order=st.permutations(range(SIZES.constituents)), jet=st.sampled_from([1, 2]))
def test_constituents_are_a_set(scorers, name, order, jet):
    inputs, moved = mock_inputs(4), mock_inputs(4)
    for part in ("constituents", "mask"):
        moved[f"{part}_{jet}"] = moved[f"{part}_{jet}"][:, order]
    np.testing.assert_allclose(scorers[name](inputs), scorers[name](moved), atol=1e-5)


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        *((name, {}) for name in WITH_CONSTITUENTS),
        ("mscat", {"merge": "add"}),
        *((name, {"shared_encoder": False}) for name in ("mscat", "concatenation", "joint_attention")),
    ],
)
def test_the_jets_are_not_interchangeable(models, name, changes):
    """A shared encoder must still know which jet is which."""
    keras.utils.set_random_seed(2)
    model, inputs = moved_weights(build(tiny(name, **changes), SIZES)) if changes else models[name], mock_inputs(4)
    swapped = dict(inputs)
    for part in ("constituents", "mask"):
        swapped[f"{part}_1"], swapped[f"{part}_2"] = inputs[f"{part}_2"], inputs[f"{part}_1"]
    assert np.abs(scores(model, inputs) - scores(model, swapped)).max() > 1e-6


@pytest.mark.parametrize(
    ("name", "changed"),
    [
        *((name, "constituents_2") for name in WITH_CONSTITUENTS),
        *((name, "kinematics") for name in NAMES if name != "substructure_only"),
    ],
)
def test_every_input_matters(models, name, changed):
    """In every single event: neither scale may be lost on the way to the score."""
    inputs = mock_inputs(6)
    moved = {**inputs, changed: inputs[changed] * np.float32(1.3)}
    assert np.abs(logits(models[name], inputs) - logits(models[name], moved)).min() > 1e-5


@pytest.mark.parametrize("name", NAMES)
def test_events_without_constituents_are_finite(models, name):
    inputs = mock_inputs(3)
    for jet in (1, 2):
        inputs[f"mask_{jet}"][:] = False
    assert np.isfinite(scores(models[name], inputs)).all()


@pytest.mark.parametrize("name", NAMES)
def test_saved_network_agrees_exactly(models, name, tmp_path):
    models[name].save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert [layer.name for layer in again.layers] == [layer.name for layer in models[name].layers]
    np.testing.assert_array_equal(scores(models[name], mock_inputs(5)), scores(again, mock_inputs(5)))


def test_lists_and_dicts_give_the_same(models):
    inputs = mock_inputs(4)
    np.testing.assert_array_equal(models["mscat"](inputs), models["mscat"](list(inputs.values())))


def loss_of(model, inputs, labels):
    return tf.reduce_mean(keras.losses.binary_crossentropy(labels, model(inputs_of(model, inputs))))


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        *((name, {}) for name in NAMES),
        ("mscat", {"shared_encoder": False, "merge": "add"}),
        *((name, {"shared_encoder": False}) for name in ("concatenation", "joint_attention", "substructure_only")),
    ],
)
def test_the_gradient_reaches_every_weight(name, changes):
    """And it is the slope: a small step against it lowers the loss by the step times its square.

    Biases of keys alone may have no gradient: softmax does not see a shift that is common to all keys.
    """
    keras.utils.set_random_seed(3)
    model = build(tiny(name, dropout_rate=0.0, **changes), SIZES)
    inputs, labels = mock_inputs(16, least=2), (np.arange(16) % 2).astype("float32")[:, None]
    with tf.GradientTape() as tape:
        loss = loss_of(model, inputs, labels)
    gradients = tape.gradient(loss, model.trainable_variables)
    paths = [weight.path for weight in model.trainable_variables]
    dead = [path for path, gradient in zip(paths, gradients, strict=True) if not np.any(gradient)]
    assert [path for path in dead if "/key/bias" not in path] == []
    square, fall = float(tf.linalg.global_norm(gradients)) ** 2, 1e-3
    for weight, gradient in zip(model.trainable_variables, gradients, strict=True):
        weight.assign_sub(fall / square * gradient)
    assert float(loss - loss_of(model, inputs, labels)) == pytest.approx(fall, rel=0.2)


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
            loss = loss_of(model, inputs, labels)
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


@pytest.mark.filterwarnings("ignore:.*softmax over axis:UserWarning")
@pytest.mark.parametrize("name", NAMES)
def test_single_jets_fit_the_same_network(name):
    sizes = InputSpecification(jets=1, constituents=4, tokens=1)
    model = build(tiny(name), sizes)
    assert scores(model, mock_inputs(3, sizes=sizes)).shape == (3, 1)


def test_only_positive_columns_are_logarithmic():
    assert log_columns(("eta", "phi", "pt", "log_pt"), True) == (False, False, True, False)
    assert log_columns(("m", "eta", "phi", "pt", "energy", "theta"), True) == (True, False, False, True, True, False)
    assert log_columns(("m", "pt"), False) == (False, False)


def test_unknown_network_names_the_nearest():
    with pytest.raises(ConfigError, match=r"unknown network 'mscut'; did you mean 'mscat'.*kinematics_only"):
        build(ModelSettings(name="mscut"))
