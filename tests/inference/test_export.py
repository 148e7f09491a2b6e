"""Exported networks answer as Keras does; `predict` gives the same scores by every way to the same network."""

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import h5py
import keras
import numpy as np
import onnx
import onnxruntime
import pytest
import tensorflow as tf

from mscat_tf import schema
from mscat_tf.config import DataSettings
from mscat_tf.data import Sample
from mscat_tf.data.mock import mock_arrays, mock_header
from mscat_tf.errors import InputError, OutputError
from mscat_tf.evaluation.run import score_split
from mscat_tf.inference import export as exporting
from mscat_tf.inference import keras_network
from mscat_tf.inference.edge_inputs import edge_inputs
from mscat_tf.inference.keras_network import in_float32
from mscat_tf.inference.onnx_network import METADATA, onnx_scorer
from mscat_tf.inference.predict import scores
from mscat_tf.inference.signature import Signature
from mscat_tf.models import registry
from mscat_tf.studies import inference_time
from tests.models.mock_inputs import SIZES, inputs_of, mock_inputs, moved_weights, without_dropout

ROOT = Path(__file__).parents[2]
LIGHT = """
import sys
sys.modules.update(tensorflow=None, keras=None, tf2onnx=None, onnx=None)  # as if they were not installed
from mscat_tf.cli import main
main.main()
"""


def test_onnx_file_is_what_the_documentation_says(run, onnx_file):
    file = onnx.load(onnx_file)
    onnx.checker.check_model(file)
    inputs = {value.name: value.type.tensor_type for value in file.graph.input}
    assert {name: [d.dim_param or d.dim_value for d in kind.shape.dim] for name, kind in inputs.items()} == {
        "constituents_1": ["batch", 8, 4],
        "constituents_2": ["batch", 8, 4],
        "kinematics": ["batch", 3, 6],
        "mask_1": ["batch", 8],
        "mask_2": ["batch", 8],
    }
    assert inputs["mask_1"].elem_type == onnx.TensorProto.BOOL
    assert [value.name for value in file.graph.output] == ["logit", "score"]
    about = json.loads(file.metadata_props[0].value)
    assert file.metadata_props[0].key == METADATA
    assert (about["network"], about["seed"], about["data_digest"]) == ("mscat", 1, "0" * 16)
    assert about["exported_with"]["keras"] == keras.__version__
    assert Signature.from_json(about) == Signature.of(run.model.inputs, run.config.data)


def test_onnx_answers_as_keras_does(run, onnx_file):
    session = onnxruntime.InferenceSession(onnx_file)
    for case, inputs in edge_inputs(Signature.of(run.model.inputs, run.config.data), seed=7).items():
        (score,) = session.run(["score"], inputs)
        assert score.shape == (len(inputs["kinematics"]),)
        np.testing.assert_allclose(score, run.predict(inputs), rtol=0, atol=1e-5, err_msg=case)


def test_padding_is_not_seen_by_the_exported_network(run, onnx_file):
    session = onnxruntime.InferenceSession(onnx_file)
    inputs = edge_inputs(Signature.of(run.model.inputs, run.config.data))["64 random events"]
    dirty = {**inputs, "constituents_1": np.where(inputs["mask_1"][..., None], inputs["constituents_1"], 1e6)}
    dirty["constituents_1"] = dirty["constituents_1"].astype("f4")
    np.testing.assert_array_equal(session.run(["logit"], dirty)[0], session.run(["logit"], inputs)[0])


def shuffled(folder, order):
    """A sample of these events of one and the same 60, in this order, without raw constituents."""
    arrays = mock_arrays(60, 8, np.random.default_rng(3))
    arrays = {name: values[order] for name, values in arrays.items() if not name.startswith("raw/")}
    arrays |= {"raw/constituents": np.zeros((0, 6)), "raw/offsets": np.zeros(2 * len(order) + 1)}
    schema.write_sample(folder / "x.h5", mock_header(8, 3), arrays)
    return folder / "x.h5"


def test_neither_batch_size_nor_order_nor_backend_change_a_score(run, onnx_file, tmp_path):
    order = np.random.default_rng(0).permutation(60)
    straight, mixed = shuffled(tmp_path, np.arange(60)), shuffled(tmp_path / "mixed", order)
    scorer = run.scorer(batch_size=60)
    expected = scores(scorer, straight)
    assert np.ptp(expected) > 0.01
    np.testing.assert_allclose(run.predict(mixed), expected[order], rtol=0, atol=1e-6)
    for batch_size in (13, 60):
        found = scores(onnx_scorer(onnx_file, batch_size), straight)
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)
    with Sample(straight) as sample:
        one = {name: values[:1] for name, values in sample.read(sample.blocks[0], scorer.data_sets).items()}
    np.testing.assert_allclose(run.predict(one), expected[:1], rtol=0, atol=1e-6)


def test_a_network_that_reads_any_number_of_constituents(run_of, mock_folder, tmp_path):
    free = run_of("concatenation", constituents=None)
    out, difference = free.export("onnx", tmp_path / "free.onnx")
    assert difference < 1e-5
    np.testing.assert_allclose(scores(onnx_scorer(out, 64), mock_folder), free.predict(mock_folder), rtol=0, atol=1e-6)


def test_scores_are_those_of_evaluate(run):
    test = score_split(run, "test")
    every = dict(zip(run.sample.column("event_id"), run.predict(run.sample), strict=True))
    np.testing.assert_allclose([every[event] for event in test.event_id], test.score, rtol=0, atol=1e-6)


def test_saved_model_answers_by_name_and_replaces_only_its_like(run_of, tmp_path):
    mlp = run_of("kinematics_mlp")
    folder, difference = mlp.export("saved_model", tmp_path / "served")
    assert difference < 1e-5
    assert mlp.export("saved_model", folder)[0] == folder
    serve = tf.saved_model.load(str(folder)).signatures["serving_default"]
    inputs = edge_inputs(Signature.of(mlp.model.inputs, mlp.config.data), seed=7)["7 random events"]
    found = serve(kinematics=tf.constant(inputs["kinematics"]))
    np.testing.assert_allclose(found["score"], mlp.model(inputs)[:, 0], rtol=0, atol=1e-6)
    np.testing.assert_allclose(found["score"], 1 / (1 + np.exp(-found["logit"])), rtol=1e-5)
    assert json.loads((folder / "mscat.json").read_text())["network"] == "kinematics_mlp"
    (tmp_path / "thesis").mkdir()
    with pytest.raises(OutputError, match="something else stands here"):
        mlp.export("saved_model", tmp_path / "thesis")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["served", "thesis"]


@pytest.mark.parametrize("format", ["onnx", "saved_model"])
def test_what_answers_otherwise_is_not_kept(run_of, tmp_path, monkeypatch, format):
    write = getattr(exporting, f"_write_{format}")

    def write_another(network, *rest):
        other = keras.models.clone_model(network)
        other(edge_inputs(Signature.of(network.inputs, DataSettings()))["7 random events"])
        write(other, *rest)

    monkeypatch.setattr(exporting, f"_write_{format}", write_another)
    with pytest.raises(InputError, match=r"out: .*answers otherwise than Keras .*differs by .*not kept"):
        run_of("kinematics_mlp").export(format, tmp_path / "out")
    assert not list(tmp_path.iterdir())


def test_operator_that_onnx_lacks_is_named(tmp_path):
    tokens = keras.Input((3, 6), name="kinematics")
    hidden = keras.layers.Dense(4, activation="gelu")(keras.layers.Flatten()(tokens))
    score = keras.layers.Activation("sigmoid")(keras.layers.Dense(1, name="logit")(hidden))
    with pytest.raises(InputError, match=r"x\.onnx: ONNX has no operator Erfc"):
        exporting.export(keras.Model([tokens], score), DataSettings(), {}, "onnx", tmp_path / "x.onnx")
    assert not list(tmp_path.iterdir())


def test_bfloat16_network_becomes_float32_with_the_same_weights():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = moved_weights(registry.build(without_dropout("mscat"), SIZES))
    finally:
        keras.config.set_dtype_policy("float32")
    exact = registry.build(without_dropout("mscat"), SIZES)
    exact.set_weights(model.get_weights())
    inputs = inputs_of(model, mock_inputs(20))
    found, expected, rough = (np.asarray(network(inputs)) for network in (in_float32(model), exact, model))
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)
    assert np.abs(rough - expected).max() > 1e-5
    assert in_float32(exact) is exact


def test_commands(run_of, mock_folder, mscat, tmp_path):
    mlp = run_of("kinematics_mlp")
    assert mscat("export", mlp.path)[0] == 0
    status, output, _ = mscat("predict", mlp.path, mock_folder, "--batch", "50")
    assert (status, output.count("scores of 300 events")) == (0, 1)
    made = next(mlp.path.glob("scores-mock*.h5"))
    light = [sys.executable, "-c", LIGHT, "predict", mlp.path / "model.onnx", mock_folder, "--out", tmp_path / "l.h5"]
    result = subprocess.run(light, capture_output=True, text=True, check=False, cwd=ROOT, env={**os.environ})
    assert result.returncode == 0, result.stderr
    with h5py.File(made) as keras_scores, h5py.File(tmp_path / "l.h5") as onnx_scores:
        np.testing.assert_allclose(onnx_scores["score"], keras_scores["score"], rtol=0, atol=1e-6)
        assert (onnx_scores.attrs["backend"], onnx_scores.attrs["network"]) == ("onnx", "kinematics_mlp")


def test_code_of_the_documentation_runs_on_the_exported_file(run, onnx_file, tmp_path, monkeypatch):
    page = (ROOT / "docs" / "inference.md").read_text()
    (code,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    imported = {name.name for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Import) for name in node.names}
    assert imported == {"json", "h5py", "numpy", "onnxruntime"}
    (tmp_path / "model.onnx").write_bytes(onnx_file.read_bytes())
    shuffled(tmp_path, np.arange(60)).rename(tmp_path / "events.h5")
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(code, names)
    np.testing.assert_allclose(names["score"], run.predict("events.h5"), rtol=0, atol=1e-6)


def test_a_network_is_timed_on_batches_of_its_own_sizes(run, monkeypatch):
    """Of a study's rows; the timing itself is tested with a clock of its own."""
    shapes = []
    monkeypatch.setattr(
        keras_network,
        "forward",
        lambda model, batch: lambda inputs: shapes.append({n: x.shape for n, x in inputs.items()}),
    )
    monkeypatch.setattr(inference_time, "ROUNDS", 1)
    assert list(inference_time.inference_seconds({"own": run})) == ["own"]
    sizes = {tensor.name: tuple(tensor.shape[1:]) for tensor in run.model.inputs}
    assert shapes == 3 * [{name: (inference_time.BATCH, *size) for name, size in sizes.items()}], (
        "traced, then 1000 events"
    )
