"""Settings of the reach: luminosity, bins, systematic uncertainties."""

from itertools import pairwise
from typing import Annotated, Literal

from pydantic import Field, PositiveFloat, PositiveInt, field_validator

from mscat_tf.config.base import Settings

LEADING_ORDER_4B = 0.4
"""Relative uncertainty of the rate of four b quarks at leading order."""


class ReachSettings(Settings):
    """How scores become a binned fit.

    Attributes:
        luminosity_fb: integrated luminosity [1/fb].
        observable: what is fitted: `score`, or `mass` (m_JJ in regions of the score, one channel each).
        spacing: of the score's bins before they are joined: equal steps in `signal_efficiency`, or in `log_odds`.
        bins: of the score, at most.
        region_efficiencies: signal efficiencies of the cuts between the regions of `mass`, increasing.
        mass_width: of the bins of m_JJ before they are joined [GeV].
        min_effective_background: effective background events, (sum w)^2 / sum w^2, that every bin must have.
        signal_fb: cross-section x BR of the signal at which the significance is quoted [fb]; null means the process's.
        normalisation: relative uncertainty of the rate of a process; null means 40 % on every background whose name
            begins with `4b` (leading order) and none on others.
        monte_carlo_statistics: whether every bin's background has its statistical uncertainty in the fit.
        confidence_level: of the limit.
    """

    luminosity_fb: PositiveFloat = 3000.0
    observable: Literal["score", "mass"] = "score"
    spacing: Literal["signal_efficiency", "log_odds"] = "signal_efficiency"
    bins: PositiveInt = 20
    region_efficiencies: tuple[Annotated[float, Field(gt=0.0, lt=1.0)], ...] = (0.3, 0.6)
    mass_width: PositiveFloat = 50.0
    min_effective_background: PositiveFloat = 10.0
    signal_fb: PositiveFloat | None = None
    normalisation: dict[str, Annotated[float, Field(ge=0.0, lt=10.0)]] | None = None
    monte_carlo_statistics: bool = True
    confidence_level: Annotated[float, Field(gt=0.5, lt=1.0)] = 0.95

    @field_validator("region_efficiencies")
    @classmethod
    def _increasing(cls, values: tuple[float, ...]) -> tuple[float, ...]:
        if any(low >= high for low, high in pairwise(values)):
            raise ValueError("must increase from one cut to the next")
        return values

    def normalisation_of(self, backgrounds: tuple[str, ...]) -> dict[str, float]:
        """Relative uncertainty of the rate of each process that has one, for a sample with these backgrounds."""
        if self.normalisation is not None:
            return {name: size for name, size in self.normalisation.items() if size > 0}
        return {name: LEADING_ORDER_4B for name in backgrounds if name.startswith("4b")}
