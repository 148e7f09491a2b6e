"""How subjets of fat jets are found. Units: GeV, radians."""

from typing import Annotated, Literal

from pydantic import Field, PositiveInt, model_validator

from mscat_tf.config.base import Settings

Share = Annotated[float, Field(ge=0.001, le=0.5)]


class SubjetSettings(Settings):
    """Subjets of each fat jet, from all of its constituents (`data_prep.subjets`).

    Attributes:
        algorithm: `density` takes clusters of a hierarchy of densities, of any radius, and leaves out what is between
            them (`data_prep.density_subjets`, `docs/subjets.md`); the others are sequential recombination by FastJet.
        number: of each jet that are kept at most, hardest first, S.
        pt_min: of a subjet [GeV].
        radius: of sequential recombination; `density` does not read it.
        resolution: for `density`: radius of the anti-kT jets that it begins with; closer ones count as one.
        pt_share_min: for `density`: share of the jet's transverse momentum that a cluster must hold, and within which
            the distance to the next matter is averaged for the density at a point.
        branch_share_min: for `density`: the least share of what may hold a cluster together; softer is only gathered.
    """

    algorithm: Literal["density", "anti_kt", "cambridge_aachen", "kt"] = "density"
    number: PositiveInt = 10
    pt_min: Annotated[float, Field(ge=0.0)] = 5.0
    radius: Annotated[float, Field(gt=0.01, le=2.0)] = 0.2
    resolution: Annotated[float, Field(gt=0.001, le=0.5)] = 0.05
    pt_share_min: Share = 0.05
    branch_share_min: Share = 0.005

    @model_validator(mode="after")
    def _possible(self) -> "SubjetSettings":
        if self.branch_share_min > self.pt_share_min:
            raise ValueError(
                f"branch_share_min = {self.branch_share_min:g} is above pt_share_min = {self.pt_share_min:g}, so whole "
                "clusters could not hold themselves together; lower it"
            )
        return self
