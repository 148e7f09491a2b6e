"""Pieces that the networks share: inputs, encoders of the two scales, classifying head.

Every layer has a stable name. A block that serves both jets is one layer, so the tokens that leave it are named by an
identity layer for each jet: `constituents_1_block_2` is jet 1 after the second block. Grad-CAM and the attention
maps find tokens by these names.
"""

from dataclasses import dataclass
from typing import Any

import keras
from keras import layers

from mscat_tf.config import ModelSettings
from mscat_tf.layers import FeatureNormalisation, MaskedMean, SelfAttentionBlock, TokenEmbedding
from mscat_tf.layers.activations import gelu
from mscat_tf.models.inputs import InputSpecification, Statistics, log_columns


@dataclass(frozen=True)
class Design:
    """The three things that every builder needs."""

    settings: ModelSettings
    inputs: InputSpecification
    statistics: Statistics

    def attention_options(self) -> dict[str, Any]:
        """Arguments of every attention block."""
        names = ("num_heads", "key_dim", "mlp_ratio", "dropout_rate")
        return {name: getattr(self.settings, name) for name in names}


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
    return FeatureNormalisation(
        features,
        design.statistics.kinematic_mean,
        design.statistics.kinematic_width,
        log_columns(features, design.settings.log_features),
        name="kinematics_normalisation",
    )(kinematics)


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


def embed_high_scale(design, high):
    """Tokens `(batch, high_tokens, width)`: the kinematic ones, then that of the event shapes if there are any.

    Each kind has an embedding of its own, and a learned vector for each token tells them apart.
    """
    width = design.settings.width
    tokens = layers.Dense(width, name="kinematics_embedding")(normalise_kinematics(design, high["kinematics"]))
    if "event_shapes" in high:
        shapes = normalise_event_shapes(design, high["event_shapes"])
        shapes = layers.Reshape((1, width), name="event_shapes_token")(
            layers.Dense(width, name="event_shapes_embedding")(shapes)
        )
        tokens = layers.Concatenate(axis=1, name="high_scale")([tokens, shapes])
    return TokenEmbedding(design.inputs.high_tokens, name="kinematics_token_embedding")(tokens)


def flatten_high_scale(design, high):
    """Standardised numbers of the high scale without any encoder, `(batch, tokens * features + columns)`."""
    flat = layers.Flatten(name="kinematics_flat")(normalise_kinematics(design, high["kinematics"]))
    if "event_shapes" not in high:
        return flat
    return layers.Concatenate(name="high_scale")([flat, normalise_event_shapes(design, high["event_shapes"])])


def encode_kinematics(design, high, blocks=None):
    """Tokens of the high scale `(batch, high_tokens, width)` after their self-attention blocks `kinematics_block_b`.

    Args:
        high: see `high_scale_inputs`. blocks: their number instead of `kinematic_blocks`; 0 only embeds.
    """
    settings, tokens = design.settings, embed_high_scale(design, high)
    for number in range(1, (settings.kinematic_blocks if blocks is None else blocks) + 1):
        block = SelfAttentionBlock(**design.attention_options(), name=f"kinematics_encoder_{number}")
        tokens = layers.Identity(name=f"kinematics_block_{number}")(block(tokens))
    return tokens


def normalise_stream(design, stream="constituents"):
    """Layer that standardises the tokens of a low-scale stream, the same for all jets; padding becomes 0."""
    features = design.inputs.stream(stream).features
    logs = log_columns(features, design.settings.log_features)
    return FeatureNormalisation(features, *design.statistics.of_stream(stream), logs, name=f"{stream}_normalisation")


def encode_constituents(design, clouds, masks, blocks=None, stream="constituents"):
    """Tokens `(batch, constituents, width)` of each jet after their self-attention blocks `constituents_j_block_b`.

    With a shared encoder a learned vector, added before the first block, tells the jets apart.

    Args:
        clouds, masks: of `low_scale_inputs`. blocks: number of blocks instead of `constituent_blocks`; 0 only embeds.
        stream: whose tokens these are, and what names begin with.
    """
    settings, normalise = design.settings, normalise_stream(design, stream)
    depth = settings.constituent_blocks if blocks is None else blocks
    shared = _constituent_encoder(design, stream, depth) if settings.shared_encoder else None
    encoded = []
    for jet, (cloud, mask) in enumerate(zip(clouds, masks, strict=True), start=1):
        embed, encoder = shared or _constituent_encoder(design, f"{stream}_{jet}", depth)
        tokens = embed(normalise(cloud, mask))
        if shared:
            tokens = TokenEmbedding(1, name=f"{stream}_{jet}_jet_embedding")(tokens)
        for number, block in enumerate(encoder, start=1):
            tokens = layers.Identity(name=f"{stream}_{jet}_block_{number}")(block(tokens, mask))
        encoded.append(tokens)
    return encoded


def _constituent_encoder(design, prefix, depth):
    embed = layers.Dense(design.settings.width, name=f"{prefix}_embedding")
    numbers = range(1, depth + 1)
    return embed, [SelfAttentionBlock(**design.attention_options(), name=f"{prefix}_encoder_{n}") for n in numbers]


def pool_constituents(jets, masks):
    """For each jet the mean of its real constituents after a common normalisation, `(batch, width)`: a list."""
    norm = layers.LayerNormalization(name="constituents_norm")
    pairs = enumerate(zip(jets, masks, strict=True), start=1)
    return [MaskedMean(name=f"constituents_{jet}_mean")(norm(tokens), mask) for jet, (tokens, mask) in pairs]


def flatten_kinematics(tokens):
    """All kinematic tokens after a normalisation, `(batch, tokens * width)`."""
    return layers.Flatten(name="kinematics_flat")(layers.LayerNormalization(name="kinematics_norm")(tokens))


def classify(design, features, units=None, dropout_rate=None, activation=gelu):
    """Score `(batch, 1)` in (0, 1) from `(batch, features)`: an MLP, then layers `logit` and `score` in float32.

    Args:
        units, dropout_rate: instead of `head_units` and `dropout_rate` of the settings.
        activation: of the MLP.
    """
    rate = design.settings.dropout_rate if dropout_rate is None else dropout_rate
    for number, size in enumerate(design.settings.head_units if units is None else units, start=1):
        features = layers.Dense(size, activation=activation, name=f"head_{number}")(features)
        features = layers.Dropout(rate, name=f"head_{number}_dropout")(features)
    logit = layers.Dense(1, dtype="float32", name="logit")(features)
    return layers.Activation("sigmoid", dtype="float32", name="score")(logit)


def assemble(inputs, score, name):
    """The functional model; inputs in alphabetical order of their names, as tf-keras-vis needs.

    Args:
        inputs: tensors, or dicts of them.
    """
    inputs = [tensor for item in inputs for tensor in (item.values() if isinstance(item, dict) else [item])]
    return keras.Model(sorted(inputs, key=lambda tensor: tensor.name), score, name=name)
