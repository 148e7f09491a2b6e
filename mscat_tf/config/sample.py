"""Settings of simulation and data preparation: what `mscat generate` reads. Units: GeV, radians, femtobarn."""

import itertools
import math
from typing import Annotated, Any, Literal

from pydantic import (
    Field,
    PositiveFloat,
    PositiveInt,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

from mscat_tf.config.base import Settings
from mscat_tf.config.higher_orders import HigherOrders
from mscat_tf.config.two_higgs_doublet import HEAVY_MASS_RANGE, RELATIVE_WIDTH_MAX, TwoHiggsDoublet

Probability = Annotated[float, Field(ge=0.0, le=1.0)]
ProcessName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_\-]+$")]


class Process(HigherOrders):
    """What every process has.

    Attributes:
        label: 1 for signal, 0 for background.
        cross_section_fb: replaces the generator's own figure when given [fb].
        pythia: further Pythia 8 settings, one `Name:key = value` per entry, read last.
    """

    label: Literal[0, 1] = 0
    cross_section_fb: PositiveFloat | None = None
    pythia: tuple[str, ...] = ()


def _mass_of(given: dict[str, Any]) -> float:
    potential: TwoHiggsDoublet | None = given.get("two_higgs_doublet")
    return 1000.0 if potential is None else potential.model().masses.H


def _relative_width_of(given: dict[str, Any]) -> float:
    potential: TwoHiggsDoublet | None = given.get("two_higgs_doublet")
    return 0.01 if potential is None else potential.relative_width()


class HeavyHiggs(Process):
    """`gg -> H -> hh -> 4b`, its resonance given directly or by a two-Higgs-doublet potential.

    Attributes:
        two_higgs_doublet: a potential; the masses, the width and the couplings follow from it.
        m_H: mass of the resonance [GeV].
        relative_width: its total width over its mass.
        cross_section_fb: cross-section times branching ratio [fb]; null takes that of Pythia, which means something
            (leading order) with a potential only.
    """

    kind: Literal["heavy_higgs"]
    label: Literal[0, 1] = 1
    two_higgs_doublet: TwoHiggsDoublet | None = None
    m_H: float = Field(gt=HEAVY_MASS_RANGE[0], le=HEAVY_MASS_RANGE[1], default_factory=_mass_of)
    relative_width: float = Field(gt=0.0, le=RELATIVE_WIDTH_MAX, default_factory=_relative_width_of)
    cross_section_fb: PositiveFloat | None = 1.0

    @model_validator(mode="after")
    def _agrees_with_the_potential(self) -> "HeavyHiggs":
        if self.two_higgs_doublet is not None:
            model = self.two_higgs_doublet.model()
            for name, value in (("m_H", model.masses.H), ("relative_width", self.two_higgs_doublet.relative_width())):
                if not math.isclose(getattr(self, name), value, rel_tol=1e-3):
                    raise ValueError(
                        f"{name} = {getattr(self, name):g} contradicts two_higgs_doublet, which gives {value:.6g}; "
                        f"leave {name} out"
                    )
        return self

    @model_serializer(mode="wrap")
    def _without_what_follows(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """A mass or width that came from the potential isn't written: it would contradict a changed one."""
        values: dict[str, Any] = handler(self)
        if self.two_higgs_doublet is None:
            return values
        follows = {"m_H", "relative_width"} - self.model_fields_set
        return {name: value for name, value in values.items() if name not in follows}


class TopPairs(Process):
    """`pp -> ttbar` at leading order above a transverse momentum of the hard process [GeV].

    Events are generated more often at high transverse momentum, as pT^pt_hat_bias, and carry the inverse as their
    generator weight; 0 switches this off. Most unbiased events fail the cut on the leading jet.
    """

    kind: Literal["ttbar"]
    pt_hat_min: PositiveFloat = 250.0
    pt_hat_bias: Annotated[float, Field(ge=0.0, le=6.0)] = 2.0


class CollinearFourB(Process):
    """`pp -> gg` with both gluons split to `b bbar` by the collinear kernel: a fast model, see docs/physics.md."""

    kind: Literal["collinear_4b"]
    pt_hat_min: PositiveFloat = 400.0
    pair_mass_min: Annotated[float, Field(gt=9.6)] = 12.0
    pair_mass_max: PositiveFloat = 400.0


class QcdJets(Process):
    """Two jets of QCD at leading order: `all` partons (its b jets come from the shower), or `bottom` (`b bbar` in the
    hard process, light jets from the shower). They pass a double double tag through mistags and splittings only.

    As for `ttbar`, events at high transverse momentum are made more often and weighted by the inverse.
    """

    kind: Literal["qcd_jets"]
    flavour: Literal["all", "bottom"] = "all"
    pt_hat_min: PositiveFloat = 300.0
    pt_hat_bias: Annotated[float, Field(ge=0.0, le=6.0)] = 4.0


class BosonAndJet(Process):
    """A Higgs or Z boson that decays to `b bbar`, recoiling against a jet: for single-jet taggers."""

    kind: Literal["boson_and_jet"]
    label: Literal[0, 1] = 1
    boson: Literal["h", "Z"] = "h"
    pt_hat_min: PositiveFloat = 300.0
    pt_hat_bias: Annotated[float, Field(ge=0.0, le=6.0)] = 2.0


class FromFiles(Process):
    """Events from files. A shard takes a block of them of its own, `shard_events * events_per_selected` long.

    Attributes:
        files: paths, read one after the other; the content of the files, not their name, identifies the sample.
        events_per_selected: how many events of the files a shard may use for each selected event.
    """

    files: Annotated[tuple[str, ...], Field(min_length=1)]
    events_per_selected: Annotated[float, Field(ge=1.0)] = 5.0


class LheProcess(FromFiles):
    """Parton-level events of Les Houches files (gzip too), or of a shipped one by its name, showered by Pythia 8.

    Attributes:
        showers_per_event: each event may be showered so often; its showers share a `group_id`, hence a split.
    """

    kind: Literal["lhe"]
    showers_per_event: PositiveInt = 1


class HepMcProcess(FromFiles):
    """Hadron-level events of HepMC3 files (gzip too), each used once."""

    kind: Literal["hepmc"]


class PythiaProcess(Process):
    """Any process that Pythia 8 knows, switched on by the lines in `pythia`."""

    kind: Literal["pythia"]


AnyProcess = Annotated[
    HeavyHiggs | TopPairs | CollinearFourB | QcdJets | BosonAndJet | LheProcess | HepMcProcess | PythiaProcess,
    Field(discriminator="kind"),
]


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
    """Fat jets: anti-kT of this radius, clustered from everything the detector saw.

    Attributes:
        number: leading fat jets of an event that are used; 1 makes a sample of single jets, for taggers.
        radius, pt_min: of the anti-kT algorithm; jets below pt_min are dropped, before grooming [GeV].
        groom: what is done to each fat jet: its momentum and constituents are those after grooming.
        grooming: how.
    """

    number: Literal[1, 2] = 2
    radius: Annotated[float, Field(gt=0.1, le=2.0)] = 1.0
    pt_min: PositiveFloat = 200.0
    groom: Literal["none", "trim", "soft_drop"] = "none"
    grooming: GroomSettings = GroomSettings()


class Selection(Settings):
    """The published selection (talk on arXiv:2401.00452; |eta| is ours). Each cut is a row of the cut flow.

    Attributes:
        abs_delta_eta_max, x_hh_max: further cuts in the manner of ATLAS (arXiv:2202.07288), off by default; 1.3 and 1.6
            are commonly quoted. X_hh is defined in `data_prep.select.x_hh`; its centres are commonly quoted too.
    """

    leading_pt_min: PositiveFloat = 450.0
    subleading_pt_min: PositiveFloat = 250.0
    abs_eta_max: PositiveFloat = 2.0
    mass_min: Annotated[float, Field(ge=0.0)] = 50.0
    mass_max: PositiveFloat = 250.0
    abs_delta_eta_max: PositiveFloat | None = None
    x_hh_max: PositiveFloat | None = None
    x_hh_centres: tuple[PositiveFloat, PositiveFloat] = (124.0, 115.0)
    x_hh_resolution: PositiveFloat = 0.1

    @model_validator(mode="after")
    def _possible(self) -> "Selection":
        if self.mass_min >= self.mass_max:
            raise ValueError(
                f"mass_min = {self.mass_min:g} GeV is not below mass_max = {self.mass_max:g} GeV, "
                "so no jet can pass; lower mass_min or raise mass_max"
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
    tags_per_jet: Literal[1, 2] = 2
    random: bool = False


class Tokens(Settings):
    """How many constituents of each fat jet are kept, ordered by transverse momentum."""

    constituents: PositiveInt = 50


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
    events: PositiveInt = 12_000
    shard_events: PositiveInt = 500
    sqrt_s: Annotated[float, Field(ge=1000.0, le=100_000.0)] = 14_000.0
    max_generated_per_selected: PositiveInt = 5_000
    processes: dict[ProcessName, AnyProcess] = Field(min_length=1)
    detector: str = "atlas_like"
    fat_jets: FatJets = FatJets()
    selection: Selection = Selection()
    b_tagging: BTagging = BTagging()
    tokens: Tokens = Tokens()

    @model_validator(mode="after")
    def _consistent(self) -> "SampleSettings":
        if self.selection.subleading_pt_min < self.fat_jets.pt_min:
            raise ValueError(
                f"fat_jets.pt_min = {self.fat_jets.pt_min:g} GeV is above selection.subleading_pt_min = "
                f"{self.selection.subleading_pt_min:g} GeV, so jets would be lost before the cut; lower fat_jets.pt_min"
            )
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
