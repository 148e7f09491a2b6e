"""A detector as data: what its tracker and its calorimeters measure, read from a YAML card.

Regions are lists from the centre outwards, each valid up to its `abs_eta_below`. Units: GeV, radians.
The shipped cards and the sources of their numbers are in `data_prep/cards/`.
"""

from importlib import resources
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt, ValidationError, model_validator

from mscat_tf.config.base import Settings, as_config_error, parse_yaml, unknown_key
from mscat_tf.config.sample import Probability
from mscat_tf.errors import ConfigError

PARTICLE_LEVEL = "none"


class Region(Settings):
    """Something that holds from the region before up to this |eta|."""

    abs_eta_below: PositiveFloat


class Efficiency(Region):
    """Probability to find a track: `value[i]` above `pt_above[i]`, zero below the first."""

    pt_above: tuple[NonNegativeFloat, ...] = Field(min_length=1)
    value: tuple[Probability, ...]

    @model_validator(mode="after")
    def _consistent(self) -> "Efficiency":
        if len(self.pt_above) != len(self.value):
            raise ValueError(
                f"pt_above has {len(self.pt_above)} entries and value {len(self.value)}; give one value per threshold"
            )
        _increasing("pt_above", self.pt_above)
        return self


class MomentumResolution(Region):
    """Relative width of a track's transverse momentum, `constant (+) slope * pT`."""

    constant: NonNegativeFloat
    slope: NonNegativeFloat


class EnergyResolution(Region):
    """Width of a cell's energy, `constant * E (+) stochastic * sqrt(E) (+) noise`."""

    constant: NonNegativeFloat
    stochastic: NonNegativeFloat
    noise: NonNegativeFloat = 0.0


class Cells(Region):
    """Cells of this width in eta, so many around the beam. The width has to divide the region."""

    eta_width: PositiveFloat
    phi_cells: PositiveInt


class Species(Settings):
    """How the tracks of electrons, muons or hadrons are found and measured; beyond the last region there are none."""

    efficiency: tuple[Efficiency, ...] = Field(min_length=1)
    momentum: tuple[MomentumResolution, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _consistent(self) -> "Species":
        _outwards("efficiency", self.efficiency)
        _outwards("momentum", self.momentum)
        _covers("momentum", self.momentum, self.efficiency[-1].abs_eta_below)
        return self


class Tracker(Settings):
    """Tracks of charged particles.

    Attributes:
        angular_resolution: Gaussian width in eta and in phi [rad].
        electrons, muons, hadrons: efficiencies and momentum resolutions.
    """

    angular_resolution: NonNegativeFloat
    electrons: Species
    muons: Species
    hadrons: Species


class EnergyShares(Settings):
    """Part of its energy that a particle leaves in this calorimeter, whether its track was found or not."""

    electrons: Probability
    photons: Probability
    muons: Probability
    hadrons: Probability


class Calorimeter(Settings):
    """One calorimeter.

    Attributes:
        energy_min: a cell, and a neutral excess over the tracks in it, is dropped below this [GeV].
        significance_min: and below so many standard deviations.
    """

    energy_min: NonNegativeFloat
    significance_min: NonNegativeFloat
    energy_shares: EnergyShares
    cells: tuple[Cells, ...] = Field(min_length=1)
    resolution: tuple[EnergyResolution, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _consistent(self) -> "Calorimeter":
        _outwards("cells", self.cells)
        _outwards("resolution", self.resolution)
        _covers("resolution", self.resolution, self.cells[-1].abs_eta_below)
        inner = 0.0
        for region in self.cells:
            count = (region.abs_eta_below - inner) / region.eta_width
            if abs(count - round(count)) > 1e-6 or round(count) < 1:
                raise ValueError(
                    f"cells: eta_width = {region.eta_width:g} does not divide the region from {inner:g} to "
                    f"{region.abs_eta_below:g}; make the region a whole number of cells"
                )
            inner = region.abs_eta_below
        return self


class DetectorCard(Settings):
    """A whole detector."""

    tracker: Tracker
    electromagnetic: Calorimeter
    hadronic: Calorimeter


def load_card(detector: str) -> DetectorCard | None:
    """The card that `sample.detector` names: a shipped one or the path of a YAML file; None for particle level.

    Raises:
        ConfigError: there is no such card, or something in it is wrong.
    """
    if detector == PARTICLE_LEVEL:
        return None
    values = parse_yaml(_text(detector), detector)
    try:
        return DetectorCard.model_validate(values)
    except ValidationError as error:
        raise as_config_error(error, f"detector card {detector}") from error


def stored_card(detector: str) -> dict[str, Any] | str:
    """What decides the response: the content of the card, wherever it was read from, or `none`."""
    card = load_card(detector)
    return PARTICLE_LEVEL if card is None else card.model_dump(mode="json")


def shipped_cards() -> list[str]:
    """Names of the cards that ship."""
    entries = resources.files("data_prep.cards").iterdir()
    return sorted(entry.name.removesuffix(".yaml") for entry in entries if entry.name.endswith(".yaml"))


def _text(detector: str) -> str:
    path = Path(detector)
    if path.suffix in (".yaml", ".yml"):
        try:
            return path.read_text()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(
                f"sample.detector: {path}: cannot be read ({error.__class__.__name__}); check the path"
            ) from error
    names = shipped_cards()
    if detector not in names:
        raise ConfigError(
            f"sample.detector: {detector}: neither a .yaml file nor a shipped card; "
            f"{unknown_key(detector, [*names, PARTICLE_LEVEL])}"
        )
    return (resources.files("data_prep.cards") / f"{detector}.yaml").read_text()


def _increasing(name: str, values: tuple[float, ...]) -> None:
    if any(high <= low for low, high in pairwise(values)):
        listed = ", ".join(f"{value:g}" for value in values)
        raise ValueError(f"{name} = {listed} does not increase; order it from low to high")


def _outwards(name: str, regions: tuple[Region, ...]) -> None:
    _increasing(f"abs_eta_below of {name}", tuple(region.abs_eta_below for region in regions))


def _covers(name: str, regions: tuple[Region, ...], edge: float) -> None:
    if regions[-1].abs_eta_below < edge:
        raise ValueError(
            f"{name} ends at |eta| = {regions[-1].abs_eta_below:g}, but something is measured up to {edge:g}; "
            f"add a region to {name} that reaches there"
        )


def region_of(regions: tuple[Region, ...], abs_eta: Any) -> Any:
    """Index of the region that each |eta| is in; the number of regions where it is beyond the last."""
    return np.searchsorted([region.abs_eta_below for region in regions], abs_eta)
