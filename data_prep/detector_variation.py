"""Another detector for events that are made already: scale, resolution and soft particles act on raw constituents.

Jets are then summed anew, ordered by transverse momentum and selected again. An event that another detector would have
brought *into* the selection is not in the sample, so what is measured is the shift of the selected events.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from data_prep.arrays import Ints, offsets_of, rows
from data_prep.cluster import FatJetPairs
from data_prep.detector import PHOTON
from data_prep.energy_flow import log_normal
from data_prep.select import cut_names, cuts_passed
from mscat_tf.config.preparation import Preparation
from mscat_tf.config.sample import FatJets, Selection
from mscat_tf.physics.four_vectors import Cylindrical, Floats, from_cartesian, sums_by_owner, to_cartesian, wrap_phi
from mscat_tf.schema import RAW_COLUMNS

PT, ETA, PHI, MASS, CHARGE, PDG_ID = range(len(RAW_COLUMNS))


class RawJets(NamedTuple):
    """Jets of n events by their constituents.

    Attributes:
        raw: `(total, 6)`, columns of the schema, one jet after the other, hardest first. counts: `(n, J)`.
    """

    raw: Floats
    counts: Ints

    def momenta(self) -> Cylindrical:
        """Sums of the constituents, `(n, J)` each; 0 for a jet without."""
        jet = np.repeat(np.arange(self.counts.size), self.counts.ravel())
        parts = to_cartesian(self.raw[:, PT], self.raw[:, ETA], self.raw[:, PHI], self.raw[:, MASS])
        sums = sums_by_owner(parts, jet, self.counts.size)
        return Cylindrical(*(values.reshape(self.counts.shape) for values in from_cartesian(*sums)))

    def take(self, event: Ints, jet: Ints) -> "RawJets":
        """Jets `jet` `(m, J)` of the events `(m,)`."""
        chosen = event[:, np.newaxis] * self.counts.shape[1] + jet
        members = rows(offsets_of(self.counts.ravel()), chosen.ravel())
        return RawJets(self.raw[members], self.counts.ravel()[chosen])


def varied(jets: RawJets, settings: Preparation, radius: float, rng: np.random.Generator) -> RawJets:
    """The jets as another detector would see them; the order of the jets in an event stays.

    Args:
        radius: of the cone about the jet's momentum into which soft particles are thrown.
        rng: every random number comes from here.
    """
    raw = jets.raw.copy()
    factor = np.full(len(raw), settings.energy_scale)
    if settings.energy_resolution > 0.0:
        factor *= log_normal(np.ones(len(raw)), np.full(len(raw), settings.energy_resolution), rng)
    raw[:, [PT, MASS]] *= factor[:, np.newaxis]
    if settings.soft_particles == 0.0:
        return _hardest_first(raw, jets.counts)
    thrown = rng.poisson(settings.soft_particles, jets.counts.shape)
    soft = _soft_particles(jets.momenta(), thrown, settings.soft_pt, radius, rng)
    jet = [np.repeat(np.arange(counts.size), counts.ravel()) for counts in (jets.counts, thrown)]
    together = np.argsort(np.concatenate(jet), kind="stable")
    return _hardest_first(np.concatenate([raw, soft])[together], jets.counts + thrown)


def selected(momenta: Cylindrical, configuration: dict[str, Any]) -> NDArray[np.bool_]:
    """`(n,)` True where the jets pass the selection of the sample; all of them where it has none.

    Args:
        momenta: `(n, J)` each, the leading jet first. configuration: in the header of the sample.
    """
    events, jets = momenta.pt.shape
    if "selection" not in configuration:
        return np.ones(events, np.bool_)
    selection = Selection.model_validate(configuration["selection"])
    nothing = np.empty(0, np.int64)
    pairs = FatJetPairs(np.arange(events), momenta, nothing, nothing)
    return np.asarray(cuts_passed(pairs, events, selection) == len(cut_names(selection, jets)))


def cone(configuration: dict[str, Any]) -> float:
    """Radius of the fat jets of a sample; that of the published selection where it does not say."""
    return float((configuration.get("fat_jets") or {}).get("radius", FatJets().radius))


def _soft_particles(
    momenta: Cylindrical, counts: Ints, mean_pt: float, radius: float, rng: np.random.Generator
) -> Floats:
    """`(total, 6)`, even in (eta, phi) within the radius of each jet, one jet after the other."""
    total = int(counts.sum())
    distance, angle = radius * np.sqrt(rng.random(total)), rng.uniform(-np.pi, np.pi, total)
    soft = np.zeros((total, len(RAW_COLUMNS)))
    soft[:, PT] = rng.exponential(mean_pt, total)
    soft[:, ETA] = np.repeat(momenta.eta.ravel(), counts.ravel()) + distance * np.cos(angle)
    soft[:, PHI] = wrap_phi(np.repeat(momenta.phi.ravel(), counts.ravel()) + distance * np.sin(angle))
    soft[:, PDG_ID] = PHOTON
    return soft


def _hardest_first(raw: Floats, counts: Ints) -> RawJets:
    jet = np.repeat(np.arange(counts.size), counts.ravel())
    return RawJets(raw[np.lexsort((-raw[:, PT], jet))], counts)
