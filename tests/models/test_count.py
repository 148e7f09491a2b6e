"""Parameters, operations and memory against numbers worked by hand, and against TensorFlow's own profiler."""

from dataclasses import replace

import keras
import pytest
import tensorflow as tf
from keras import layers, ops

from mscat_tf.errors import InputError
from mscat_tf.layers import CrossAttentionBlock, SelfAttentionBlock
from mscat_tf.models.count import cost_per_event, flops_per_event, parameters
from mscat_tf.models.registry import build
from tests.models.mock_inputs import SIZES, tiny


def model_of(work, *shapes):
    """Functional model of one function of tensors of these shapes."""
    inputs = [keras.Input(shape) for shape in shapes]
    return keras.Model(inputs, work(*inputs))


class Function(layers.Layer):
    """A layer that runs one function."""

    def __init__(self, work, **kwargs):
        super().__init__(**kwargs)
        self.work = work

    def call(self, *inputs):
        return self.work(*inputs)


def block(query, context, width, inner, hidden):
    """Multiplications of one attention block: projections of queries and output, keys and values; pairs; MLP."""
    return (
        2 * query * width * inner
        + 2 * context * width * inner
        + 2 * query * context * inner
        + 2 * query * (width * hidden)
    )


@pytest.mark.parametrize(
    ("work", "shapes", "multiplications"),
    [
        (layers.Dense(7), [(5,)], 5 * 7),
        (layers.Dense(7), [(4, 5)], 4 * 5 * 7),
        (layers.EinsumDense("abc,cde->abde", output_shape=(None, 3, 2)), [(4, 5)], 4 * 5 * 3 * 2),
        (layers.Conv1D(6, 3, padding="same"), [(10, 4)], 10 * 6 * 3 * 4),
        (layers.Conv2D(6, (3, 2)), [(8, 9, 4)], 6 * 8 * 6 * (3 * 2) * 4),
        (layers.Conv2D(6, 3, strides=2, padding="same"), [(8, 8, 4)], 4 * 4 * 6 * 9 * 4),
        (layers.Conv2D(6, 3, groups=2), [(8, 8, 4)], 6 * 6 * 6 * 9 * 2),
        (layers.DepthwiseConv2D(3, depth_multiplier=2), [(8, 8, 4)], 6 * 6 * 8 * 9),
        (SelfAttentionBlock(2, 3, mlp_ratio=2.0), [(6, 12)], block(6, 6, 12, 6, 24)),
        (CrossAttentionBlock(2, 3, mlp_ratio=2.0), [(3, 12), (8, 12)], block(3, 8, 12, 6, 24)),
        (Function(lambda x, y: ops.einsum("bnf,bnkf->bnk", x, y)), [(5, 3), (5, 4, 3)], 5 * 4 * 3),
        (Function(lambda x: tf.einsum("...nf,fg->...ng", x, tf.ones((3, 2)))), [(7, 5, 3)], 7 * 5 * 3 * 2),
        (Function(lambda x: ops.matmul(x, ops.transpose(x, (0, 2, 1)))), [(5, 3)], 5 * 5 * 3),
        (Function(lambda x: tf.linalg.matmul(x, x, transpose_a=True)), [(5, 3)], 3 * 3 * 5),
    ],
    ids=str,
)
def test_operations_of_every_kind_of_product_by_hand(work, shapes, multiplications):
    assert flops_per_event(model_of(work, *shapes)) == 2 * multiplications


def test_edge_convolution_by_hand():
    """As in ParticleNet: k neighbours of every constituent, an MLP on (x_i, x_j - x_i), then the mean over them."""

    def edges(x):
        pairs = ops.broadcast_to(x[:, :, None], (ops.shape(x)[0], 6, 4, 3))
        return ops.concatenate([pairs, ops.roll(pairs, 1, axis=1) - pairs], axis=-1)

    first, second = layers.Dense(8), layers.Dense(5)
    model = model_of(lambda x: ops.mean(second(first(Function(edges)(x))), axis=2), (6, 3))
    assert flops_per_event(model) == 2 * 6 * 4 * (6 * 8 + 8 * 5)


def test_shared_layer_counts_as_often_as_it_is_used():
    shared = layers.Dense(7)
    model = model_of(lambda x, y: shared(x) + shared(y), (5,), (5,))
    assert (parameters(model), flops_per_event(model)) == (5 * 7 + 7, 2 * 2 * 5 * 7)


def test_what_does_not_depend_on_the_event_costs_nothing():
    """A product of weights alone is made once, however many events there are."""
    weight = Function(lambda x: x + tf.reduce_sum(tf.linalg.matmul(tf.ones((9, 9)), tf.ones((9, 9)))))
    assert cost_per_event(model_of(weight, (5,))).flops == 0


def test_memory_by_hand():
    """Dense: its product and its sum with the bias; ReLU; a reshape is a view. 4 bytes a number."""
    model = model_of(lambda x: layers.Reshape((8,))(layers.ReLU()(layers.Dense(2)(x))), (4, 3))
    assert cost_per_event(model).activation_bytes == 4 * (3 * 4 * 2)


@pytest.mark.parametrize("kind", ["loop", "branch"])
def test_products_that_cannot_be_counted_are_refused(kind):
    def loop(x):
        return tf.map_fn(lambda row: tf.linalg.matmul(row, tf.ones((3, 7))), x)

    def branch(x):
        return tf.cond(
            tf.reduce_sum(x) > 0, lambda: tf.linalg.matmul(x, tf.ones((1, 3, 7))), lambda: tf.zeros((1, 5, 7))
        )

    with pytest.raises(InputError, match=r"matrix products inside .*; write the layer with one batched product"):
        cost_per_event(model_of(Function({"loop": loop, "branch": branch}[kind]), (5, 3)))


def test_a_loop_without_products_is_no_hindrance():
    model = model_of(lambda x: layers.Dense(2)(Function(lambda t: tf.map_fn(lambda row: row * 2, t))(x)), (5,))
    assert flops_per_event(model) == 2 * 5 * 2


def test_operations_equal_those_of_the_profiler():
    """TensorFlow's profiler counts products only, once everything else is subtracted."""
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2
    from tensorflow.python.profiler.model_analyzer import profile
    from tensorflow.python.profiler.option_builder import ProfileOptionBuilder

    model = build(tiny("mscat"), SIZES)
    signature = [tf.TensorSpec((1, *x.shape[1:]), x.dtype) for x in model.inputs]
    frozen = convert_variables_to_constants_v2(tf.function(lambda *x: model(list(x))).get_concrete_function(*signature))
    options = ProfileOptionBuilder(ProfileOptionBuilder.float_operation())
    options.with_node_names(show_name_regexes=[".*"]).with_empty_output().order_by("float_ops")
    with tf.Graph().as_default() as graph:
        tf.graph_util.import_graph_def(frozen.graph.as_graph_def(), name="")
        by_type = profile(graph, options=options.with_accounted_types([".*MatMul.*"]).build(), cmd="op")
    assert flops_per_event(model) == by_type.total_float_ops


def test_networks_for_any_length_are_counted_at_one():
    fixed, free = (build(tiny(), replace(SIZES, constituents=length)) for length in (SIZES.constituents, None))
    assert cost_per_event(free, constituents=SIZES.constituents).flops == cost_per_event(fixed).flops
    with pytest.raises(InputError, match=r"constituents_1: its length .* give the number of constituents, or set"):
        cost_per_event(free)


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


def test_parameters_of_factorised_by_hand():
    """Those of `substructure_only` and `kinematics_only` whose heads see one jet, and no offset of the jets' term."""
    found = {name: parameters(build(tiny(name), SIZES)) for name in ("substructure_only", "kinematics_only")}
    assert parameters(build(tiny("factorised"), SIZES)) == sum(found.values()) - 12 * 7 - 1


def test_parameters_and_operations_of_joint_attention_by_hand():
    """Three blocks over 2 x 6 + 3 tokens of width 12, 2 heads of 3, hidden 24; the head of 7 sees 2 + 3 tokens."""
    model = build(tiny("joint_attention"), SIZES)
    embeddings = 4 * 12 + 12 + 2 * 12 + 6 * 12 + 12 + 3 * 12
    size = 3 * (12 * 6 + 6) + 6 * 12 + 12 + 12 * 24 + 24 + 24 * 12 + 12 + 2 * 2 * 12
    head = 60 * 7 + 7 + 7 + 1
    assert parameters(model) == embeddings + 3 * size + 2 * 2 * 12 + head
    products = block(15, 15, 12, 6, 24)
    assert flops_per_event(model) == 2 * (12 * 4 * 12 + 3 * 6 * 12 + 3 * products + 60 * 7 + 7)
