"""Attention scores of a trained network.

Shapes: scores of one block are `(events, heads, queries, keys)`.
"""

import inspect
import re
from collections.abc import Mapping, Sequence
from typing import Any

import keras
from keras import layers
from tf_keras_vis.utils.model_modifiers import ExtractIntermediateLayer

from mscat_tf.layers import MixerBlock, SplitJets

SUFFIX = "_scores"
CLOUD = re.compile(r"constituents_(\d+)")
MODULES_READ = re.compile(r"modules_cross_(\d+)")
"""Blocks of `analysis_model` in which the kinematics read its modules."""
IN_TRUNK = re.compile(r"particle_block_(\d+)|class_attention")
"""Layers of `particle_transformer` that are called for each jet."""


def explanation_model(model: keras.Model) -> keras.Model:
    """The same network with one more output for every attention block: its scores.

    Built on a copy with the same layers and weights, so the trained network is left alone.

    Args:
        model: a functional model. A layer whose call has an argument `return_attention_scores`, and that is followed by
            a named identity layer, counts as an attention block; `SplitJets` between them makes one of each jet. So
            does each call of the layers of `IN_TRUNK`, which serve all jets and have no identity after them.

    Returns:
        A model with the same inputs and outputs `score` `(batch, 1)` and, for a block whose tokens leave as
        `cross_block_1`, `cross_block_1_scores` `(batch, heads, queries, keys)`, made by an identity layer of that name.
    """
    pending: dict[int, Any] = {}
    named: dict[str, Any] = {}
    jet_of: dict[int, str] = {}

    def name_scores(block, scores):
        named[block + SUFFIX] = layers.Identity(name=block + SUFFIX)(scores)

    def call(layer, *arguments, **options):
        jet = _jet_read(arguments, jet_of)
        found = look_inside(layer, jet, *arguments, **options)
        if jet is not None:
            jet_of.update((id(tensor), jet) for tensor in (found if isinstance(found, list | tuple) else [found]))
        return found

    def look_inside(layer, jet, *arguments, **options):
        if "return_attention_scores" in inspect.signature(layer.call).parameters:
            tokens, scores = layer(*arguments, **options, return_attention_scores=True)
            if jet is not None and (match := IN_TRUNK.fullmatch(layer.name)):
                name_scores(f"constituents_{jet}_block_{match[1]}" if match[1] else f"constituents_{jet}_class", scores)
            else:
                pending[id(tokens)] = scores
            return tokens
        if isinstance(layer, SplitJets) and id(arguments[0]) in pending:
            jets, scores = layer(*arguments), layer(pending.pop(id(arguments[0])))
            pending.update((id(tokens), its_own) for tokens, its_own in zip(jets, scores, strict=True))
            return jets
        if isinstance(layer, layers.Identity) and id(arguments[0]) in pending:
            name_scores(layer.name, pending.pop(id(arguments[0])))
        return layer(*arguments, **options)

    copy = keras.models.clone_model(model, call_function=call)
    copy.set_weights(model.get_weights())
    return keras.Model(copy.inputs, {"score": copy.output, **named}, name=f"{model.name}_explained")


def _jet_read(arguments: tuple[Any, ...], jet_of: Mapping[int, str]) -> str | None:
    """Number of the one jet whose constituents these tensors are made of, None for several jets or other tokens."""
    found = set()
    for tensor in keras.tree.flatten(list(arguments)):
        own = CLOUD.fullmatch(getattr(tensor, "name", ""))
        if own or id(tensor) in jet_of:
            found.add(own[1] if own else jet_of[id(tensor)])
    return found.pop() if len(found) == 1 else None


def attention_blocks(explained: keras.Model) -> list[str]:
    """Names of the attention blocks of an explanation model, sorted."""
    return sorted(name.removesuffix(SUFFIX) for name in explained.output if name.endswith(SUFFIX))


def can_be_followed(model: keras.Model) -> bool:
    """Whether attention can be followed down to the inputs: not where values come from the asking tokens, which hands
    nothing on, nor through mixer blocks, which pass on from token to token without attention, nor to what modules of
    `analysis_model` say, which is made of no tokens."""
    return not any(
        getattr(layer, "attention_kind", "") == "key_overlap"
        or isinstance(layer, MixerBlock)
        or MODULES_READ.fullmatch(layer.name)
        for layer in model.layers
    )


def one_block(explained: keras.Model, block: str) -> keras.Model:
    """A model whose only output is the scores of one block, extracted by tf-keras-vis."""
    return ExtractIntermediateLayer(block + SUFFIX)(explained)


def high_scale_labels(model: keras.Model, names: Sequence[str] = ()) -> list[str]:
    """What the tokens of the high scale are, in their order; empty for a network without any.

    Args:
        model: a network of the registry. names: of the kinematic tokens, from the header of the sample.
    """
    tokens = [tensor.shape[1] for tensor in model.inputs if tensor.name == "kinematics"]
    if not tokens:
        return []
    known = {3: ("leading jet", "subleading jet", "sum")}
    labels = list(names or known.get(tokens[0]) or (f"token {1 + token}" for token in range(tokens[0])))
    present = {layer.name for layer in model.layers}
    more = {"event_shapes_token": "event shapes", "class_token": "class token"}
    return labels + [label for layer, label in more.items() if layer in present]
