"""Corrections of a cross-section beyond the generator's order, never without a source."""

from pydantic import PositiveFloat, model_validator

from mscat_tf.config.base import Settings


class HigherOrders(Settings):
    """A factor on the cross-section.

    Attributes:
        k_factor: multiplies the cross-section. k_factor_source: where it comes from, a citation; needed unless it is 1.
    """

    k_factor: PositiveFloat = 1.0
    k_factor_source: str | None = None

    @model_validator(mode="after")
    def _has_a_source(self) -> "HigherOrders":
        if self.k_factor != 1.0 and not self.k_factor_source:
            raise ValueError(
                f"k_factor = {self.k_factor:g} has no source; cite one as k_factor_source, for example an arXiv number"
            )
        return self
