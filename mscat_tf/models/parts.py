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


def kinematics_input(design):
    """Input `kinematics` `(tokens, features)`."""
    return keras.Input((design.inputs.tokens, len(design.inputs.kinematic_features)), name="kinematics")


def constituent_inputs(design):
    """Inputs `constituents_j` `(constituents, features)` and `mask_j` `(constituents,)` bool, for each jet j."""
    sizes, jets = design.inputs, range(1, design.inputs.jets + 1)
    shape = (sizes.constituents, len(sizes.constituent_features))
    clouds = [keras.Input(shape, name=f"constituents_{jet}") for jet in jets]
    masks = [keras.Input(shape[:1], dtype="bool", name=f"mask_{jet}") for jet in jets]
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


def encode_kinematics(design, kinematics, blocks=None):
    """Kinematic tokens `(batch, tokens, width)` after their self-attention blocks `kinematics_block_b`.

    A learned vector for each tells them apart. `blocks` is their number instead of `kinematic_blocks`; 0 only embeds.
    """
    settings = design.settings
    tokens = layers.Dense(settings.width, name="kinematics_embedding")(normalise_kinematics(design, kinematics))
    tokens = TokenEmbedding(design.inputs.tokens, name="kinematics_token_embedding")(tokens)
    for number in range(1, (settings.kinematic_blocks if blocks is None else blocks) + 1):
        block = SelfAttentionBlock(**design.attention_options(), name=f"kinematics_encoder_{number}")
        tokens = layers.Identity(name=f"kinematics_block_{number}")(block(tokens))
    return tokens


def encode_constituents(design, clouds, masks, blocks=None):
    """Tokens `(batch, constituents, width)` of each jet after their self-attention blocks `constituents_j_block_b`.

    With a shared encoder a learned vector, added before the first block, tells the jets apart. `blocks` is their number
    instead of `constituent_blocks`; 0 only embeds.
    """
    settings, features = design.settings, design.inputs.constituent_features
    normalise = FeatureNormalisation(
        features,
        design.statistics.constituent_mean,
        design.statistics.constituent_width,
        log_columns(features, settings.log_features),
        name="constituents_normalisation",
    )
    depth = settings.constituent_blocks if blocks is None else blocks
    shared = _constituent_encoder(design, "constituents", depth) if settings.shared_encoder else None
    encoded = []
    for jet, (cloud, mask) in enumerate(zip(clouds, masks, strict=True), start=1):
        embed, encoder = shared or _constituent_encoder(design, f"constituents_{jet}", depth)
        tokens = embed(normalise(cloud, mask))
        if shared:
            tokens = TokenEmbedding(1, name=f"constituents_{jet}_jet_embedding")(tokens)
        for number, block in enumerate(encoder, start=1):
            tokens = layers.Identity(name=f"constituents_{jet}_block_{number}")(block(tokens, mask))
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


def classify(design, features):
    """Score `(batch, 1)` in (0, 1) from `(batch, features)`: an MLP, then layers `logit` and `score` in float32."""
    for number, units in enumerate(design.settings.head_units, start=1):
        features = layers.Dense(units, activation=gelu, name=f"head_{number}")(features)
        features = layers.Dropout(design.settings.dropout_rate, name=f"head_{number}_dropout")(features)
    logit = layers.Dense(1, dtype="float32", name="logit")(features)
    return layers.Activation("sigmoid", dtype="float32", name="score")(logit)


def assemble(inputs, score, name):
    """The functional model; inputs in alphabetical order of their names, as tf-keras-vis needs."""
    return keras.Model(sorted(inputs, key=lambda tensor: tensor.name), score, name=name)
