"""A network of a few operations in an ONNX file, and a file of toy events."""

import json

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from mscat_tf.inference.onnx_network import METADATA
from tests.analysis.toys import toy_events
from tests.cli.conftest import mscat  # noqa: F401  a fixture
from tests.data_prep.importers.delphes_files import write
from tests.inference.conftest import run, run_of, signature  # noqa: F401  fixtures

SIZES = np.array([150.0, 1.0, 2.0, 600.0, 800.0, 1.0])
"""Of the kinematic columns."""


@pytest.fixture(scope="session")
def delphes_file(tmp_path_factory):
    """60 events with none to three fat jets each, without references."""
    return write(tmp_path_factory.mktemp("delphes") / "toy.root", toy_events(60, np.random.default_rng(3)))


@pytest.fixture(scope="session")
def onnx_file(tmp_path_factory):
    """As `mscat export` writes it: the logit is a weighted sum of all inputs that no mask hides, weights by chance."""
    path, rng = tmp_path_factory.mktemp("onnx") / "model.onnx", np.random.default_rng(4)
    fields, nodes, weights, terms = signature().fields, [], {}, []
    for field in (field for field in fields if not field.name.startswith("mask")):
        scale = SIZES if field.name == "kinematics" else np.array([0.1, 0.1, 100.0, 4.0])
        weights[f"w_{field.name}"] = (rng.normal(size=field.shape) / scale / 4.0).astype("f4")
        product = [f"w_{field.name}", field.name]
        if field.name != "kinematics":
            mask = field.name.replace("constituents", "mask")
            nodes.append(helper.make_node("Cast", [mask], [f"real_{mask}"], to=TensorProto.FLOAT))
            nodes.append(helper.make_node("Unsqueeze", [f"real_{mask}", "last"], [f"column_{mask}"]))
            nodes.append(helper.make_node("Mul", [f"column_{mask}", field.name], [f"seen_{field.name}"]))
            product[1] = f"seen_{field.name}"
        nodes.append(helper.make_node("Mul", product, [f"p_{field.name}"]))
        nodes.append(helper.make_node("ReduceSum", [f"p_{field.name}", "axes"], [f"s_{field.name}"], keepdims=0))
        terms.append(f"s_{field.name}")
    nodes += [helper.make_node("Sum", terms, ["logit"]), helper.make_node("Sigmoid", ["logit"], ["score"])]
    types = {"float32": TensorProto.FLOAT, "bool": TensorProto.BOOL}
    inputs = [helper.make_tensor_value_info(f.name, types[f.dtype], ["n", *f.shape]) for f in fields]
    outputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n"]) for name in ("logit", "score")]
    constants = {"last": np.array([-1]), "axes": np.array([1, 2]), **weights}
    graph = helper.make_graph(
        nodes, "toy", inputs, outputs, [numpy_helper.from_array(value, name) for name, value in constants.items()]
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, {METADATA: json.dumps({**signature().to_json(), "data_digest": "none"})})
    onnx.checker.check_model(model)
    onnx.save(model, path)
    return path
