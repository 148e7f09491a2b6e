"""Networks by name."""

from collections.abc import Callable
from dataclasses import dataclass

import keras

from mscat_tf.config import ModelSettings
from mscat_tf.config.base import unknown_key
from mscat_tf.config.networks.analysis_model import ANALYSIS_MODEL
from mscat_tf.config.networks.boosted_trees import BOOSTED_TREES
from mscat_tf.errors import ConfigError
from mscat_tf.models.analysis_model import build_analysis_model
from mscat_tf.models.cnn_image import build_cnn_image
from mscat_tf.models.concatenation import build_concatenation
from mscat_tf.models.deep_sets import build_deep_sets, build_energy_flow
from mscat_tf.models.factorised import build_factorised
from mscat_tf.models.inputs import InputSpecification, Statistics
from mscat_tf.models.joint_attention import build_joint_attention
from mscat_tf.models.kinematics_mlp import build_kinematics_mlp
from mscat_tf.models.kinematics_only import build_kinematics_only
from mscat_tf.models.lund_net import build_lund_net
from mscat_tf.models.mixer import build_mixer
from mscat_tf.models.mlp_image import build_mlp_image
from mscat_tf.models.mscat import build_mscat
from mscat_tf.models.mscat_swapped import build_mscat_swapped
from mscat_tf.models.particle_net import build_particle_net, build_particle_net_light
from mscat_tf.models.particle_transformer import build_particle_transformer
from mscat_tf.models.parts import Design
from mscat_tf.models.released import build_released
from mscat_tf.models.substructure_only import build_substructure_only
from mscat_tf.physics.high_level_columns import COLUMNS


@dataclass(frozen=True)
class Entry:
    """One network: its builder, what it is in one line, where it was published, and the low-scale streams it reads.

    `streams` says which, by the settings; `high_level` which named jet variables it can read besides. `needs_length`
    says with which settings it can be built only for a number of constituents that is the same in all batches.
    """

    builder: Callable[[Design], keras.Model]
    summary: str
    reference: str
    streams: Callable[[ModelSettings], tuple[str, ...]] = lambda settings: ("constituents",)
    needs_length: Callable[[ModelSettings], bool] = lambda settings: False
    high_level: Callable[[ModelSettings], tuple[str, ...]] = lambda settings: ()


def _always(settings: ModelSettings) -> bool:
    """Neighbours, pairs and places of scales are lists of indices, made when the network is built."""
    return True


def _pairs_or_padding(settings: ModelSettings) -> bool:
    """Pairs of constituents; without masks the score depends on how much padding there is."""
    return "constituents" in streams(settings) and (settings.pair_interactions or not settings.masks)


def _flattened_or_faulty(settings: ModelSettings) -> bool:
    """Form `single` has a head for every constituent; the faults read padding."""
    return settings.released.form == "single" or any(value for _, value in settings.released.faults)


def _with_subjets(settings: ModelSettings) -> tuple[str, ...]:
    """Of the mixer."""
    return ("constituents", *(("subjets",) if settings.mixer.subjets else ()))


MODELS: dict[str, Entry] = {
    "mscat": Entry(
        build_mscat,
        "two scales joined by cross-attention",
        "arXiv:2401.00452",
        streams=lambda settings: settings.streams,
        needs_length=_pairs_or_padding,
    ),
    "concatenation": Entry(
        build_concatenation,
        "two scales side by side, no cross-attention",
        "control, this work",
        needs_length=_pairs_or_padding,
    ),
    "factorised": Entry(
        build_factorised,
        "a term for each jet and one for the kinematics, added",
        "likelihood ratio of independent streams, this work",
        needs_length=_pairs_or_padding,
    ),
    "joint_attention": Entry(
        build_joint_attention,
        "one attention matrix over all tokens of both scales",
        "rival (b) in the talk",
        needs_length=_always,
    ),
    "mscat_swapped": Entry(
        build_mscat_swapped, "cross-attention the other way round", "control, this work", needs_length=_pairs_or_padding
    ),
    "kinematics_only": Entry(
        build_kinematics_only, "jet and event kinematics alone", "control, this work", streams=lambda settings: ()
    ),
    "kinematics_mlp": Entry(
        build_kinematics_mlp, "the same kinematics, no attention", "control, this work", streams=lambda settings: ()
    ),
    "substructure_only": Entry(
        build_substructure_only,
        "constituents alone, no kinematics",
        "control, this work",
        needs_length=_pairs_or_padding,
    ),
    "released": Entry(
        build_released,
        "the released code's networks as they were meant",
        "code released with arXiv:2401.00452",
        needs_length=_flattened_or_faulty,
    ),
    "mlp_image": Entry(build_mlp_image, "dense layers on jet images", "arXiv:1501.05968"),
    "cnn_image": Entry(build_cnn_image, "convolutions on jet images", "arXiv:1803.00107"),
    "particle_net": Entry(
        build_particle_net, "edge convolutions on nearest constituents", "arXiv:1902.08570", needs_length=_always
    ),
    "particle_net_light": Entry(
        build_particle_net_light, "its light form, two blocks", "arXiv:1902.08570", needs_length=_always
    ),
    "particle_transformer": Entry(
        build_particle_transformer,
        "attention with a bias for each pair of constituents",
        "arXiv:2202.03772",
        needs_length=_always,
    ),
    "lund_net": Entry(
        build_lund_net, "edge convolutions along the Lund tree", "arXiv:2012.08526", streams=lambda settings: ("lund",)
    ),
    "mixer": Entry(
        build_mixer,
        "MLP-mixer on constituents, which subjets read by cross-attention",
        "arXiv:2404.14677",
        streams=_with_subjets,
    ),
    ANALYSIS_MODEL: Entry(
        build_analysis_model,
        "a module for each kind of named jet variable, joined by cross-attention",
        "arXiv:2312.11760",
        streams=lambda settings: ("subjets",) if settings.analysis_model.subjet_multiplicities else (),
        high_level=lambda settings: settings.analysis_model.all_columns(COLUMNS),
    ),
    "deep_sets": Entry(build_deep_sets, "sums over constituents (Particle Flow Network)", "arXiv:1810.05165"),
    "deep_sets_energy_flow": Entry(
        build_energy_flow, "sums weighed by momentum, infrared and collinear safe (EFN)", "arXiv:1810.05165"
    ),
}


def build(
    settings: ModelSettings, inputs: InputSpecification | None = None, statistics: Statistics | None = None
) -> keras.Model:
    """Build the network that `settings.name` asks for; `keras.utils.set_random_seed` before makes it repeatable.

    Args:
        settings: name and sizes.
        inputs: sizes and columns of the inputs; None means the default ones.
        statistics: mean and width of every column; None means 0 and 1.

    Returns:
        A functional model: list of inputs in alphabetical order (a dict by name works too), output `score`
        `(batch, 1)`, the layer before it `logit` `(batch, 1)`.

    Raises:
        ConfigError: no network has this name, the statistics do not match the columns, or the number of constituents is
            unknown but the network needs it.
    """
    check_name(settings.name)
    if settings.name == BOOSTED_TREES:
        raise ConfigError("model.name: boosted trees are no network; `mscat train` fits them, choose one of the others")
    inputs = inputs or InputSpecification()
    if inputs.constituents is None and MODELS[settings.name].needs_length(settings):
        raise ConfigError(
            f"model.name: network '{settings.name}' with these settings needs a fixed number of constituents; set "
            "train.length_buckets=1"
        )
    return MODELS[settings.name].builder(Design(settings, inputs, statistics or Statistics.identity(inputs)))


def streams(settings: ModelSettings) -> tuple[str, ...]:
    """Low-scale streams that the network of these settings reads, of `constituents`, `lund`, `subjets`, or none."""
    check_name(settings.name)
    if settings.name == BOOSTED_TREES:
        return ()
    return MODELS[settings.name].streams(settings)


def high_level(settings: ModelSettings) -> tuple[str, ...]:
    """Named jet variables that the network of these settings can read, in the order of their registry; or none."""
    return () if settings.name == BOOSTED_TREES else MODELS[settings.name].high_level(settings)


def check_name(name: str) -> None:
    """Raise ConfigError, naming the nearest network, unless `name` is in the registry or that of boosted trees."""
    if name not in (*MODELS, BOOSTED_TREES):
        known = [*MODELS, BOOSTED_TREES]
        raise ConfigError(f"model.name: {unknown_key(name, known).replace('key', 'network', 1)}")
