"""Networks by name."""

from collections.abc import Callable
from dataclasses import dataclass

import keras

from mscat_tf.config import ModelSettings
from mscat_tf.config.base import unknown_key
from mscat_tf.errors import ConfigError
from mscat_tf.models.concatenation import build_concatenation
from mscat_tf.models.inputs import InputSpecification, Statistics
from mscat_tf.models.joint_attention import build_joint_attention
from mscat_tf.models.kinematics_mlp import build_kinematics_mlp
from mscat_tf.models.kinematics_only import build_kinematics_only
from mscat_tf.models.mscat import build_mscat
from mscat_tf.models.mscat_swapped import build_mscat_swapped
from mscat_tf.models.parts import Design
from mscat_tf.models.substructure_only import build_substructure_only


@dataclass(frozen=True)
class Entry:
    """One network: its builder, what it is in one line, where it was published, and the low-scale streams it reads.

    `streams` None means those of `model.streams`.
    """

    builder: Callable[[Design], keras.Model]
    summary: str
    reference: str
    streams: tuple[str, ...] | None = ("constituents",)


MODELS: dict[str, Entry] = {
    "mscat": Entry(build_mscat, "two scales joined by cross-attention", "arXiv:2401.00452", streams=None),
    "concatenation": Entry(build_concatenation, "two scales side by side, no cross-attention", "control, this work"),
    "joint_attention": Entry(
        build_joint_attention, "one attention matrix over all tokens of both scales", "rival (b) in the talk"
    ),
    "mscat_swapped": Entry(build_mscat_swapped, "cross-attention the other way round", "control, this work"),
    "kinematics_only": Entry(build_kinematics_only, "jet and event kinematics alone", "control, this work", streams=()),
    "kinematics_mlp": Entry(
        build_kinematics_mlp, "the same kinematics, no attention", "control, this work", streams=()
    ),
    "substructure_only": Entry(build_substructure_only, "constituents alone, no kinematics", "control, this work"),
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
        ConfigError: no network has this name, or the statistics do not match the columns.
    """
    check_name(settings.name)
    inputs = inputs or InputSpecification()
    return MODELS[settings.name].builder(Design(settings, inputs, statistics or Statistics.identity(inputs)))


def streams(settings: ModelSettings) -> tuple[str, ...]:
    """Low-scale streams that the network of these settings reads: `constituents`, `lund`, both or none."""
    check_name(settings.name)
    fixed = MODELS[settings.name].streams
    return settings.streams if fixed is None else fixed


def check_name(name: str) -> None:
    """Raise ConfigError, naming the nearest network, unless `name` is in the registry."""
    if name not in MODELS:
        raise ConfigError(f"model.name: {unknown_key(name, list(MODELS)).replace('key', 'network', 1)}")
