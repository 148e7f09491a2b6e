"""The double double b tag of imported Delphes events: as weights, or as the tags that Delphes threw."""

import numpy as np
from numpy.typing import NDArray

from data_prep import btag
from data_prep.cluster import FatJetPairs, TrackJets
from data_prep.importers.root_file import Tree
from data_prep.tagging import Tags
from mscat_tf.config.importing import DelphesSettings, ImportSettings
from mscat_tf.errors import InputError

NONE = "none"
TAG_JETS = ("TrackJet", "Jet")
COLUMN = {"flavour": "Flavor", "bits": "BTag"}


def tag_jets(tree: Tree, settings: DelphesSettings) -> str:
    """Name of the branch with the jets that carry the tags: the one of the settings, else the first that there is.

    Raises:
        InputError: tags are to be read from a file that has none.
    """
    if settings.tagging == "fat_jet_bits":
        return NONE
    wanted, column = settings.branches.tag_jets, COLUMN[settings.tagging]
    for name in (wanted,) if wanted else TAG_JETS:
        if tree.has(*(f"{name}.{field}" for field in ("PT", "Eta", "Phi", column))):
            return name
    if wanted or settings.tagging == "bits":
        raise InputError(
            f"{tree.path}: has no branch '{wanted or ' or '.join(TAG_JETS)}' with {column}, but delphes.tagging = "
            f"{settings.tagging} reads it; choose another tagging, or name another branch as delphes.branches.tag_jets"
        )
    return NONE


def read_tags(tree: Tree, name: str, pairs: FatJetPairs, settings: ImportSettings) -> Tags:
    """Tags of selected events from the jets `name` of the same entries.

    Each tag jet belongs to the nearest fat jet within its radius, as in our own samples.

    Args:
        tree: the entries. name: from `tag_jets`. pairs: the fat jets of the selected events.
        settings: of the sample.
    """
    if name == NONE or settings.b_tagging.tags_per_jet == 0:
        return Tags(None, np.ones(len(pairs.event)))
    has_flavour = tree.has(f"{name}.Flavor")
    if len(pairs.event) == 0:
        return Tags(np.zeros((*pairs.counts.shape, 3), np.int64) if has_flavour else None, np.zeros(0))
    jets, chosen = _jets_of(tree, name, pairs, settings.b_tagging.track_jet_pt_min)
    where = (pairs.jets.eta, pairs.jets.phi, settings.fat_jets.radius)
    flavour = tree.numbers(f"{name}.Flavor").values[chosen] if has_flavour else None
    flavours = None if flavour is None else btag.flavours_in_fat_jets(jets, flavour, *where)
    if settings.delphes.tagging == "flavour" and flavour is not None:
        rates = btag.rates_of(jets, flavour, settings.b_tagging)
    else:
        rates = tag_bits(tree, name, settings.delphes.b_tag_bit)[chosen].astype(np.float64)
    inside = btag.rates_in_fat_jets(jets, rates, *where)
    return Tags(flavours, btag.event_probability(inside, settings.b_tagging.tags_per_jet))


def _jets_of(tree: Tree, name: str, pairs: FatJetPairs, pt_min: float) -> tuple[TrackJets, NDArray[np.bool_]]:
    """The hard jets of the selected events, and which ones of the file they are."""
    pt, counts = tree.numbers(f"{name}.PT")
    place = np.full(len(counts), -1, np.int64)
    place[pairs.event] = np.arange(len(pairs.event))
    event = place[np.repeat(np.arange(len(counts)), counts)]
    chosen = (event >= 0) & (pt > pt_min)
    eta, phi = (tree.numbers(f"{name}.{field}").values[chosen] for field in ("Eta", "Phi"))
    return TrackJets(event[chosen], eta, phi, pt[chosen]), chosen


def tag_bits(tree: Tree, name: str, bit: int) -> NDArray[np.bool_]:
    """`(jets,)` True where this bit of `BTag` is set."""
    return np.asarray((tree.numbers(f"{name}.BTag").values >> bit) & 1, np.bool_)
