"""Pieces that the networks share: inputs, encoders of the two scales, classifying head.

Every layer has a stable name. A block that serves both jets is one layer, so the tokens that leave it are named by an
identity layer for each jet: `constituents_1_block_2` is jet 1 after the second block. Grad-CAM and the attention
maps find tokens by these names.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import layers

from mscat_tf.config import ModelSettings
from mscat_tf.layers import (
    ClassToken,
    FeatureNormalisation,
    IgnoreMask,
    PairInteractions,
    SelfAttentionBlock,
    SplitJets,
    StackJets,
    TokenEmbedding,
)
from mscat_tf.layers.activations import gelu
from mscat_tf.layers.normalisations import normalisation_layer
from mscat_tf.models.inputs import InputSpecification, Statistics, log_columns


@dataclass(frozen=True)
class Design:
    """The three things that every builder needs."""

    settings: ModelSettings
    inputs: InputSpecification
    statistics: Statistics

    def attention_options(self, encoder: str, number: int, depth: int) -> dict[str, Any]:
        """Arguments of attention block `number` (from 1) of an encoder with `depth` of them.

        Args:
            encoder: `substructure`, `kinematics`, `cross` or `joint`.

        The rate of stochastic depth grows linearly up to the last block (arXiv:1603.09382, equation 4); lambda of
        differential attention starts deeper in the network nearer to 0.8 (arXiv:2410.05258).
        """
        names = (
            *("num_heads", "key_dim", "mlp_ratio", "dropout_rate"),
            *("normalisation", "norm_first", "fused_attention"),
        )
        return {
            **{name: getattr(self.settings, name) for name in names},
            "attention_kind": self.settings.attention,
            "lambda_init": 0.8 - 0.6 * math.exp(-0.3 * (number - 1)),
            "stochastic_depth": self.settings.stochastic_depth * number / depth,
            **{f"{part}_skip": f"{encoder}_{part}" not in self.settings.without_skips for part in ("attention", "mlp")},
        }

    @property
    def jet_tokens(self) -> int:
        """How many of the first kinematic tokens must stay interchangeable: 1 where the jets are told apart."""
        return 1 if self.settings.distinguish_jets else min(self.inputs.jets, self.inputs.tokens)

    def norm(self, name: str) -> Any:
        """A new normalisation of tokens."""
        return normalisation_layer(self.settings.normalisation, name=name)


def high_scale_inputs(design):
    """Inputs of the high scale by name: `kinematics` `(tokens, features)`, and `event_shapes` `(columns,)` if any."""
    sizes = design.inputs
    inputs = {"kinematics": keras.Input((sizes.tokens, len(sizes.kinematic_features)), name="kinematics")}
    if sizes.event_shapes:
        inputs["event_shapes"] = keras.Input((len(sizes.event_shapes),), name="event_shapes")
    return inputs


def low_scale_inputs(design, stream="constituents"):
    """Tokens `(tokens, features)` and masks `(tokens,)` bool of one low-scale stream: two lists, an entry for each jet.

    Named `constituents_j` and `mask_j` for each jet j, or `lund_j` and `lund_mask_j`.
    """
    found = design.inputs.stream(stream)
    names = [found.input_names(jet) for jet in range(1, design.inputs.jets + 1)]
    clouds = [keras.Input((found.tokens, len(found.features)), name=name) for name, _ in names]
    masks = [keras.Input((found.tokens,), dtype="bool", name=name) for _, name in names]
    return clouds, masks


def normalise_kinematics(design, kinematics):
    """Standardised kinematic tokens `(batch, tokens, features)`."""
    features = design.inputs.kinematic_features
    mean, width = _kinematic_statistics(design)
    logs = log_columns(features, design.settings.log_features)
    return FeatureNormalisation(features, mean, width, logs, name="kinematics_normalisation")(kinematics)


def _kinematic_statistics(design):
    """Mean and width of every kinematic token; those of all jets together where jets are not told apart."""
    mean, width = np.array(design.statistics.kinematic_mean), np.array(design.statistics.kinematic_width)
    jets = slice(design.jet_tokens)
    if design.jet_tokens > 1:
        centre = mean[jets].mean(axis=0)
        width[jets] = np.sqrt((width[jets] ** 2 + (mean[jets] - centre) ** 2).mean(axis=0))
        mean[jets] = centre
    return mean.tolist(), width.tolist()


def normalise_event_shapes(design, event_shapes):
    """Standardised event shapes `(batch, columns)`."""
    columns = design.inputs.event_shapes
    return FeatureNormalisation(
        columns,
        design.statistics.event_shape_mean,
        design.statistics.event_shape_width,
        log_columns(columns, design.settings.log_features),
        name="event_shapes_normalisation",
    )(event_shapes)


def in_turn(stack):
    """One function that applies these layers, made once, one after the other."""

    def apply(tokens):
        for layer in stack:
            tokens = layer(tokens)
        return tokens

    return apply


def embedding(design, name):
    """What brings standardised features to `width`, made once: `tokens -> (batch, tokens, width)`.

    `embedding: linear` is one dense layer `name`; `mlp` puts hidden ones `name_hidden_n` before it.
    """
    units = design.settings.embedding_units if design.settings.embedding == "mlp" else ()
    stack = [layers.Dense(size, activation=gelu, name=f"{name}_hidden_{n}") for n, size in enumerate(units, start=1)]
    return in_turn([*stack, layers.Dense(design.settings.width, name=name)])


def embed_high_scale(design, high, pooled=True):
    """Tokens `(batch, high_tokens, width)`: the kinematic ones, then that of the event shapes if there are any.

    Each kind has an embedding of its own, and a learned vector for each token tells them apart. With `pooling`
    `class_token` one more, learned token stands last.

    Args:
        high: see `high_scale_inputs`. pooled: whether the network pools these tokens, hence needs the class token.
    """
    tokens = embedding(design, "kinematics_embedding")(normalise_kinematics(design, high["kinematics"]))
    if "event_shapes" in high:
        shapes = embedding(design, "event_shapes_embedding")(normalise_event_shapes(design, high["event_shapes"]))
        shapes = layers.Reshape((1, design.settings.width), name="event_shapes_token")(shapes)
        tokens = layers.Concatenate(axis=1, name="high_scale")([tokens, shapes])
    named = {"alike": design.jet_tokens, "name": "kinematics_token_embedding"}
    tokens = TokenEmbedding(design.inputs.high_tokens, **named)(tokens)
    return ClassToken(name="class_token")(tokens) if pooled and design.settings.pooling == "class_token" else tokens


def flatten_high_scale(design, high):
    """Standardised numbers of the high scale without any encoder, `(batch, tokens * features + columns)`."""
    flat = layers.Flatten(name="kinematics_flat")(normalise_kinematics(design, high["kinematics"]))
    if "event_shapes" not in high:
        return flat
    return layers.Concatenate(name="high_scale")([flat, normalise_event_shapes(design, high["event_shapes"])])


def encode_kinematics(design, high, blocks=None, pooled=True):
    """Tokens of the high scale `(batch, high_tokens, width)` after their self-attention blocks `kinematics_block_b`.

    Args:
        high, pooled: see `embed_high_scale`. blocks: their number instead of `kinematic_blocks`; 0 only embeds.
    """
    tokens = embed_high_scale(design, high, pooled)
    depth = design.settings.kinematic_blocks if blocks is None else blocks
    for number in range(1, depth + 1):
        options = design.attention_options("kinematics", number, depth)
        block = SelfAttentionBlock(**options, name=f"kinematics_encoder_{number}")
        tokens = layers.Identity(name=f"kinematics_block_{number}")(block(tokens))
    return tokens


def normalise_stream(design, stream="constituents"):
    """Layer that standardises the tokens of a low-scale stream, the same for all jets; padding becomes 0."""
    features = design.inputs.stream(stream).features
    logs = log_columns(features, design.settings.log_features)
    mean, width = design.statistics.of_stream(stream)
    return FeatureNormalisation(features, mean, width, logs, name=f"{stream}_normalisation")


@dataclass(frozen=True)
class Encoder:
    """Layers that turn the tokens of one jet into encoded ones; `pairs` makes the bias of their attention, if any."""

    embed: Callable[..., Any]
    blocks: list[SelfAttentionBlock]
    pairs: PairInteractions | None


def encode_constituents(design, clouds, masks, blocks=None, stream="constituents"):
    """Tokens `(batch, constituents, width)` of each jet after their self-attention blocks `constituents_j_block_b`.

    With a shared encoder a learned vector, added before the first block, tells the jets apart, unless
    `distinguish_jets` is off. With `jets_at_once` it is called once for all jets, and each block's tokens are taken
    apart and put together again, so that `constituents_j_block_b` stays on the way to the score.

    Args:
        clouds, masks: of `low_scale_inputs`. blocks: number of blocks instead of `constituent_blocks`; 0 only embeds.
        stream: whose tokens these are, and what names begin with.

    Returns:
        Two lists, an entry for each jet: the tokens, and the masks by which they are to be read from here on.
    """
    settings, normalise = design.settings, normalise_stream(design, stream)
    depth = settings.constituent_blocks if blocks is None else blocks
    shared = _encoder(design, stream, stream, depth) if settings.shared_encoder else None
    at_once = settings.jets_at_once and depth > 0 and len(clouds) > 1
    encoded, seen = [], []
    for jet, (cloud, mask) in enumerate(zip(clouds, masks, strict=True), start=1):
        encoder = shared or _encoder(design, stream, f"{stream}_{jet}", depth)
        tokens = encoder.embed(normalise(cloud, mask))
        if shared and settings.distinguish_jets:
            tokens = TokenEmbedding(1, name=f"{stream}_{jet}_jet_embedding")(tokens)
        seen.append(mask if settings.masks else IgnoreMask(name=f"{mask.name}_ignored")(mask))
        if not at_once:
            bias = encoder.pairs(cloud, mask) if encoder.pairs else None
            for number, block in enumerate(encoder.blocks, start=1):
                tokens = layers.Identity(name=f"{stream}_{jet}_block_{number}")(block(tokens, seen[-1], bias=bias))
        encoded.append(tokens)
    return (_blocks_at_once(shared, stream, encoded, seen, clouds, masks) if at_once else encoded), seen


def _blocks_at_once(encoder, stream, jets, seen, clouds, masks):
    """Tokens of each jet after the blocks of a shared encoder, each called once; arguments as in its caller."""

    def stack(tensors, name):
        return StackJets(name=f"{stream}_{name}")(tensors)

    seen_by_all = stack(seen, "all_masks")
    bias = encoder.pairs(stack(clouds, "all_columns"), stack(masks, "all_pair_masks")) if encoder.pairs else None
    for number, block in enumerate(encoder.blocks, start=1):
        found = block(stack(jets, f"all_block_{number}"), seen_by_all, bias=bias)
        apart = SplitJets(len(jets), name=f"{stream}_each_block_{number}")(found)
        named = enumerate(apart, start=1)
        jets = [layers.Identity(name=f"{stream}_{jet}_block_{number}")(tokens) for jet, tokens in named]
    return jets


def _encoder(design, stream, prefix, depth):
    blocks = [
        SelfAttentionBlock(**design.attention_options("substructure", number, depth), name=f"{prefix}_encoder_{number}")
        for number in range(1, depth + 1)
    ]
    pairs, settings = None, design.settings
    if settings.pair_interactions and blocks and stream == "constituents":
        columns = design.inputs.constituent_features
        pairs = PairInteractions(settings.num_heads, columns, settings.pair_units, name=f"{prefix}_pairs")
    return Encoder(embedding(design, f"{prefix}_embedding"), blocks, pairs)


def classify(design, features, units=None, dropout_rate=None, activation=gelu):
    """Score `(batch, 1)` in (0, 1) from `(batch, features)`: an MLP, then layers `logit` and `score` in float32.

    Args:
        units, dropout_rate: instead of `head_units` and `dropout_rate` of the settings.
        activation: of the MLP.
    """
    rate = design.settings.dropout_rate if dropout_rate is None else dropout_rate
    features = head(features, design.settings.head_units if units is None else units, rate, activation)
    return score_of(layers.Dense(1, dtype="float32", name="logit")(features))


def head(features, units, dropout_rate, activation=gelu):
    """The layers `head_n` of the classifying MLP, dropout after each."""
    for number, size in enumerate(units, start=1):
        features = layers.Dense(size, activation=activation, name=f"head_{number}")(features)
        features = layers.Dropout(dropout_rate, name=f"head_{number}_dropout")(features)
    return features


def score_of(logit):
    """Layer `score`: the sigmoid, in float32."""
    return layers.Activation("sigmoid", dtype="float32", name="score")(logit)


def assemble(inputs, score, name):
    """The functional model; inputs in alphabetical order of their names, as tf-keras-vis needs.

    Args:
        inputs: tensors, or dicts of them.
    """
    inputs = [tensor for item in inputs for tensor in (item.values() if isinstance(item, dict) else [item])]
    return keras.Model(sorted(inputs, key=lambda tensor: tensor.name), score, name=name)
