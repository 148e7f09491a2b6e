"""Parameters and operations against TensorFlow's own count and against numbers worked by hand."""

import pytest
import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from mscat_tf.models.count import flops_per_event, parameters
from mscat_tf.models.registry import build
from tests.models.mock_inputs import NAMES, SIZES, tiny


def products_in_graph(model):
    """Operations of all matrix products in the frozen graph of one event, from the shapes TensorFlow infers."""
    signature = [tf.TensorSpec((1, *x.shape[1:]), x.dtype) for x in model.inputs]
    graph = convert_variables_to_constants_v2(
        tf.function(lambda *x: model(list(x))).get_concrete_function(*signature)
    ).graph
    total = 0
    for node in graph.get_operations():
        if node.type in ("MatMul", "BatchMatMulV2"):
            left = node.inputs[0].shape
            transposed = node.get_attr("transpose_a" if node.type == "MatMul" else "adj_x")
            total += 2 * node.outputs[0].shape.num_elements() * left[-2 if transposed else -1]
        elif node.type == "Einsum":
            inputs = node.get_attr("equation").decode().split("->")[0]
            sizes = {
                letter: size
                for letters, tensor in zip(inputs.split(","), node.inputs, strict=True)
                for letter, size in zip(letters, tensor.shape, strict=True)
            }
            product = 2
            for size in sizes.values():
                product *= size
            total += product
    return total


@pytest.mark.parametrize(
    ("name", "changes"), [*((name, {}) for name in NAMES), ("mscat", {"shared_encoder": False, "merge": "add"})]
)
def test_operations_equal_those_of_the_graph(name, changes):
    model = build(tiny(name, **changes), SIZES)
    assert flops_per_event(model) == products_in_graph(model)


def test_parameters_of_kinematics_only_by_hand():
    """Width 12, 2 heads of 3, hidden 24, 3 tokens of 6 features, head of 7."""
    embedding = 6 * 12 + 12 + 3 * 12
    attention = 3 * (12 * 6 + 6) + 6 * 12 + 12
    mlp = 12 * 24 + 24 + 24 * 12 + 12
    norms = 3 * 2 * 12
    head = 36 * 7 + 7 + 7 + 1
    assert parameters(build(tiny("kinematics_only"), SIZES)) == embedding + attention + mlp + norms + head


def test_parameters_of_kinematics_mlp_by_hand():
    """Two dense layers of 3 x 12 units on 3 x 6 features, head of 7."""
    mlp = 18 * 36 + 36 + 36 * 36 + 36
    head = 36 * 7 + 7 + 7 + 1
    assert parameters(build(tiny("kinematics_mlp", kinematic_blocks=2), SIZES)) == mlp + head


def test_parameters_and_operations_of_joint_attention_by_hand():
    """Three blocks over 2 x 6 + 3 tokens of width 12, 2 heads of 3, hidden 24; the head of 7 sees 2 + 3 tokens."""
    model = build(tiny("joint_attention"), SIZES)
    embeddings = 4 * 12 + 12 + 2 * 12 + 6 * 12 + 12 + 3 * 12
    block = 3 * (12 * 6 + 6) + 6 * 12 + 12 + 12 * 24 + 24 + 24 * 12 + 12 + 2 * 2 * 12
    head = 60 * 7 + 7 + 7 + 1
    assert parameters(model) == embeddings + 3 * block + 2 * 2 * 12 + head
    products = 15 * 12 * (4 * 6 + 2 * 24) + 2 * 15 * 15 * 6
    assert flops_per_event(model) == 2 * (12 * 4 * 12 + 3 * 6 * 12 + 3 * products + 60 * 7 + 7)
