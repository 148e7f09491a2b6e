"""Particle Transformer: attention among constituents that knows their kinematics in pairs. arXiv:2202.03772."""

import keras
from keras import layers

from mscat_tf.config.networks.particle_transformer import ParticleTransformerSettings
from mscat_tf.layers import (
    ClassAttention,
    ConstituentFeatures,
    LayerNormalisation,
    PairInteractions,
    ParticleAttentionBlock,
)
from mscat_tf.layers.activations import gelu
from mscat_tf.models.parts import Design, in_turn
from mscat_tf.models.taggers import Trunk, build_tagger


def build_particle_transformer(design: Design) -> keras.Model:
    """Eight blocks of constituents, two of the class token; 2.1 M parameters as published, for one jet.

    Inputs, output: see `build_tagger`; a jet is what its class token has read.
    """
    settings = design.settings.particle_transformer
    trunk = particle_transformer_trunk(settings, design.inputs.constituent_features)
    return build_tagger(design, "particle_transformer", trunk, settings.head_units, settings.dropout_rate)


def particle_transformer_trunk(settings: ParticleTransformerSettings, columns: tuple[str, ...]) -> Trunk:
    """Constituents `(batch, P, columns)` and their mask -> `(batch, width)`.

    On the way: features `(batch, P, 5)`, embedded `(batch, P, width)`; bias of every block's attention
    `(batch, num_heads, P, P)`.
    """
    heads, ratio = settings.num_heads, settings.mlp_ratio
    prepare = ConstituentFeatures(columns, name="constituent_features")
    embed = _embedding(settings.embedding_units)
    pairs = PairInteractions(heads, columns, settings.pair_units, name="pair_interactions")
    numbers = range(1, settings.particle_blocks + 1)
    blocks = [ParticleAttentionBlock(heads, ratio, settings.dropout_rate, name=f"particle_block_{n}") for n in numbers]
    pool = ClassAttention(settings.class_blocks, heads, ratio, name="class_attention")

    def trunk(tokens, mask):
        found = embed(prepare(tokens, mask))
        bias = pairs(tokens, mask)
        for block in blocks:
            found = block(found, mask, bias=bias)
        return pool(found, mask)

    return trunk


def _embedding(units):
    """`(batch, P, 5)` -> `(batch, P, units[-1])`: a normalisation before each layer, GELU after it."""
    stack = []
    for number, size in enumerate(units, start=1):
        stack.append(LayerNormalisation(epsilon=1e-5, name=f"constituent_embedding_{number}_norm"))
        stack.append(layers.Dense(size, activation=gelu, name=f"constituent_embedding_{number}"))
    return in_turn(stack)
