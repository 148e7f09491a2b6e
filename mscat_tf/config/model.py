"""The network: its name in the registry, sizes of the transformers, and one section for each other family."""

from typing import Annotated, Literal

from pydantic import Field, PositiveFloat, model_validator

from mscat_tf.config.base import Rate, Settings, Size
from mscat_tf.config.networks.analysis_model import AnalysisModelSettings
from mscat_tf.config.networks.boosted_trees import BoostedTreesSettings
from mscat_tf.config.networks.deep_sets import DeepSetsSettings
from mscat_tf.config.networks.edge_convolution import LundNetSettings, ParticleNetLightSettings, ParticleNetSettings
from mscat_tf.config.networks.images import ImageSettings
from mscat_tf.config.networks.mixer import MixerSettings
from mscat_tf.config.networks.particle_transformer import ParticleTransformerSettings
from mscat_tf.config.networks.released import ReleasedSettings

Skip = Literal[
    "substructure_attention",
    "substructure_mlp",
    "kinematics_attention",
    "kinematics_mlp",
    "cross_attention",
    "cross_mlp",
]


class ModelSettings(Settings):
    """The network. Settings that its name does not use have no say.

    Attributes:
        name: see `mscat_tf.models.registry`.
        streams: low-scale token sets of each jet that `mscat` reads: of `constituents`, `lund` (declusterings) and
            `subjets` one or several.
        kinematics: whether a tagger of single jets (`particle_net`, `deep_sets`, ...) also sees the kinematic tokens;
            null means with two or more jets.
        width: features of every token after the embedding.
        embedding: `linear`, or `mlp` with hidden layers of `embedding_units`.
        num_heads, key_dim: attention heads and their width, in every block.
        constituent_blocks, kinematic_blocks, cross_blocks: depth of the two scales and of the cross-attention encoder.
        mlp_ratio: hidden width of each block's MLP, as a multiple of `width`.
        attention: `softmax`, or `differential`: the difference of two softmax maps (needs an even `key_dim`).
        pair_interactions: a bias of the attention inside each jet, an MLP with `pair_units` of ln kT, ln z, ln Delta
            and ln m^2 of each pair of constituents.
        fused_attention: softmax attention of the blocks as one operation (`keras.ops.dot_product_attention`), which has
            no dropout on the attention scores: `dropout_rate` then acts on MLPs and head alone. Slower on CPUs.
        masks: hide padding. Off, padding takes part as tokens of zeros: an ablation.
        normalisation, norm_first: of the tokens in every block, `layer` or `root_mean_square`; before the attention and
            the MLP, or after them.
        shared_encoder: one constituent encoder for both jets instead of one each.
        jets_at_once: a shared encoder takes all jets in one call, as one batch: the same numbers, and fewer, larger
            operations, which GPUs like; no gain on CPUs.
        distinguish_jets: off, nothing tells the network which jet is which: no embedding of the jet, one embedding and
            one normalisation for the kinematic tokens of all jets. Needs a shared encoder and pooling by a set.
        merge: `concatenate` gives the cross-attention 2 x 50 keys; `add` sums the jets' tokens (released code).
        value_from: where the cross-attention of `mscat` takes its values: `substructure` as in the released code, or
            `kinematics`, our reading of the talk (see `mscat_tf.layers.KeyOverlapAttention`).
        pooling: what the head sees of the kinematic tokens: all (`flatten`), their `mean`, what one learned query reads
            (`attention`), or a learned `class_token` that went through the blocks with them.
        jet_pooling: what the heads of networks other than `mscat` see of a jet: its `mean` constituent, or `attention`.
        dropout_rate: of attention scores, MLPs and head.
        stochastic_depth: share of events that skip attention or MLP of an encoder's last block while training; less
            for those before, in proportion to their number.
        without_skips: skip connections that are removed, of attention or MLP in every block of the `substructure`, of
            the `kinematics` or of the `cross` attention, which then replaces its queries: an ablation.
        log_features: take the logarithm of pt, energy and m before standardising.
        head_units: widths of the classifying MLP.
    """

    name: str = "mscat"
    streams: Annotated[tuple[Literal["constituents", "lund", "subjets"], ...], Field(min_length=1)] = ("constituents",)
    kinematics: bool | None = None
    width: Size = 64
    embedding: Literal["linear", "mlp"] = "linear"
    embedding_units: tuple[Size, ...] = (128,)
    num_heads: Size = 5
    key_dim: Size = 16
    constituent_blocks: Size = 2
    kinematic_blocks: Size = 2
    cross_blocks: Size = 2
    mlp_ratio: PositiveFloat = 2.0
    attention: Literal["softmax", "differential"] = "softmax"
    pair_interactions: bool = False
    pair_units: tuple[Size, ...] = (64, 64, 64)
    fused_attention: bool = False
    masks: bool = True
    normalisation: Literal["layer", "root_mean_square"] = "layer"
    norm_first: bool = True
    shared_encoder: bool = True
    jets_at_once: bool = False
    distinguish_jets: bool = True
    merge: Literal["concatenate", "add"] = "concatenate"
    value_from: Literal["substructure", "kinematics"] = "substructure"
    pooling: Literal["flatten", "mean", "attention", "class_token"] = "flatten"
    jet_pooling: Literal["mean", "attention"] = "mean"
    dropout_rate: Rate = 0.1
    stochastic_depth: Rate = 0.0
    without_skips: tuple[Skip, ...] = ()
    log_features: bool = True
    head_units: tuple[Size, ...] = (128, 64)
    mlp_image: ImageSettings = ImageSettings()
    cnn_image: ImageSettings = ImageSettings()
    particle_net: ParticleNetSettings = ParticleNetSettings()
    particle_net_light: ParticleNetLightSettings = ParticleNetLightSettings()
    lund_net: LundNetSettings = LundNetSettings()
    deep_sets: DeepSetsSettings = DeepSetsSettings()
    particle_transformer: ParticleTransformerSettings = ParticleTransformerSettings()
    mixer: MixerSettings = MixerSettings()
    analysis_model: AnalysisModelSettings = AnalysisModelSettings()
    released: ReleasedSettings = ReleasedSettings()
    boosted_trees: BoostedTreesSettings = BoostedTreesSettings()

    @model_validator(mode="after")
    def _possible(self) -> "ModelSettings":
        if len(set(self.streams)) < len(self.streams):
            raise ValueError(f"streams: {', '.join(self.streams)} names a stream twice; name each once")
        if self.attention == "differential" and self.key_dim % 2:
            raise ValueError(f"attention: differential halves key_dim, which is {self.key_dim}; choose an even one")
        if self.attention == "differential" and self.value_from == "kinematics":
            raise ValueError("value_from: kinematics has no differential form; set attention: softmax")
        if self.attention == "differential" and self.fused_attention:
            raise ValueError("fused_attention: differential attention has no fused form; set fused_attention: false")
        if self.jets_at_once and not self.shared_encoder:
            raise ValueError(
                "jets_at_once: an encoder for each jet cannot take them together; set shared_encoder: true"
            )
        if self.pair_interactions and "constituents" not in self.streams:
            raise ValueError("pair_interactions: pairs are of constituents; add them to streams")
        if not self.distinguish_jets and not self.shared_encoder:
            raise ValueError("distinguish_jets: an encoder for each jet tells them apart; set shared_encoder: true")
        if not self.distinguish_jets and self.pooling == "flatten":
            raise ValueError(
                "distinguish_jets: pooling: flatten shows the head which token is which; choose mean, attention or "
                "class_token"
            )
        return self
