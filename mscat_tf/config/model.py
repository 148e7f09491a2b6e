"""The network: its name in the registry, sizes of the transformers, and one section for each other family."""

from typing import Annotated, Literal

from pydantic import Field, PositiveFloat, PositiveInt

from mscat_tf.config.base import Settings
from mscat_tf.config.networks.boosted_trees import BoostedTreesSettings
from mscat_tf.config.networks.deep_sets import DeepSetsSettings
from mscat_tf.config.networks.edge_convolution import LundNetSettings, ParticleNetLightSettings, ParticleNetSettings
from mscat_tf.config.networks.images import ImageSettings
from mscat_tf.config.networks.particle_transformer import ParticleTransformerSettings
from mscat_tf.config.networks.released import ReleasedSettings

Rate = Annotated[float, Field(ge=0.0, lt=1.0)]


class ModelSettings(Settings):
    """The network. Settings that its name does not use have no say.

    Attributes:
        name: see `mscat_tf.models.registry`.
        streams: low-scale token sets of each jet that `mscat` reads: `constituents`, `lund` (declusterings), or both.
        kinematics: whether a tagger of single jets (`particle_net`, `deep_sets`, ...) also sees the kinematic tokens;
            null means with two or more jets.
        width: features of every token after the embedding.
        num_heads, key_dim: attention heads and their width, in every block.
        constituent_blocks, kinematic_blocks, cross_blocks: depth of the two scales and of the cross-attention encoder.
        mlp_ratio: hidden width of each block's MLP, as a multiple of `width`.
        shared_encoder: one constituent encoder for both jets instead of one each.
        merge: `concatenate` gives the cross-attention 2 x 50 keys; `add` sums the jets' tokens (released code).
        value_from: where the cross-attention takes its values; only `substructure` has matching shapes (FACTS C1).
        log_features: take the logarithm of pt, energy and m before standardising.
        head_units: widths of the classifying MLP.
    """

    name: str = "mscat"
    streams: Annotated[tuple[Literal["constituents", "lund"], ...], Field(min_length=1)] = ("constituents",)
    kinematics: bool | None = None
    width: PositiveInt = 64
    num_heads: PositiveInt = 5
    key_dim: PositiveInt = 16
    constituent_blocks: PositiveInt = 2
    kinematic_blocks: PositiveInt = 2
    cross_blocks: PositiveInt = 2
    mlp_ratio: PositiveFloat = 2.0
    shared_encoder: bool = True
    merge: Literal["concatenate", "add"] = "concatenate"
    value_from: Literal["substructure"] = "substructure"
    dropout_rate: Rate = 0.1
    log_features: bool = True
    head_units: tuple[PositiveInt, ...] = (128, 64)
    mlp_image: ImageSettings = ImageSettings()
    cnn_image: ImageSettings = ImageSettings()
    particle_net: ParticleNetSettings = ParticleNetSettings()
    particle_net_light: ParticleNetLightSettings = ParticleNetLightSettings()
    lund_net: LundNetSettings = LundNetSettings()
    deep_sets: DeepSetsSettings = DeepSetsSettings()
    particle_transformer: ParticleTransformerSettings = ParticleTransformerSettings()
    released: ReleasedSettings = ReleasedSettings()
    boosted_trees: BoostedTreesSettings = BoostedTreesSettings()
