"""Processes of a simulated sample: one entry each under `sample.processes`. Units: GeV, femtobarn."""

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

from mscat_tf.config.higher_orders import HigherOrders
from mscat_tf.config.two_higgs_doublet import HEAVY_MASS_RANGE, RELATIVE_WIDTH_MAX, TwoHiggsDoublet


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
