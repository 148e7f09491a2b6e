"""Settings of simulation and data preparation: what `mscat generate` reads. Units: GeV, radians, femtobarn."""

from typing import Annotated, Literal

from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from mscat_tf.config.base import Settings

Probability = Annotated[float, Field(ge=0.0, le=1.0)]
ProcessName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_\-]+$")]


class Process(Settings):
    """What every process has.

    Attributes:
        label: 1 for signal, 0 for background.
        cross_section_fb: replaces the generator's own figure when given [fb].
        k_factor: multiplies the cross-section (higher orders); cite its source in the YAML.
        pythia: further Pythia 8 settings, one `Name:key = value` per entry, read last.
    """

    label: Literal[0, 1] = 0
    cross_section_fb: PositiveFloat | None = None
    k_factor: PositiveFloat = 1.0
    pythia: tuple[str, ...] = ()


class HeavyHiggs(Process):
    """`gg -> H -> hh -> 4b`. Pythia's cross-section is meaningless here, so it is a setting (default 1 fb)."""

    kind: Literal["heavy_higgs"]
    label: Literal[0, 1] = 1
    m_H: Annotated[float, Field(gt=251.0, le=5000.0)] = 1000.0
    relative_width: Annotated[float, Field(gt=0.0, le=0.2)] = 0.01
    cross_section_fb: PositiveFloat | None = 1.0


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


class PythiaProcess(Process):
    """Any process that Pythia 8 knows, switched on by the lines in `pythia`."""

    kind: Literal["pythia"]


AnyProcess = Annotated[HeavyHiggs | TopPairs | CollinearFourB | PythiaProcess, Field(discriminator="kind")]


class FatJets(Settings):
    """Fat jets: anti-kT of this radius, clustered from everything the detector saw."""

    radius: Annotated[float, Field(gt=0.1, le=2.0)] = 1.0
    pt_min: PositiveFloat = 200.0


class Selection(Settings):
    """The published selection (talk on arXiv:2401.00452; |eta| is ours). Each cut is a row of the cut flow."""

    leading_pt_min: PositiveFloat = 450.0
    subleading_pt_min: PositiveFloat = 250.0
    abs_eta_max: PositiveFloat = 2.0
    mass_min: Annotated[float, Field(ge=0.0)] = 50.0
    mass_max: PositiveFloat = 250.0

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


class BTagging(Settings):
    """Track jets in each fat jet, tagged with these rates; an event's weight is the probability of two per fat jet."""

    track_jet_radius: Annotated[float, Field(gt=0.05, le=0.6)] = 0.2
    track_jet_pt_min: PositiveFloat = 10.0
    hadron_pt_min: Annotated[float, Field(ge=0.0)] = 5.0
    matching_radius: PositiveFloat = 0.3
    b_efficiency: Probability = 0.80
    c_mistag: Probability = 0.15
    light_mistag: Probability = 0.01
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
        max_generated_per_selected: give up with an error above this many generated events per selected one.
    """

    name: ProcessName = "demo"
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 1
    events: PositiveInt = 12_000
    shard_events: PositiveInt = 500
    sqrt_s: Annotated[float, Field(ge=1000.0, le=100_000.0)] = 14_000.0
    max_generated_per_selected: PositiveInt = 5_000
    processes: dict[ProcessName, AnyProcess] = Field(min_length=1)
    detector: Literal["atlas_like", "none"] = "atlas_like"
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
