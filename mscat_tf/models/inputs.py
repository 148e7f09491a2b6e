"""What a network is told about its inputs: sizes, columns and their statistics. Loads no Keras."""

from collections.abc import Sequence
from dataclasses import dataclass

from mscat_tf.schema import CONSTITUENT_COLUMNS, KINEMATIC_COLUMNS

LOGARITHMIC = frozenset({"m", "pt", "energy"})
"""Columns that span orders of magnitude [GeV]: the only ones whose logarithm may be taken."""


def log_columns(features: Sequence[str], log_features: bool) -> tuple[bool, ...]:
    """For every column, whether its natural logarithm is standardised instead of its value.

    Args:
        features: names of the columns. log_features: the setting; False means no logarithm at all.
    """
    return tuple(log_features and name in LOGARITHMIC for name in features)


@dataclass(frozen=True)
class InputSpecification:
    """Sizes and columns of the inputs.

    Attributes:
        jets: fat jets, each a set of constituents. constituents: tokens of each set.
        tokens: kinematic tokens (leading jet, subleading jet, sum).
        constituent_features, kinematic_features: names of the columns.
    """

    jets: int = 2
    constituents: int = 50
    tokens: int = 3
    constituent_features: tuple[str, ...] = CONSTITUENT_COLUMNS
    kinematic_features: tuple[str, ...] = KINEMATIC_COLUMNS


@dataclass(frozen=True)
class Statistics:
    """Mean and width of every column over the training split, padding ignored; in log space for log columns.

    Attributes:
        constituent_mean, constituent_width: `(features,)`, the same for all jets.
        kinematic_mean, kinematic_width: `(tokens, features)`, since jets and event have very different scales.
    """

    constituent_mean: tuple[float, ...]
    constituent_width: tuple[float, ...]
    kinematic_mean: tuple[tuple[float, ...], ...]
    kinematic_width: tuple[tuple[float, ...], ...]

    @classmethod
    def identity(cls, inputs: InputSpecification) -> "Statistics":
        """Mean 0 and width 1 everywhere: for tests, or for inputs that are standardised already."""
        low, high = len(inputs.constituent_features), len(inputs.kinematic_features)
        return cls(
            constituent_mean=(0.0,) * low,
            constituent_width=(1.0,) * low,
            kinematic_mean=((0.0,) * high,) * inputs.tokens,
            kinematic_width=((1.0,) * high,) * inputs.tokens,
        )
