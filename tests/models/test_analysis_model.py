"""What the analysis model promises beyond what every network does (`test_models`)."""

import functools
from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf

from mscat_tf.config import ModelSettings, load_config
from mscat_tf.config.networks.analysis_model import AnalysisModelSettings, module_of, spectra
from mscat_tf.errors import ConfigError
from mscat_tf.models import registry
from mscat_tf.models.count import model_at_default_size, parameters
from mscat_tf.models.inputs import InputSpecification, Statistics
from mscat_tf.models.predictor import logit_model
from mscat_tf.physics.high_level_columns import COLUMNS, chosen_columns
from tests.models.mock_inputs import FAMILIES, VARIABLES, WITH_VARIABLES, inputs_of, mock_inputs, moved_weights, tiny

SINGLE = InputSpecification(jets=1, constituents=6, tokens=1, subjets=4, high_level=VARIABLES)
READ = ("correlations", "morphology", "subjet_multiplicities", "shapes", "kinematics")


def network(sizes=WITH_VARIABLES, **changes):
    return moved_weights(
        registry.build(tiny("analysis_model", analysis_model={**FAMILIES["analysis_model"], **changes}), sizes)
    )


def logits(model, inputs):
    return np.asarray(logit_model(model)(inputs_of(model, inputs)))


def test_number_of_parameters_by_hand():
    """Default sizes, two jets and kinematics; a dense layer of a inputs and b outputs has (a + 1) b."""
    dense = lambda a, b: (a + 1) * b  # noqa: E731
    columns = registry.high_level(ModelSettings(name="analysis_model"))
    morphology = sum(module_of(name) == "morphology" for name in columns)
    assert (len(columns), morphology) == (315, 115)
    pairs, bins, state, width = 10, 20, 24, 32
    relation = dense(bins, 48) + pairs * 48 + dense(48, 48) + dense(48, width)
    functionals = dense(morphology, 64) + dense(64, 64) + dense(64, width)
    recurrence = 3 * state * (2 + state + 2) + dense(state, width)  # two inputs, two biases, three gates
    tokens = dense(6, width) + 3 * width  # embedding of kinematics and of each token
    block = 4 * dense(width, width) + dense(width, 64) + dense(64, width)  # 4 heads of 8
    blocks = (block + 2 * 2 * width) + 2 * (block + 3 * 2 * width)  # norms: self 2, cross 3
    head = dense(3 * width, 64) + dense(64, 32) + dense(32, 1) + 2 * width  # and the norm before it
    wanted = relation + functionals + recurrence + tokens + blocks + 2 * width + head
    model = model_at_default_size(ModelSettings(name="analysis_model"))
    assert parameters(model) == wanted
    assert 20_000 < wanted < 100_000


@pytest.mark.parametrize("sizes", [SINGLE, WITH_VARIABLES], ids=["single jets", "events"])
@pytest.mark.parametrize("off", READ)
def test_a_module_that_is_off_reads_nothing(off, sizes):
    """Neither as an input of the network, nor by its gradient where columns of other modules share the input."""
    model, inputs = network(sizes, **{off: False}), mock_inputs(5, sizes=sizes)
    names = {tensor.name for tensor in model.inputs}
    assert ("kinematics" in names) == (off != "kinematics")
    assert ("subjets_1" in names) == ("subjets_mask_1" in names) == (off != "subjet_multiplicities")
    seen = gradient(model, inputs, "high_level_1")
    for place, name in enumerate(VARIABLES):
        assert np.any(seen[:, place]) == (module_of(name) != off), name


def gradient(model, inputs, name):
    tensors = {key: tf.constant(values) for key, values in inputs_of(model, inputs).items()}
    with tf.GradientTape() as tape:
        tape.watch(tensors[name])
        found = logit_model(model)(tensors)
    return np.asarray(tape.gradient(found, tensors[name]))


@pytest.mark.parametrize("alone", READ)
@pytest.mark.parametrize("sizes", [SINGLE, WITH_VARIABLES], ids=["single jets", "events"])
def test_each_module_works_alone(alone, sizes):
    model = network(sizes, **{name: name == alone for name in READ})
    inputs = mock_inputs(5, sizes=sizes)
    kinds = {tensor.name.rstrip("_12") for tensor in model.inputs}
    wanted = {"kinematics": {"kinematics"}, "subjet_multiplicities": {"subjets", "subjets_mask"}}
    assert kinds == wanted.get(alone, {"high_level"})
    assert len(np.unique(logits(model, inputs))) == 5


def test_settings_decide_the_columns_that_are_read():
    """Named one by one in the resolved configuration, which is what a run keeps."""
    base = ["model.name=analysis_model", "data.preparation.high_level=[all]"]
    everything = load_config("smoke", base)
    assert everything.data.high_level_features == registry.high_level(everything.model)
    some = load_config("smoke", [*base, "model.analysis_model.correlations=false"]).data.high_level_features
    assert {module_of(name) for name in some} == {"morphology"}
    two = load_config("smoke", [*base, "data.high_level_features=[s2_all_all,multiplicity,mass]"])
    assert two.data.high_level_features == ("multiplicity", *chosen_columns(["s2_all_all"]))
    derived = load_config("smoke", [base[0], "data.preparation.high_level=[s2_all_all,minkowski_pixels]"])
    assert {COLUMNS[name].group for name in derived.data.high_level_features} == {"s2_all_all", "minkowski_pixels"}
    assert load_config("smoke").data.high_level_features is None
    assert everything.updated([]) == everything


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            [f"model.analysis_model.{name}=false" for name in READ],
            "all modules are off; switch on one of correlations, morphology",
        ),
        (
            ["data.high_level_features=[multiplicity]"],
            "correlations is on, but data.high_level_features chooses no variable for it; add a group such as s2_all",
        ),
        (["data.high_level_features=[s3]"], "no column or group of jet variables is called 's3'"),
        (["model.analysis_model.relation_units=[]"], "relation_units"),
    ],
)
def test_settings_that_cannot_be_are_one_sentence(changes, sentence):
    with pytest.raises(ConfigError, match=sentence):
        load_config("smoke", ["model.name=analysis_model", *changes])


def test_spectra_of_different_bins_are_refused():
    columns = (*chosen_columns(["s2_all_all"]), "s2_all_rest_03", "multiplicity")
    with pytest.raises(ConfigError, match="spectra S2 of different pairs of subsets have different bins"):
        network(replace(WITH_VARIABLES, high_level=columns), shapes=False)


def test_missing_columns_of_subjets_are_refused():
    sizes = replace(WITH_VARIABLES, subjet_features=("pt", "eta"))
    with pytest.raises(ConfigError, match=r"constituents is not among pt, eta; add it to data.subjet_features"):
        network(sizes)


@pytest.mark.parametrize("seed", [1, 2])
def test_columns_may_stand_in_any_order(seed):
    """The names decide where a column goes; the standardisation follows."""
    order = np.random.default_rng(seed).permutation(len(VARIABLES))
    statistics = Statistics.identity(SINGLE)
    width = tuple(1.0 + place for place in range(len(VARIABLES)))
    statistics = replace(statistics, high_level_width=width)
    moved = replace(statistics, high_level_width=tuple(width[place] for place in order))
    sizes = replace(SINGLE, high_level=tuple(VARIABLES[place] for place in order))
    chosen = tiny("analysis_model")
    first, second = registry.build(chosen, SINGLE, statistics), registry.build(chosen, sizes, moved)
    second.set_weights(first.get_weights())
    inputs = mock_inputs(4, sizes=SINGLE)
    other = inputs | {"high_level_1": inputs["high_level_1"][:, order]}
    np.testing.assert_allclose(logits(second, other), logits(first, inputs), atol=1e-5)


@pytest.mark.parametrize("order", [(1, 2, 0), (2, 1, 0)])
def test_pairs_of_subsets_are_a_set(order):
    """Spectra that change places together with the vectors of their pairs give the same."""
    names = [f"s2_all_{other}" for other in ("all", "trimmed", "rest")]
    columns = chosen_columns(names)
    sizes = replace(WITH_VARIABLES, jets=1, tokens=1, high_level=columns)
    model = network(sizes, morphology=False, shapes=False, subjet_multiplicities=False, kinematics=False)
    inputs = mock_inputs(4, sizes=sizes)
    layer = model.get_layer("correlations_pair_embedding")
    before = np.random.default_rng(1).normal(size=layer.vectors.shape)  # those of a new network are nearly alike
    layer.vectors.assign(before)
    own = logits(model, inputs)
    spectrum = inputs["high_level_1"].reshape(4, 3, -1)
    inputs["high_level_1"] = spectrum[:, order].reshape(4, -1)
    only_spectra = logits(model, inputs)
    layer.vectors.assign(before[list(order)])
    np.testing.assert_allclose(logits(model, inputs), own, atol=1e-5)
    assert np.abs(only_spectra - own).min() > 1e-4


def test_spectra_are_ordered_by_pair_and_bin():
    found = spectra(reversed(VARIABLES))
    assert list(found) == ["s2_all_all", "s2_all_trimmed"]
    assert [name[-2:] for name in found["s2_all_all"]] == [f"{place:02d}" for place in range(20)]


@pytest.mark.parametrize(("real", "junk"), [(0, np.nan), (1, 1e6), (3, -3.0)])
def test_padded_subjets_cannot_be_seen(real, junk):
    model, inputs = padded_network(), mock_inputs(3, sizes=SINGLE)
    inputs["subjets_mask_1"][:] = np.arange(4) < real
    dirty = inputs | {"subjets_1": inputs["subjets_1"].copy()}
    dirty["subjets_1"][:, real:] = junk
    np.testing.assert_array_equal(logits(model, dirty), logits(model, inputs))
    assert np.isfinite(logits(model, dirty)).all()


@functools.cache
def padded_network():
    return network(SINGLE)


def test_of_subjets_only_multiplicities_and_shares_count():
    """Directions, masses and the scale of all momenta do not; the order of the subjets does."""
    model, inputs = padded_network(), mock_inputs(5, sizes=SINGLE, least=3)
    own = logits(model, inputs)
    other = inputs | {"subjets_1": inputs["subjets_1"] * np.array([2.0, 7.0, -1.0, 3.0, 1.0, 5.0], "f4")}
    np.testing.assert_allclose(logits(model, other), own, atol=1e-5)
    inputs["subjets_1"][:, 1, 4] += 3
    assert np.abs(logits(model, inputs) - own).min() > 1e-6


def test_statistics_are_what_the_first_layer_takes():
    """Scaled variables with scaled statistics: the same score for those that are not compressed, here counts."""
    columns = chosen_columns(["minkowski_pixels"])
    sizes = replace(SINGLE, high_level=columns)
    chosen = tiny(
        "analysis_model", analysis_model={**FAMILIES["analysis_model"], "correlations": False, "shapes": False}
    )
    plain = Statistics.identity(sizes)
    scaled = replace(plain, high_level_mean=(10.0,) * len(columns), high_level_width=(50.0,) * len(columns))
    first, second = (registry.build(chosen, sizes, statistics) for statistics in (plain, scaled))
    second.set_weights(first.get_weights())
    inputs = mock_inputs(4, sizes=sizes)
    moved = inputs | {"high_level_1": inputs["high_level_1"] * 50 + 10}
    np.testing.assert_allclose(logits(second, moved), logits(first, inputs), atol=1e-4)


def test_energies_are_compressed_only_where_asked():
    inputs = mock_inputs(4, sizes=WITH_VARIABLES)
    place = VARIABLES.index("s2_all_all_00")
    for asked in (True, False):
        model = moved_weights(registry.build(tiny("analysis_model", log_features=asked), WITH_VARIABLES))
        layer = model.get_layer("high_level_asinh")
        value = np.asarray(layer(inputs["high_level_1"]))[:, place]
        wanted = inputs["high_level_1"][:, place]
        np.testing.assert_allclose(value, np.arcsinh(wanted) if asked else wanted, rtol=1e-6)


def test_every_named_variable_has_one_module():
    assert {module_of(name) for name in COLUMNS} == {"correlations", "morphology", "shapes"}
    everything = AnalysisModelSettings(shapes=True).columns(COLUMNS)
    assert sorted(name for names in everything.values() for name in names) == sorted(COLUMNS)
