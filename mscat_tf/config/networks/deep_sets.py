"""Settings of `deep_sets` and `deep_sets_energy_flow`."""

from typing import Annotated, Literal

from pydantic import Field

from mscat_tf.config.base import Rate, Settings, Size


class DeepSetsSettings(Settings):
    """Sums over constituents; defaults as published (arXiv:1810.05165).

    Attributes:
        form: `particle_flow`, a plain sum over functions of all columns; or `energy_flow`, functions of the direction
            alone, weighed by the share of momentum: infrared and collinear safe. `deep_sets_energy_flow` is always the
            second.
        phi_units: widths of the layers that every constituent passes; the last is the number of sums.
        f_units: widths of the layers after the sum.
        dropout_rate: after every layer of `f_units`.
    """

    form: Literal["particle_flow", "energy_flow"] = "particle_flow"
    phi_units: Annotated[tuple[Size, ...], Field(min_length=1)] = (100, 100, 256)
    f_units: tuple[Size, ...] = (100, 100, 100)
    dropout_rate: Rate = 0.0
