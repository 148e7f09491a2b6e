"""Settings of `mscat import`: samples of others, and how they are prepared. Units: GeV, radians, femtobarn."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import Field, PositiveFloat, PositiveInt, ValidationError, model_validator

from mscat_tf.config.base import Settings, as_config_error, parse_yaml
from mscat_tf.config.higher_orders import HigherOrders
from mscat_tf.config.load import apply_overrides
from mscat_tf.config.sample import BTagging, FatJets, ProcessName, Selection, Tokens, check_cuts
from mscat_tf.errors import ConfigError

Format = Literal["delphes", "jet_class", "quark_gluon", "released_arrays", "top_tagging"]

JetClass = Literal["QCD", "Hbb", "Hcc", "Hgg", "H4q", "Hqql", "Zqq", "Wqq", "Tbqq", "Tbl"]
JET_CLASSES: tuple[JetClass, ...] = get_args(JetClass)
"""Classes of JetClass (arXiv:2202.03772), by the ending of their branch `label_...`."""


class ImportedProcess(HigherOrders):
    """Files that hold one process.

    Attributes:
        files: their paths.
        label: 1 for signal, 0 for background.
        cross_section_fb: replaces the files' own figure when given [fb].
    """

    files: tuple[str, ...] = Field(min_length=1)
    label: Literal[0, 1] = 0
    cross_section_fb: PositiveFloat | None = None


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


class JetClassSettings(Settings):
    """How JetClass files are read. `signal`: the classes with label 1; all others have label 0."""

    signal: tuple[JetClass, ...] = Field(default=("Hbb",), min_length=1)


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
    jet_class: JetClassSettings = JetClassSettings()
    fat_jets: FatJets = FatJets()
    selection: Selection = Selection()
    b_tagging: BTagging = BTagging()
    tokens: Tokens = Tokens()

    @model_validator(mode="after")
    def _possible(self) -> "ImportSettings":
        check_cuts(self.selection, self.fat_jets)
        for name in ("event_shapes", "missing_momentum"):
            if self.format != "delphes" and getattr(self.tokens, name):
                raise ValueError(
                    f"tokens.{name} is made of all objects of an event, but files of format '{self.format}' hold "
                    "single jets; leave it out"
                )
        if self.selection.jets_contain is not None:
            raise ValueError(
                f"selection.jets_contain = {self.selection.jets_contain} needs the record of Pythia 8, which files of "
                f"format '{self.format}' do not hold; leave it out"
            )
        if self.delphes.tagging != "flavour" and self.b_tagging.tags_per_jet == 0:
            raise ValueError(
                f"delphes.tagging = {self.delphes.tagging} reads tags, but b_tagging.tags_per_jet = 0 asks for none; "
                "leave one of them out"
            )
        return self


def load_import(
    format: str,
    config: Path | None = None,
    files: Sequence[str] = (),
    process: dict[str, Any] | None = None,
    name: str | None = None,
    overrides: Sequence[str] = (),
) -> ImportSettings:
    """Settings of an import from the command line, from a YAML file, or from both.

    Args:
        format: of the files.
        config: YAML of `ImportSettings`; `format` may be left out there.
        files: paths, instead of those in the YAML.
        process: `name` of the process of these files and settings of `ImportedProcess`; None where the files tell it.
        name: of the sample, where the YAML gives none.
        overrides: `section.key=value`, as for every command.

    Raises:
        ConfigError: the file cannot be read, a key is unknown, a value is wrong.
    """
    where = str(config or f"mscat import {format}")
    values = parse_yaml(_text_of(config), where) if config else {}
    if values.setdefault("format", format) != format:
        raise ConfigError(f"{where}: format is {values['format']!r}, but {format!r} is asked for; use one of them")
    if name is not None:
        values.setdefault("name", name)
    if files and process is not None:
        own = {key: value for key, value in process.items() if key != "name" and value is not None}
        values["processes"] = {process["name"]: {"files": list(files), **own}}
    elif files:
        values["files"] = list(files)
    for override in overrides:
        apply_overrides(values, override)
    try:
        return ImportSettings.model_validate(values)
    except ValidationError as error:
        raise as_config_error(error, where) from error


def _text_of(path: Path) -> str:
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read ({error.__class__.__name__}); check the path") from error
