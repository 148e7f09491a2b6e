"""Sums over constituents: Particle Flow and Energy Flow Networks."""

from keras import layers

from mscat_tf.layers import FeatureNormalisation, MaskedSum, MomentumWeightedSum, SelectFeatures
from mscat_tf.models.inputs import log_columns
from mscat_tf.models.parts import in_turn, normalise_stream
from mscat_tf.models.taggers import build_tagger

DIRECTION = ("eta", "phi")


def build_deep_sets(design):
    """`F(sum_i Phi(p_i))`, or with `deep_sets.form: energy_flow` the network of `build_energy_flow`.

    Particle Flow Network of Komiske, Metodiev and Thaler, arXiv:1810.05165: Phi acts on all columns of a constituent,
    F is the head. 82 K parameters as published.

    Inputs, output: see `build_tagger`.
    """
    if design.settings.deep_sets.form == "energy_flow":
        return build_energy_flow(design)
    normalise, phi = normalise_stream(design), per_constituent(design)
    pool = MaskedSum(name="constituents_sum")

    def trunk(tokens, mask):
        return pool(phi(normalise(tokens, mask)), mask)

    return tagger(design, "deep_sets", trunk)


def build_energy_flow(design):
    """`F(sum_i z_i Phi(eta_i, phi_i))`, `z_i` the share of the i-th constituent in the transverse momentum of its jet.

    Energy Flow Network of arXiv:1810.05165: what leaves the sum is infrared and collinear safe, since a soft
    constituent weighs nothing and a collinear pair as much as its parent.

    Inputs, output: see `build_tagger`.

    Raises:
        ConfigError: eta, phi or pt is not among the columns.
    """
    columns = design.inputs.constituent_features
    directions = SelectFeatures(columns, DIRECTION, name="constituents_directions")
    momenta = SelectFeatures(columns, ("pt",), name="constituents_momenta")
    normalise, phi = normalise_directions(design), per_constituent(design)
    pool = MomentumWeightedSum(name="constituents_sum")

    def trunk(tokens, mask):
        return pool(phi(normalise(directions(tokens), mask)), momenta(tokens), mask)

    return tagger(design, "deep_sets_energy_flow", trunk)


def per_constituent(design):
    """Phi: `(batch, constituents, columns)` -> `(batch, constituents, phi_units[-1])`, one function for all."""
    return in_turn(
        [
            layers.Dense(units, activation="relu", kernel_initializer="he_uniform", name=f"phi_{number}")
            for number, units in enumerate(design.settings.deep_sets.phi_units, start=1)
        ]
    )


def normalise_directions(design):
    """Layer that standardises eta and phi alone; padding becomes 0."""
    columns = design.inputs.constituent_features
    places = [columns.index(name) for name in DIRECTION]
    mean, width = (tuple(numbers[p] for p in places) for numbers in design.statistics.of_stream("constituents"))
    return FeatureNormalisation(
        DIRECTION, mean, width, log_columns(DIRECTION, False), name="constituents_normalisation"
    )


def tagger(design, name, trunk):
    """The network around a trunk: F is the head."""
    settings = design.settings.deep_sets
    return build_tagger(design, name, trunk, settings.f_units, settings.dropout_rate)
