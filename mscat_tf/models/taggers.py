"""From a tagger of single jets to a classifier of events: one trunk for all jets, then the kinematics beside it."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
from keras import layers

from mscat_tf.layers import SplitJets, StackJets
from mscat_tf.models.parts import (
    Design,
    assemble,
    classify,
    encode_kinematics,
    high_scale_inputs,
    low_scale_inputs,
)
from mscat_tf.models.pooling import pool_kinematics

Trunk = Callable[..., Any]
"""`(tokens, mask)` of one jet -> `(batch, features)`; the layers inside are made once and serve every jet. A trunk for
the stream `lund` is given a third argument, `parent`."""

STACKS = ("tokens", "masks", "parents")


def build_tagger(
    design: Design,
    name: str,
    trunk: Trunk,
    head_units: Sequence[int],
    dropout_rate: float,
    stream: str = "constituents",
    one_batch: bool = False,
) -> keras.Model:
    """Every jet through the same trunk; what leaves it, jet by jet, beside the encoded kinematics; then an MLP.

    With one jet and without kinematics this is the published tagger. Inputs: `constituents_j`, `mask_j` (or `lund_j`,
    `lund_mask_j`, `lund_parent_j`) for each jet and, if `model.kinematics` says so, those of the high scale. Output:
    score `(batch, 1)`. The trunk does not know which jet it sees; the head does.

    Args:
        design: settings, sizes, statistics. name: of the network.
        trunk: see `Trunk`; layer names must not depend on the jet.
        head_units, dropout_rate: of the MLP, ReLU as in all the published taggers.
        stream: what the trunk reads.
        one_batch: show the trunk the jets of all events in one batch, as a trunk with batch normalisation needs.
    """
    clouds, masks = low_scale_inputs(design, stream)
    parents = []
    if stream == "lund":
        tokens = design.inputs.declusterings
        jets = range(1, design.inputs.jets + 1)
        parents = [keras.Input((tokens,), dtype="int32", name=f"lund_parent_{jet}") for jet in jets]
    what = [clouds, masks, *([parents] if parents else [])]
    if one_batch and len(clouds) > 1:
        together = [StackJets(name=f"all_{name}")(jets) for name, jets in zip(STACKS, what, strict=False)]
        parts = SplitJets(len(clouds), name="each_jet")(trunk(*together))
    else:
        parts = [trunk(*jet) for jet in zip(*what, strict=True)]
    inputs: list[Any] = [*clouds, *masks, *parents]
    if sees_kinematics(design):
        high = high_scale_inputs(design)
        inputs.append(high)
        parts.append(pool_kinematics(design, encode_kinematics(design, high)))
    event = layers.Concatenate(name="event")(parts) if len(parts) > 1 else parts[0]
    score = classify(design, event, head_units, dropout_rate, activation="relu")
    return assemble(inputs, score, name)


def sees_kinematics(design: Design) -> bool:
    """Whether a tagger is given the high scale: as `model.kinematics` says, else with two or more jets."""
    asked = design.settings.kinematics
    return design.inputs.jets > 1 if asked is None else asked
