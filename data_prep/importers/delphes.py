"""Delphes 3 ROOT files (arXiv:1307.6346), read by uproot: neither ROOT nor Delphes is needed.

Photons and neutral hadrons are massless towers: their ET is a transverse momentum. Fat jets are the vector sums of
their constituents, so that both belong together as in our own samples; a file whose fat jets are something else
(calibrated, groomed, made of towers) is refused with a way out. Units: GeV, radians, femtobarn.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from data_prep import cluster
from data_prep.cluster import FatJetPairs
from data_prep.detector import Objects
from data_prep.features import chosen_pairs, features
from data_prep.groom import groom
from data_prep.importers import delphes_events, delphes_tags, referenced_jets
from data_prep.importers.base import Chunk, FilePlan, OneProcess, Part, Tally, need_processes
from data_prep.importers.root_file import Tree, open_tree
from data_prep.select import TAG_NAMES, cut_flow, cut_names, cuts_passed
from data_prep.tagging import Tags
from mscat_tf.config.importing import ImportSettings
from mscat_tf.config.sample import Tokens
from mscat_tf.errors import InputError
from mscat_tf.physics.four_vectors import Floats
from mscat_tf.physics.tokens import token_names

RECLUSTERED = "clustered anew"
SETTINGS = ("format", "seed", "delphes", "fat_jets", "selection", "b_tagging", "tokens")
"""Sections that decide the content of every shard."""


class FatJetsOfEvents(NamedTuple):
    """The leading fat jets of the events that have enough of them.

    Attributes:
        pairs: the jets. tagged: `(pairs,)` True where all carry the tag of the file, None where it is not read.
        notes: for the user.
    """

    pairs: FatJetPairs
    tagged: NDArray[np.bool_] | None = None
    notes: tuple[str, ...] = ()


def readers(settings: ImportSettings) -> list["DelphesReader"]:
    """One reader for each process."""
    need_processes(settings)
    return [DelphesReader(settings, name) for name in sorted(settings.processes)]


@dataclass(frozen=True)
class DelphesReader(OneProcess):
    """Reads the files of one process (`data_prep.importers.base.Reader`)."""

    settings: ImportSettings
    name: str

    @property
    def jets(self) -> int:
        """Leading fat jets of an event, J."""
        return self.settings.fat_jets.number

    @property
    def token_names(self) -> tuple[str, ...]:
        """The jets, their missing momentum where wanted, and their sum."""
        return token_names(self.jets, missing_momentum=self.settings.tokens.missing_momentum)

    @property
    def tokens(self) -> Tokens:
        """What is written of each event."""
        return self.settings.tokens

    @property
    def seed(self) -> int:
        """Of random tagging."""
        return self.settings.seed

    @property
    def configuration(self) -> dict[str, Any]:
        """Settings of all processes; tags that are read from the file count as random ones: Delphes threw them."""
        values = self.settings.model_dump(mode="json", include=set(SETTINGS))
        values["b_tagging"]["random"] = self._random
        return values

    def plan(self, path: Path) -> FilePlan:
        """Check that a file has what is needed, and see where its fat jets and tags come from."""
        branches = self.settings.delphes.branches
        with open_tree(path, branches.tree) as tree:
            if tree.entries == 0:
                raise InputError(f"{path}: tree '{branches.tree}' has no entries; leave the file out")
            for name in (branches.tracks, branches.photons, branches.neutral_hadrons):
                if not tree.has(f"{name}.Eta"):
                    raise InputError(
                        f"{path}: has no branch '{name}', but constituents come from it; keep the EFlow branches in "
                        "the TreeWriter of the Delphes card, or name others under delphes.branches"
                    )
            self._cross_section(tree)
            tag_jets = delphes_tags.tag_jets(tree, self.settings.delphes)
            found = {"fat jets": self._fat_jet_branch(tree), "tag jets": tag_jets}
            return FilePlan(tree.entries, found, self._notes(tree, found))

    def read(self, chunk: Chunk) -> Part:
        """Fat jets, grooming, selection, b tag and jet frame for a range of entries, as for our own events."""
        with open_tree(chunk.path, self.settings.delphes.branches.tree, chunk.start, chunk.stop) as tree:
            cuts, weights = cut_names(self.settings.selection, self.jets), delphes_events.event_weights(tree)
            objects, found = self._events(tree, chunk)
            pairs = groom(found.pairs, objects, self.settings.fat_jets)
            passed = cuts_passed(pairs, len(weights), self.settings.selection)
            survivors = np.flatnonzero(passed[pairs.event] == len(cuts))
            pairs = chosen_pairs(pairs, survivors)
            if found.tagged is None:
                tags = delphes_tags.read_tags(tree, chunk.plan.found["tag jets"], pairs, self.settings)
            else:
                tags = Tags(None, found.tagged[survivors].astype(np.float64))
            value, error = self._cross_section(tree)
        tag, rows = self._thrown(tags.probability, pairs, chunk)
        arrays = features(objects, chosen_pairs(pairs, rows), self.settings.tokens)
        arrays["weights"] = np.stack([weights[pairs.event[rows]], tag[rows]], axis=-1)
        if tags.flavours is not None:
            arrays["truth/track_jets"] = tags.flavours[rows]
        last = TAG_NAMES[self.settings.b_tagging.tags_per_jet]
        flow = cut_flow(cuts, passed, weights, tag, weights[pairs.event] * tag, last)
        tally = Tally(len(weights), float(weights.sum()), value, error, flow)
        process, entry = np.zeros(len(rows), np.int64), chunk.start + pairs.event[rows]
        return Part(arrays, process, (self.name,), entry, {self.name: tally}, found.notes)

    def _events(self, tree: Tree, chunk: Chunk) -> tuple[Objects, FatJetsOfEvents]:
        settings, branches = self.settings, self.settings.delphes.branches
        objects, numbers = delphes_events.energy_flow(tree, branches)
        if chunk.plan.found["fat jets"] == RECLUSTERED:
            events = chunk.stop - chunk.start
            radius, pt_min = settings.fat_jets.radius, settings.fat_jets.pt_min
            return objects, FatJetsOfEvents(cluster.fat_jet_pairs(objects, events, radius, pt_min, self.jets))
        jets = delphes_events.fat_jets(tree, branches, objects, numbers)
        chosen = referenced_jets.leading(jets, settings.fat_jets.pt_min, self.jets)
        tagged = None
        if settings.delphes.tagging == "fat_jet_bits":
            bits = delphes_tags.tag_bits(tree, branches.fat_jets, settings.delphes.b_tag_bit)
            tagged = np.asarray(bits[chosen].all(axis=1))
        notes = delphes_events.radius_notes(chunk.path, objects, jets, settings.fat_jets.radius)
        return objects, FatJetsOfEvents(referenced_jets.as_pairs(objects, jets, chosen), tagged, notes)

    @property
    def _random(self) -> bool:
        return self.settings.b_tagging.random or self.settings.delphes.tagging != "flavour"

    def _thrown(self, probability: Floats, pairs: FatJetPairs, chunk: Chunk) -> tuple[Floats, NDArray[np.int64]]:
        """Tag weights, and the events that are kept; a die belongs to its entry, whatever the chunks are."""
        if not self._random:
            return probability, np.arange(len(probability))
        die = np.random.PCG64([self.settings.seed, int(chunk.checksum, 16)])
        die.advance(chunk.start)
        kept = np.random.Generator(die).random(chunk.stop - chunk.start)[pairs.event] < probability
        return kept.astype(np.float64), np.flatnonzero(kept)

    def _fat_jet_branch(self, tree: Tree) -> str:
        name, settings = self.settings.delphes.branches.fat_jets, self.settings.delphes
        if settings.tagging == "fat_jet_bits" and not tree.has(f"{name}.BTag"):
            raise InputError(
                f"{tree.path}: has no branch '{name}.BTag', but delphes.tagging = fat_jet_bits reads it; choose "
                "another tagging"
            )
        in_file = tree.has(f"{name}.PT", f"{name}.Constituents") and not settings.recluster
        return name if in_file else RECLUSTERED

    def _notes(self, tree: Tree, found: dict[str, str]) -> tuple[str, ...]:
        notes, settings = [], self.settings.delphes
        if found["fat jets"] == RECLUSTERED and not settings.recluster:
            notes.append(
                f"no branch '{settings.branches.fat_jets}' with constituents: fat jets of R = "
                f"{self.settings.fat_jets.radius:g} are clustered from the EFlow branches"
            )
        if found["tag jets"] == delphes_tags.NONE and settings.tagging == "flavour":
            notes.append("no branch 'TrackJet' or 'Jet' with flavours: every event has tag weight 1")
        if not any(tree.has(name) for name in delphes_events.WEIGHTS):
            notes.append("no branch 'Event.Weight' or 'Weight.Weight': every event has weight 1")
        return tuple(notes)

    def _cross_section(self, tree: Tree) -> tuple[float, float]:
        own = self.settings.processes[self.name]
        if own.cross_section_fb is not None:
            return own.cross_section_fb * own.k_factor, 0.0
        value, error = delphes_events.cross_section_fb(tree)
        if value <= 0.0:
            raise InputError(
                f"{tree.path}: tells no cross-section (Event.CrossSection is {value:g}); give that of process "
                f"'{self.name}' in fb with --cross-section, or as processes.{self.name}.cross_section_fb"
            )
        return value * own.k_factor, error * own.k_factor
