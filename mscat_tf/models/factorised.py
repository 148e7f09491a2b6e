"""The factorised likelihood: one tagger for each jet and one of the kinematics, multiplied."""

import keras
from keras import layers

from mscat_tf.layers.activations import gelu
from mscat_tf.models.parts import (
    Design,
    assemble,
    encode_constituents,
    encode_kinematics,
    high_scale_inputs,
    in_turn,
    low_scale_inputs,
    score_of,
)
from mscat_tf.models.pooling import pool_each_jet, pool_kinematics


def build_factorised(design: Design) -> keras.Model:
    """Encoders of `concatenation`, each with a head of its own; the logit is the sum of what the heads say.

    If jets and kinematics were independent given the class, the likelihood ratio would be a product,

        p(jet 1, jet 2, kinematics | S) / p(... | B) = r(jet 1) r(jet 2) r(kinematics),

    and its logarithm a sum of terms that see one stream alone (Neyman and Pearson). This network can be no other
    function, so what a joint network gains over it is in the relations between streams. All terms are trained
    together: nothing is lost by taggers that were trained apart.

    Inputs and output as `mscat`. Terms `jet_j_term` and `kinematics_term`, `(batch, 1)` in float32. With a shared
    encoder the jets share the head too, and differ by the vector that tells them apart, if `distinguish_jets`.
    """
    high = high_scale_inputs(design)
    clouds, masks = low_scale_inputs(design)
    jets = pool_each_jet(design, *encode_constituents(design, clouds, masks))
    shared = _term(design, "jet", use_bias=False) if design.settings.shared_encoder else None
    terms = []
    for number, jet in enumerate(jets, start=1):
        term = shared or _term(design, f"jet_{number}", use_bias=False)
        terms.append(layers.Identity(name=f"jet_{number}_term")(term(jet)))
    event = pool_kinematics(design, encode_kinematics(design, high))
    terms.append(layers.Identity(name="kinematics_term")(_term(design, "kinematics")(event)))
    score = score_of(layers.Add(dtype="float32", name="logit")(terms))
    return assemble([*clouds, *masks, high], score, "factorised")


def _term(design, name, use_bias=True):
    """A head, made once: `(batch, features) -> (batch, 1)`. One offset is enough for a sum, that of the kinematics."""
    stack = []
    for number, size in enumerate(design.settings.head_units, start=1):
        stack.append(layers.Dense(size, activation=gelu, name=f"{name}_head_{number}"))
        stack.append(layers.Dropout(design.settings.dropout_rate, name=f"{name}_head_{number}_dropout"))
    return in_turn([*stack, layers.Dense(1, use_bias=use_bias, dtype="float32", name=f"{name}_log_ratio")])
