"""What a network is told about its inputs: sizes, columns and their statistics. Loads no Keras."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mscat_tf.physics.high_level_columns import COLUMNS
from mscat_tf.schema import CONSTITUENT_COLUMNS, KINEMATIC_COLUMNS, SUBJET_COLUMNS

LOGARITHMIC = frozenset({"m", "pt", "energy", "scalar_sum_pt", "m_H"})
"""Columns that span orders of magnitude [GeV]: the only ones whose logarithm may be taken."""


def log_columns(features: Sequence[str], log_features: bool) -> tuple[bool, ...]:
    """For every column, whether its natural logarithm is standardised instead of its value.

    Args:
        features: names of the columns. log_features: the setting; False means no logarithm at all.
    """
    return tuple(log_features and name in LOGARITHMIC for name in features)


def asinh_columns(features: Sequence[str], log_features: bool) -> tuple[bool, ...]:
    """For every named jet variable, whether asinh of its number in GeV or GeV^2 is standardised instead of its value.

    Those span orders of magnitude as energies do, but many are 0 (bins of a spectrum), where a logarithm has no value;
    asinh is linear there and the logarithm of twice the number where it is large.

    Args:
        features: names of the columns. log_features: the setting; False means none.

    >>> asinh_columns(("s2_all_all_00", "tau_21", "mass"), True)
    (True, False, True)
    """
    return tuple(log_features and COLUMNS[name].unit.startswith("GeV") for name in features)


def mask_name(stream: str, jet: int | str) -> str:
    """Name of the input that tells which tokens of a low-scale stream are real, for jet 1, 2, ...

    >>> mask_name("constituents", 1), mask_name("lund", 2)
    ('mask_1', 'lund_mask_2')
    """
    return f"mask_{jet}" if stream == "constituents" else f"{stream}_mask_{jet}"


@dataclass(frozen=True)
class TokenStream:
    """One low-scale set of tokens that every jet has.

    Attributes:
        name: `constituents`, or another that the schema knows (`lund`, `subjets`).
        tokens: of each jet, padding included. features: names of the columns.
    """

    name: str
    tokens: int | None
    features: tuple[str, ...]

    def input_names(self, jet: int) -> tuple[str, str]:
        """Names of the inputs that hold the tokens and their mask, for jet 1, 2, ..."""
        return f"{self.name}_{jet}", mask_name(self.name, jet)


@dataclass(frozen=True)
class InputSpecification:
    """Sizes and columns of the inputs.

    Attributes:
        jets: each with one set of tokens for every low-scale stream. constituents: tokens of each set; None where it
            differs from batch to batch.
        tokens: kinematic tokens (leading jet, subleading jet, sum).
        constituent_features, kinematic_features: names of the columns.
        declusterings: of each jet's Lund tree; 0 where they are not read. declustering_features: their columns.
        event_shapes: names of the event shapes, which make one more token of the high scale; none by default.
        subjets: of each jet; 0 where they are not read. subjet_features: their columns.
        high_level: names of the jet variables that are read; none by default.
    """

    jets: int = 2
    constituents: int | None = 50
    tokens: int = 3
    constituent_features: tuple[str, ...] = CONSTITUENT_COLUMNS
    kinematic_features: tuple[str, ...] = KINEMATIC_COLUMNS
    declusterings: int = 0
    declustering_features: tuple[str, ...] = ("ln_inverse_delta", "ln_kt", "ln_z")
    event_shapes: tuple[str, ...] = ()
    subjets: int = 0
    subjet_features: tuple[str, ...] = SUBJET_COLUMNS
    high_level: tuple[str, ...] = ()

    def stream(self, name: str) -> TokenStream:
        """The low-scale stream of this name."""
        tokens, single = _STREAMS[name]
        return TokenStream(name, getattr(self, tokens), getattr(self, f"{single}_features"))

    @property
    def high_tokens(self) -> int:
        """Tokens of the high scale: the kinematic ones, and one of event shapes if there are any."""
        return self.tokens + bool(self.event_shapes)


@dataclass(frozen=True)
class Statistics:
    """Mean and width of every column over the training split, padding ignored; in log space for log columns.

    Attributes:
        constituent_mean, constituent_width: `(features,)`, the same for all jets.
        kinematic_mean, kinematic_width: `(tokens, features)`, since jets and event have very different scales.
        declustering_mean, declustering_width: `(features,)`; empty where they are not read.
        event_shape_mean, event_shape_width: `(columns,)`; empty where they are not read.
        subjet_mean, subjet_width: `(features,)`; empty where they are not read.
        high_level_mean, high_level_width: `(columns,)`, of asinh of some; empty where they are not read.
    """

    constituent_mean: tuple[float, ...]
    constituent_width: tuple[float, ...]
    kinematic_mean: tuple[tuple[float, ...], ...]
    kinematic_width: tuple[tuple[float, ...], ...]
    declustering_mean: tuple[float, ...] = ()
    declustering_width: tuple[float, ...] = ()
    event_shape_mean: tuple[float, ...] = ()
    event_shape_width: tuple[float, ...] = ()
    subjet_mean: tuple[float, ...] = ()
    subjet_width: tuple[float, ...] = ()
    high_level_mean: tuple[float, ...] = ()
    high_level_width: tuple[float, ...] = ()

    def of_stream(self, name: str) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Mean and width of the columns of a low-scale stream."""
        _, single = _STREAMS[name]
        return getattr(self, f"{single}_mean"), getattr(self, f"{single}_width")

    @classmethod
    def identity(cls, inputs: InputSpecification) -> "Statistics":
        """Mean 0 and width 1 everywhere: for tests, or for inputs that are standardised already."""
        columns = {
            "constituent": inputs.constituent_features,
            "declustering": inputs.declustering_features,
            "event_shape": inputs.event_shapes,
            "subjet": inputs.subjet_features,
            "high_level": inputs.high_level,
        }
        found: dict[str, Any] = {}
        for ending, value in (("mean", 0.0), ("width", 1.0)):
            found |= {f"{name}_{ending}": (value,) * len(names) for name, names in columns.items()}
            found[f"kinematic_{ending}"] = ((value,) * len(inputs.kinematic_features),) * inputs.tokens
        return cls(**found)


_STREAMS = {
    "constituents": ("constituents", "constituent"),
    "lund": ("declusterings", "declustering"),
    "subjets": ("subjets", "subjet"),
}
"""Of each low-scale stream the field of its number of tokens, and the word for one that other fields begin with."""
