"""Settings of `mscat import`: samples of others, and how they are prepared. Units: GeV, radians, femtobarn."""

from typing import Annotated, Literal

from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from mscat_tf.config.base import Settings
from mscat_tf.config.sample import BTagging, FatJets, ProcessName, Selection, Tokens

Format = Literal["delphes"]


class ImportedProcess(Settings):
    """Files that hold one process.

    Attributes:
        files: their paths.
        label: 1 for signal, 0 for background.
        cross_section_fb: replaces the files' own figure when given [fb].
        k_factor: multiplies the cross-section (higher orders); cite its source in the YAML.
    """

    files: tuple[str, ...] = Field(min_length=1)
    label: Literal[0, 1] = 0
    cross_section_fb: PositiveFloat | None = None
    k_factor: PositiveFloat = 1.0


class DelphesBranches(Settings):
    """Names in a Delphes file. `tag_jets` is empty for the first of TrackJet and Jet that the file has."""

    tree: str = "Delphes"
    fat_jets: str = "FatJet"
    tracks: str = "EFlowTrack"
    photons: str = "EFlowPhoton"
    neutral_hadrons: str = "EFlowNeutralHadron"
    tag_jets: str = ""


class DelphesSettings(Settings):
    """How Delphes files are read.

    Attributes:
        branches: names in the files.
        recluster: find fat jets anew in the EFlow branches even where the file has some.
        tagging: `flavour` weights events by the rates of `b_tagging` and the flavour of the tag jets; `bits` keeps the
            events whose fat jets hold enough tag jets with the b-tag bit; `fat_jet_bits` those whose fat jets have it.
        b_tag_bit: working point, the bit of `BTag` that is looked at.
    """

    branches: DelphesBranches = DelphesBranches()
    recluster: bool = False
    tagging: Literal["flavour", "bits", "fat_jet_bits"] = "flavour"
    b_tag_bit: Annotated[int, Field(ge=0, lt=32)] = 0

    @model_validator(mode="after")
    def _possible(self) -> "DelphesSettings":
        if self.recluster and self.tagging == "fat_jet_bits":
            raise ValueError(
                "tagging = fat_jet_bits needs the fat jets of the file, but recluster makes new ones; choose one"
            )
        return self


class ImportSettings(Settings):
    """One imported sample.

    Attributes:
        name: the sample is written to `data/<name>/`.
        format: of the files.
        processes: files whose events are all of one process (Delphes).
        files: files that say themselves which process an event is of.
        chunk_entries: entries of a file that become one shard, the unit of parallel work, of resuming and of memory.
        seed: for random tagging.
    """

    name: ProcessName
    format: Format
    processes: dict[ProcessName, ImportedProcess] = Field(default_factory=dict)
    files: tuple[str, ...] = ()
    chunk_entries: PositiveInt = 2_000
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 1
    delphes: DelphesSettings = DelphesSettings()
    fat_jets: FatJets = FatJets()
    selection: Selection = Selection()
    b_tagging: BTagging = BTagging()
    tokens: Tokens = Tokens()
