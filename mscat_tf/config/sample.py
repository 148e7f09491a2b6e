"""Settings of simulation and data preparation: what `mscat generate` reads. Units: GeV, radians, femtobarn."""

import itertools
from typing import Annotated, Literal

from pydantic import (
    Field,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    model_validator,
)

from mscat_tf.config.base import Settings, Size, is_none
from mscat_tf.config.high_level import HighLevel
from mscat_tf.config.processes import AnyProcess
from mscat_tf.config.subjets import SubjetSettings

Probability = Annotated[float, Field(ge=0.0, le=1.0)]
ProcessName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_\-]+$")]

JETS_MAX, LEPTONS_MAX = 8, 4


class GroomSettings(Settings):
    """Parameters of grooming.

    Attributes:
        subjet_radius, pt_fraction_min: of trimming, arXiv:0912.1342; kT subjets below this part of the jet's pT go.
        z_cut, beta: of soft drop, arXiv:1402.2657; beta = 0 is the modified mass-drop tagger.
    """

    subjet_radius: Annotated[float, Field(gt=0.05, le=0.6)] = 0.2
    pt_fraction_min: Annotated[float, Field(gt=0.0, lt=0.5)] = 0.05
    z_cut: Annotated[float, Field(gt=0.0, lt=0.5)] = 0.1
    beta: Annotated[float, Field(ge=0.0, le=10.0)] = 0.0


class FatJets(Settings):
    """Fat jets: anti-kT of this radius, clustered from everything the detector saw but the chosen leptons.

    Attributes:
        number: leading fat jets of an event that are used, J; 1 makes a sample of single jets, for taggers. They are
            called fat whatever their radius.
        radius, pt_min: of the anti-kT algorithm; jets below pt_min are dropped, before grooming [GeV].
        groom: what is done to each fat jet: its momentum and constituents are those after grooming.
        grooming: how.
    """

    number: Annotated[int, Field(ge=1, le=JETS_MAX)] = 2
    radius: Annotated[float, Field(gt=0.1, le=2.0)] = 1.0
    pt_min: PositiveFloat = 200.0
    groom: Literal["none", "trim", "soft_drop"] = "none"
    grooming: GroomSettings = GroomSettings()


class Selection(Settings):
    """The published selection (talk on arXiv:2401.00452; |eta| is ours). Each cut is a row of the cut flow.

    Attributes:
        leading_pt_max: of the leading fat jet [GeV]; null is no limit.
        subleading_pt_min: of the second fat jet and all further ones [GeV].
        mass_min, mass_max: of every fat jet [GeV]; with mass_min = 0 massless ones pass too.
        abs_delta_eta_max, x_hh_max: further cuts on two fat jets in the manner of ATLAS (arXiv:2202.07288), off by
            default; 1.3 and 1.6 are commonly quoted. X_hh is defined in `data_prep.select.x_hh`; its centres are
            commonly quoted too.
        jets_contain: each fat jet of the signal must have such a particle, and all quarks that it decays into, within
            its radius (`data_prep.contained`), as in the public top-tagging set; background always passes.
    """

    leading_pt_min: PositiveFloat = 450.0
    leading_pt_max: PositiveFloat | None = Field(default=None, exclude_if=is_none)
    subleading_pt_min: PositiveFloat = 250.0
    abs_eta_max: PositiveFloat = 2.0
    mass_min: Annotated[float, Field(ge=0.0)] = 50.0
    mass_max: PositiveFloat = 250.0
    abs_delta_eta_max: PositiveFloat | None = None
    x_hh_max: PositiveFloat | None = None
    x_hh_centres: tuple[PositiveFloat, PositiveFloat] = (124.0, 115.0)
    x_hh_resolution: PositiveFloat = 0.1
    jets_contain: Literal["top", "h", "Z"] | None = Field(default=None, exclude_if=is_none)

    @model_validator(mode="after")
    def _possible(self) -> "Selection":
        if self.mass_min >= self.mass_max:
            raise ValueError(
                f"mass_min = {self.mass_min:g} GeV is not below mass_max = {self.mass_max:g} GeV, "
                "so no jet can pass; lower mass_min or raise mass_max"
            )
        if self.leading_pt_max is not None and self.leading_pt_min >= self.leading_pt_max:
            raise ValueError(
                f"leading_pt_min = {self.leading_pt_min:g} GeV is not below leading_pt_max = "
                f"{self.leading_pt_max:g} GeV, so no jet can pass; lower leading_pt_min or raise leading_pt_max"
            )
        if self.subleading_pt_min > self.leading_pt_min:
            raise ValueError(
                f"subleading_pt_min = {self.subleading_pt_min:g} GeV is above leading_pt_min = "
                f"{self.leading_pt_min:g} GeV, so the leading cut would do nothing; swap them"
            )
        return self


class RateMap(Settings):
    """A tagging rate in bins of a track jet's pT [GeV] and |eta|; beyond the last edges the outermost bins hold.

    Attributes:
        pt_edges, abs_eta_edges: rising. rates: one row for each bin of pT, one number in it for each bin of |eta|.
    """

    pt_edges: Annotated[tuple[float, ...], Field(min_length=2)]
    abs_eta_edges: Annotated[tuple[float, ...], Field(min_length=2)] = (0.0, 2.5)
    rates: tuple[tuple[Probability, ...], ...]

    @model_validator(mode="after")
    def _fits(self) -> "RateMap":
        for name in ("pt_edges", "abs_eta_edges"):
            edges = getattr(self, name)
            if any(low >= high for low, high in itertools.pairwise(edges)):
                raise ValueError(f"{name} = {edges} do not rise; sort them")
        wanted = (len(self.pt_edges) - 1, len(self.abs_eta_edges) - 1)
        if len(self.rates) != wanted[0] or any(len(row) != wanted[1] for row in self.rates):
            raise ValueError(f"rates must be {wanted[0]} rows (pT) of {wanted[1]} numbers (|eta|), as the edges say")
        return self


class BTagging(Settings):
    """Track jets in each fat jet, tagged with these rates; an event's weight is the probability of two per fat jet.

    Attributes:
        association: what makes a track jet a b (or c) jet: the nearest hadron within `matching_radius`, or one that is
            clustered into it as a ghost.
        b_efficiency, c_mistag, light_mistag: a number, or a map in pT and |eta|.
        tags_per_jet: track jets of each fat jet that must be tagged; 0 asks for no tag: the tag weight is 1, and no
            track jets are made.
        random: throw the dice and keep tagged events, instead of weights.
    """

    track_jet_radius: Annotated[float, Field(gt=0.05, le=0.6)] = 0.2
    track_jet_pt_min: PositiveFloat = 10.0
    hadron_pt_min: Annotated[float, Field(ge=0.0)] = 5.0
    matching_radius: PositiveFloat = 0.3
    association: Literal["nearest", "ghost"] = "nearest"
    b_efficiency: Probability | RateMap = 0.80
    c_mistag: Probability | RateMap = 0.15
    light_mistag: Probability | RateMap = 0.01
    tags_per_jet: Literal[0, 1, 2] = 2
    random: bool = False

    @model_validator(mode="after")
    def _possible(self) -> "BTagging":
        if self.random and self.tags_per_jet == 0:
            raise ValueError("random = true has nothing to throw dice for with tags_per_jet = 0; leave one of them out")
        return self


class Leptons(Settings):
    """Isolated electrons and muons that an event must have; they are no constituents of its jets.

    Attributes:
        number: of the hardest ones that are used; an event with fewer is cut. 0 looks for none.
        pt_min, abs_eta_max: of each [GeV, 1].
        isolation_radius, isolation_max: the scalar sum of the transverse momenta of all other objects within this
            distance in (eta, phi) may be at most this multiple of the lepton's. The numbers are ours.
    """

    number: Annotated[int, Field(ge=0, le=LEPTONS_MAX)] = 0
    pt_min: PositiveFloat = 25.0
    abs_eta_max: PositiveFloat = 2.5
    isolation_radius: Annotated[float, Field(gt=0.0, le=1.0)] = 0.3
    isolation_max: PositiveFloat = 0.1


class Tokens(Settings):
    """What is written of each event besides its raw constituents.

    Attributes:
        constituents: of each fat jet that are kept, ordered by transverse momentum.
        declusterings: of each fat jet's Cambridge/Aachen tree that are kept (`data_prep.lund`); 0 writes none.
        subjets: how those of each fat jet are found; null writes none.
        high_level: write named jet variables: `true` the twelve standard ones, or a list of groups and columns of
            `docs/high_level.md`, e.g. `[standard, s2_all_all]`.
        event_shapes: write the named event shapes of `mscat_tf.physics.event_shapes`.
        missing_momentum: add the missing transverse momentum to the kinematic tokens.
    """

    constituents: Size = 50
    declusterings: NonNegativeInt = 0
    subjets: SubjetSettings | None = Field(default=None, exclude_if=is_none)
    high_level: HighLevel = False
    event_shapes: bool = False
    missing_momentum: bool = False

    @property
    def subjets_kept(self) -> int:
        """Of each jet at most, S; 0 without."""
        return self.subjets.number if self.subjets else 0


def check_cuts(selection: Selection, fat_jets: FatJets) -> None:
    """Raise ValueError where a cut cannot do what it says with jets that are found in this way."""
    if selection.subleading_pt_min < fat_jets.pt_min:
        raise ValueError(
            f"fat_jets.pt_min = {fat_jets.pt_min:g} GeV is above selection.subleading_pt_min = "
            f"{selection.subleading_pt_min:g} GeV, so jets would be lost before the cut; lower fat_jets.pt_min"
        )
    for name in ("abs_delta_eta_max", "x_hh_max"):
        if fat_jets.number != 2 and getattr(selection, name) is not None:
            raise ValueError(
                f"selection.{name} is a cut on two fat jets, but fat_jets.number = {fat_jets.number}; "
                f"leave it out, or set fat_jets.number = 2"
            )


class SampleSettings(Settings):
    """One simulated sample.

    Attributes:
        name: the sample is written to `data/<name>/`.
        seed: every shard derives its own from this one, its process and its number.
        events: selected events (all cuts but the b tag): half signal, the rest shared by the backgrounds.
        shard_events: selected events per file, the unit of parallel work and of resuming.
        sqrt_s: centre-of-mass energy [GeV].
        detector: name of a card in `data_prep/cards/`, path of a YAML card of one's own, or `none` for particle level.
        max_generated_per_selected: give up with an error above this many generated events per selected one.
    """

    name: ProcessName = "demo"
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 1
    events: Annotated[int, Field(gt=0, le=10**11)] = 12_000
    shard_events: Annotated[int, Field(gt=0, le=10**6)] = 500
    sqrt_s: Annotated[float, Field(ge=1000.0, le=100_000.0)] = 14_000.0
    max_generated_per_selected: PositiveInt = 5_000
    processes: dict[ProcessName, AnyProcess] = Field(min_length=1)
    detector: str = "atlas_like"
    fat_jets: FatJets = FatJets()
    leptons: Leptons = Leptons()
    selection: Selection = Selection()
    b_tagging: BTagging = BTagging()
    tokens: Tokens = Tokens()

    @model_validator(mode="after")
    def _consistent(self) -> "SampleSettings":
        check_cuts(self.selection, self.fat_jets)
        for name, count in self.events_per_process().items():
            if count < 1:
                raise ValueError(f"events = {self.events} leaves none for process '{name}'; raise it")
        return self

    def events_per_process(self) -> dict[str, int]:
        """Selected events of each process: half the total for signals, half for backgrounds, each shared equally."""
        shares: dict[str, int] = {}
        labels = [process.label for process in self.processes.values()]
        for name, process in self.processes.items():
            same = labels.count(process.label)
            total = self.events if same == len(labels) else self.events // 2
            shares[name] = total // same
        return shares
