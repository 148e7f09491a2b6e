"""The three networks of the code released with arXiv:2401.00452, as they were meant."""

from dataclasses import replace

import keras
from keras import layers

from mscat_tf.layers import (
    LayerNormalisation,
    MergeJets,
    ReleasedCrossAttentionBlock,
    ReleasedSelfAttentionBlock,
    TwoClassLogit,
)
from mscat_tf.models.inputs import Statistics
from mscat_tf.models.parts import (
    Design,
    assemble,
    head,
    high_scale_inputs,
    low_scale_inputs,
    normalise_kinematics,
    normalise_stream,
    score_of,
)


def build_released(design: Design) -> keras.Model:
    """Self-attention on raw features, the jets added token by token, cross-attention, a wide head of two classes.

    Inputs: `constituents_j` `(batch, constituents, features)` and `mask_j` of every jet (form `three`) or of the
    leading one, `kinematics` `(batch, tokens, features)` but in form `single`; event shapes are not read. Output: score
    `(batch, 1)`. No embedding: a token has as many features as its columns, and every jet an encoder of its own.
    Forms `three` and `single` depend on the order of the constituents.
    Source: layout and sizes of the released code; those of its faults that let it run are settings
    (`released.faults`).
    """
    design, own = _as_read(design), design.settings.released
    clouds, masks = low_scale_inputs(design)
    constituent_layers, kinematic_layers, cross_layers = own.depths()
    jets = _encode_jets(design, clouds, masks, constituent_layers)
    merged, keys = MergeJets("add", name="merged_constituents")(jets, masks)
    if own.faults.padding_added:
        merged = layers.Add(name="added_constituents")(jets) if len(jets) > 1 else jets[0]
    if own.form == "single":
        return assemble([*clouds, *masks], _classify(own, merged), "released")
    high = high_scale_inputs(design)["kinematics"]
    tokens = LayerNormalisation(name="kinematics_input_norm")(normalise_kinematics(design, high))
    tokens = _encode(own, tokens, None, own.kinematic_heads, kinematic_layers, "kinematics")
    tokens = _cross(own, tokens, merged, None if own.faults.ignored_cross_mask else keys, cross_layers)
    return assemble([*clouds, *masks, high], _classify(own, tokens), "released")


def _as_read(design):
    """The design with the inputs that this form reads, and without standardisation if none is wanted."""
    own, sizes = design.settings.released, replace(design.inputs, event_shapes=())
    design = replace(design, inputs=sizes if own.form == "three" else replace(sizes, jets=1))
    if own.standardise:
        return design
    raw = design.settings.model_copy(update={"log_features": False})
    return replace(design, settings=raw, statistics=Statistics.identity(sizes))


def _encode_jets(design, clouds, masks, depth):
    """Tokens `(batch, constituents, features)` of each jet after its blocks `constituents_j_block_b`: a list."""
    own, normalise = design.settings.released, normalise_stream(design)
    encoded = []
    for jet, (cloud, mask) in enumerate(zip(clouds, masks, strict=True), start=1):
        tokens = LayerNormalisation(name=f"constituents_{jet}_input_norm")(normalise(cloud, mask))
        seen = masks[1] if own.faults.other_jets_mask and jet == 1 and len(masks) > 1 else mask
        encoded.append(_encode(own, tokens, seen, own.constituent_heads, depth, f"constituents_{jet}"))
    return encoded


def _encode(own, tokens, mask, heads, depth, name):
    options = {"hidden_units": own.hidden_units, "dropout_rate": own.rate()}
    for number in range(1, depth + 1):
        block = ReleasedSelfAttentionBlock(
            heads, mask_queries=own.faults.query_mask and mask is not None, **options, name=f"{name}_encoder_{number}"
        )
        tokens = layers.Identity(name=f"{name}_block_{number}")(block(tokens, token_mask=mask))
    return tokens


def _cross(own, tokens, keys, key_mask, depth):
    for number in range(1, depth + 1):
        block = ReleasedCrossAttentionBlock(
            own.cross_heads, own.hidden_units, own.rate(), name=f"cross_encoder_{number}"
        )
        tokens = layers.Identity(name=f"cross_block_{number}")(block(tokens, keys, context_mask=key_mask))
    return tokens


def _classify(own, tokens):
    """Score `(batch, 1)` from `(batch, tokens, features)`; two classes as in the released code, then their logit."""
    features = LayerNormalisation(epsilon=1e-6, name="event_norm")(tokens)
    features = layers.Flatten(name="event")(features)
    features = layers.Dropout(own.rate(), name="event_dropout")(features)
    classes = layers.Dense(2, dtype="float32", name="classes")(head(features, own.head_units, own.rate()))
    return score_of(TwoClassLogit(dtype="float32", name="logit")(classes))
