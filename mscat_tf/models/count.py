"""Size and cost of a network: parameters, and floating-point operations for one event."""

import math
from typing import Any

import keras
from keras import layers

from mscat_tf.layers import CrossAttentionBlock, SelfAttentionBlock


def parameters(model: keras.Model) -> int:
    """Number of trainable weights."""
    return sum(math.prod(weight.shape) for weight in model.trainable_weights)


def flops_per_event(model: keras.Model) -> int:
    """Operations of one forward pass of one event: every matrix product, two for each multiplication with addition.

    Exact for the products (embeddings, attention, MLPs, head; a shared block counts as often as it is used);
    normalisations, softmax and activations are left out, as is usual. Padding costs as much as real tokens.
    """
    total = 0

    def call(layer: Any, *arguments: Any, **options: Any) -> Any:
        nonlocal total
        total += 2 * _multiplications(layer, arguments)
        return layer(*arguments, **options)

    keras.models.clone_model(model, call_function=call)
    return total


def _multiplications(layer: Any, arguments: tuple[Any, ...]) -> int:
    if isinstance(layer, layers.Dense):
        return math.prod(arguments[0].shape[1:]) * layer.units
    if isinstance(layer, SelfAttentionBlock):
        return _block(layer, arguments[0].shape, arguments[0].shape)
    if isinstance(layer, CrossAttentionBlock):
        return _block(layer, arguments[0].shape, arguments[1].shape)
    return 0


def _block(layer: Any, query: tuple[int, ...], context: tuple[int, ...]) -> int:
    inner = layer.num_heads * layer.key_dim
    hidden = max(1, round(layer.mlp_ratio * query[-1]))
    projections = 2 * query[1] * query[2] * inner + 2 * context[1] * context[2] * inner
    pairs = 2 * query[1] * context[1] * inner
    return projections + pairs + 2 * query[1] * query[2] * hidden
