"""Track jets of selected events, their flavours, and the probability of the tag. Units: GeV, radians."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from data_prep import btag, cluster
from data_prep.arrays import Ints
from data_prep.detector import Objects
from data_prep.generator import Particles
from mscat_tf.config.sample import BTagging, SampleSettings
from mscat_tf.physics.four_vectors import Floats


class Tags(NamedTuple):
    """Of n events with J fat jets: `flavours` `(n, J, 3)` bottom, charm and light track jets in each fat jet, None
    where no tags are asked for or an imported file tells none; `probability` `(n,)` that every fat jet is tagged: 0 or
    1 where the file holds tags."""

    flavours: Ints | None
    probability: Floats


def tags(
    particles: Particles, objects: Objects, pairs: cluster.FatJetPairs, events: int, settings: SampleSettings
) -> Tags:
    """Cluster the track jets of the events with fat jets, label and tag them.

    Args:
        particles: generated. objects: reconstructed, but for leptons that are used as such. pairs: fat jets.
        events: number of generated events.
    """
    tagging, radius = settings.b_tagging, settings.fat_jets.radius
    if tagging.tags_per_jet == 0:
        return Tags(None, np.ones(len(pairs.event)))
    if len(pairs.event) == 0:
        return Tags(np.zeros((0, settings.fat_jets.number, 3), np.int64), np.zeros(0))
    wanted = np.zeros(events, np.bool_)
    wanted[pairs.event] = True
    tracks = objects.take(objects.is_track & wanted[objects.event])
    jets = cluster.track_jets(tracks, events, tagging.track_jet_radius, tagging.track_jet_pt_min)
    flavour = _flavours(particles, tracks, jets, wanted, tagging)
    local = jets._replace(event=(np.cumsum(wanted) - 1)[jets.event])
    fat_eta, fat_phi = pairs.jets.eta, pairs.jets.phi
    rates = btag.rates_in_fat_jets(local, btag.rates_of(local, flavour, tagging), fat_eta, fat_phi, radius)
    counts = btag.flavours_in_fat_jets(local, flavour, fat_eta, fat_phi, radius)
    return Tags(counts, btag.event_probability(rates, tagging.tags_per_jet))


def _flavours(
    particles: Particles, tracks: Objects, jets: cluster.TrackJets, wanted: NDArray[np.bool_], settings: BTagging
) -> Ints:
    """`(track jets,)` flavours, by the nearest hadrons or by ghosts."""
    events = len(wanted)
    bottom, charm = (
        btag.heavy_hadrons(particles, numbers, settings.hadron_pt_min) for numbers in (btag.B_HADRONS, btag.C_HADRONS)
    )
    if settings.association == "nearest":
        return btag.flavours(jets, events, bottom, charm, settings.matching_radius)
    size, least = settings.track_jet_radius, settings.track_jet_pt_min
    places = [
        cluster.places_of_ghosts(tracks, _as_objects(hadrons, wanted), events, size, least)
        for hadrons in (bottom, charm)
    ]
    return btag.flavours_of_ghosts(len(jets.event), *places)


def _as_objects(hadrons: btag.Hadrons, wanted: NDArray[np.bool_]) -> Objects:
    own = hadrons.take(wanted[hadrons.event])
    zero, none = np.zeros(len(own.event)), np.zeros(len(own.event), np.int64)
    return Objects(own.event, zero, own.eta, own.phi, zero, none, none)
