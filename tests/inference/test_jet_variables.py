"""A run of the analysis model: what it records, what it reads of other samples, and its exported form."""

import h5py
import numpy as np
import onnxruntime
import pytest

from mscat_tf.config import load_config
from mscat_tf.data import Sample
from mscat_tf.data.mock import write_mock_sample
from mscat_tf.errors import InputError
from mscat_tf.inference.edge_inputs import edge_inputs
from mscat_tf.inference.predict import scores
from mscat_tf.inference.signature import Signature
from mscat_tf.interpretation.stream_importance import dealt, features_of
from mscat_tf.physics.high_level_columns import chosen_columns
from mscat_tf.run_folder import Run
from mscat_tf.training.run import train

CHOICE = "[s2_all_all,s2_all_rest,multiplicity,girth,points_pt_1]"
COLUMNS = chosen_columns(CHOICE.strip("[]").split(","))
READ = tuple(name for name in COLUMNS if name != "girth")
SMALL = "{relation_units: [6], morphology_units: [5], recurrent_units: 4, width: 8, num_heads: 2, key_dim: 4}"


def sample_of(folder, columns=COLUMNS, **changes):
    return write_mock_sample(folder, **{"events": 240, "shards": 2, "subjets": 3, "high_level": columns, **changes})


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return sample_of(tmp_path_factory.mktemp("variables"))


def config_of(folder, *changes):
    choice = [f"data.high_level_features={CHOICE}", f"model.analysis_model={SMALL}", "train.epochs=1"]
    return load_config("smoke", [f"data.path={folder}", "model.name=analysis_model", *choice, *changes])


@pytest.fixture(scope="module")
def run(folder, tmp_path_factory) -> Run:
    return train(config_of(folder), tmp_path_factory.mktemp("run") / "am")


def test_the_run_records_what_it_reads(run):
    fields = {field.name: field for field in Signature.of(run.model.inputs, run.config.data).fields}
    assert fields["high_level_2"].columns == READ == Run(run.path).config.data.high_level_features
    assert set(fields["high_level_2"].units) == {"GeV^2", "1"}
    assert "girth" not in (run.path / "config.yaml").read_text()


def test_statistics_are_those_of_the_training_split(run):
    """asinh of what counts in GeV^2, both jets together, from the file."""
    rows = run.table.rows("train")
    values = run.sample.column("high_level")[rows].reshape(-1, len(COLUMNS)).astype(float)
    layer = run.model.get_layer("high_level_normalisation")
    for place, name in enumerate(READ):
        own = values[:, COLUMNS.index(name)]
        own = np.arcsinh(own) if name.startswith("s2_") else own
        assert layer.mean[place] == pytest.approx(own.mean(), rel=1e-5)
        assert layer.width[place] == pytest.approx(own.std(), rel=1e-5)


def test_more_columns_in_another_order_give_the_same(run, folder, tmp_path):
    other = sample_of(tmp_path, ("mass", *COLUMNS[::-1]))  # all but the variables are the same numbers
    for path in other.glob("*.h5"):
        with h5py.File(path, "r+") as file, h5py.File(folder / path.name) as own:
            file["high_level"][..., 1:] = own["high_level"][()][..., ::-1]
    np.testing.assert_array_equal(run.predict(other), run.predict(folder))


def test_onnx_answers_as_keras_does(run, tmp_path):
    session = onnxruntime.InferenceSession(run.export("onnx", tmp_path / "model.onnx")[0])
    for case, inputs in edge_inputs(Signature.of(run.model.inputs, run.config.data), seed=3).items():
        (score,) = session.run(["score"], inputs)
        np.testing.assert_allclose(score, run.predict(inputs), rtol=0, atol=1e-5, err_msg=case)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"columns": tuple(name for name in COLUMNS if name != "s2_all_rest_07")},
            r"'high_level' has no column 's2_all_rest_07', which the network reads; derive a sample with "
            r"`mscat prepare` and data.preparation.high_level=\[multiplicity,s2_all_all,s2_all_rest,points_pt_1\]",
        ),
        ({"columns": ()}, "holds no data set 'high_level', which the network reads.*mscat prepare"),
        ({"subjets": 0}, r"no data set 'subjets/subjets'.*mscat prepare"),
    ],
)
def test_samples_without_what_it_reads_are_refused(run, tmp_path, changes, sentence):
    path = sample_of(tmp_path, **changes)
    with pytest.raises(InputError, match=sentence):
        run.predict(path)
    with pytest.raises(InputError, match=sentence.replace("the network", "network 'analysis_model'")):
        train(config_of(path), tmp_path / "run")


def test_a_number_that_is_none_is_named(run, tmp_path):
    path = sample_of(tmp_path)
    with h5py.File(sorted(path.glob("*.h5"))[1], "r+") as file:
        file["high_level"][7, 1, 3] = np.nan
    with pytest.raises(InputError, match=rf"mock-0001.h5: 'high_level' column '{COLUMNS[3]}' is nan in event 7"):
        run.predict(path)


def test_arrays_with_another_number_of_columns_are_refused(run, folder):
    with Sample(folder) as sample:
        names = Signature.of(run.model.inputs, run.config.data).data_sets
        arrays = sample.read(sample.blocks[0], names)
        with pytest.raises(InputError, match=rf"'high_level_1' has shape .*{len(COLUMNS)}.*the network reads"):
            scores(run.scorer(), arrays)


def test_importance_deals_whole_groups(run):
    names = [tensor.name for tensor in run.model.inputs]
    found = features_of(names, {}, (), (), READ)
    assert {"variables: s2_all_all", "variables: s2_all_rest"} <= set(found)
    rng = np.random.default_rng(0)
    inputs = {name: rng.normal(size=(9, len(READ))).astype("f4") for name in ("high_level_1", "high_level_2")}
    order = rng.permutation(9)
    moved = dealt(inputs, found["variables: s2_all_rest"], order)
    for name, values in inputs.items():
        for place, column in enumerate(READ):
            wanted = values[order, place] if column.startswith("s2_all_rest") else values[:, place]
            np.testing.assert_array_equal(moved[name][:, place], wanted)


def test_columns_are_read_by_name_in_the_order_asked_for(folder):
    with Sample(folder) as sample:
        block = sample.blocks[0]
        whole = sample.read(block, ("high_level",))["high_level"]
        some = sample.read(block, ("high_level",), ("girth", "multiplicity"))["high_level"]
        places = [COLUMNS.index(name) for name in ("girth", "multiplicity")]
        np.testing.assert_array_equal(some, whole[..., places])
