"""ParticleNet: edge convolutions on the nearest neighbours, found anew before every block. arXiv:1902.08570."""

import keras

from mscat_tf.config.networks.edge_convolution import ParticleNetSettings
from mscat_tf.layers import (
    ConstituentFeatures,
    EdgeConvolution,
    MaskedBatchNormalisation,
    MaskedMean,
    NearestNeighbours,
    SelectFeatures,
)
from mscat_tf.layers.constituent_features import FEATURES
from mscat_tf.models.parts import Design
from mscat_tf.models.taggers import Trunk, build_tagger

COORDINATES = ("eta", "phi")
"""Features whose distance says who is near in the first block; in the others all features do."""


def build_particle_net(design: Design) -> keras.Model:
    """Three blocks, k = 16."""
    return _build(design, "particle_net", design.settings.particle_net)


def build_particle_net_light(design: Design) -> keras.Model:
    """Two narrower blocks, k = 7."""
    return _build(design, "particle_net_light", design.settings.particle_net_light)


def _build(design: Design, name: str, settings: ParticleNetSettings) -> keras.Model:
    trunk = particle_net_trunk(settings, design.inputs.constituent_features)
    return build_tagger(design, name, trunk, settings.head_units, settings.dropout_rate, one_batch=True)


def particle_net_trunk(settings: ParticleNetSettings, columns: tuple[str, ...]) -> Trunk:
    """Constituents `(batch, P, columns)` and their mask -> `(batch, width of the last block)`."""
    prepare = ConstituentFeatures(columns, name="constituent_features")
    locate = SelectFeatures(FEATURES, COORDINATES, name="coordinates")
    norm = MaskedBatchNormalisation(name="constituent_norm")
    numbers = range(1, len(settings.blocks) + 1)
    graphs = [NearestNeighbours(settings.neighbours, name=f"neighbours_{n}") for n in numbers]
    blocks = [EdgeConvolution(widths, name=f"edge_convolution_{n}") for n, widths in enumerate(settings.blocks, 1)]
    pool = MaskedMean(name="constituents_mean")

    def trunk(tokens, mask):
        features = prepare(tokens, mask)
        coordinates, found = locate(features), norm(features, mask)
        for graph, block in zip(graphs, blocks, strict=True):
            neighbours, neighbour_mask = graph(coordinates, mask)
            coordinates = found = block(found, mask, neighbours, neighbour_mask)
        return pool(found, mask)

    return trunk
