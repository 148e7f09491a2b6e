"""Subjets of fat jets, by sequential recombination or by density. Units: GeV, radians.

Rapidity and azimuth measure distances. Subjets are sums of the four-momenta of their constituents; their directions are
written in the frame of the jet, where its constituents are.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import awkward as ak
import numpy as np
from numpy.typing import ArrayLike, NDArray

from data_prep import extras
from data_prep.arrays import Ints, offsets_of
from data_prep.cluster import jagged
from data_prep.density_subjets import density_labels
from mscat_tf.config.subjets import SubjetSettings
from mscat_tf.errors import InputError
from mscat_tf.physics import to_jet_frames
from mscat_tf.physics.directions import Direction, direction, distance
from mscat_tf.physics.four_vectors import Cartesian, Cylindrical, Floats, from_cartesian, sums_by_owner, to_cartesian
from mscat_tf.physics.jet_frame import JetFrame
from mscat_tf.schema import SUBJET_COLUMNS

JETS_AT_ONCE = 1000
"""Few enough that the arrays of one step take some 10 MB."""

ALGORITHMS = {"anti_kt": "antikt_algorithm", "cambridge_aachen": "cambridge_algorithm", "kt": "kt_algorithm"}
"""FastJet's names."""

Frames = Callable[[Floats, Floats, Floats, Floats, Ints, int], JetFrame]
"""What brings jets into their frames: pt, eta, phi, energy, counts and constituents kept, as `to_jet_frames` has it."""


class Subjets(NamedTuple):
    """Some subjets.

    Attributes:
        jet: `(m,)` place of the jet that each belongs to. momentum: `(m,)` each, in the laboratory.
        constituents, radius: `(m,)` of each, see `docs/subjets.md`.
    """

    jet: Ints
    momentum: Cylindrical
    constituents: Ints
    radius: Floats


def subjet_arrays(
    pt: ArrayLike,
    eta: ArrayLike,
    phi: ArrayLike,
    mass: ArrayLike,
    counts: Ints,
    settings: SubjetSettings | None,
    frames: Frames = to_jet_frames,
) -> dict[str, NDArray[Any]]:
    """Subjets of fat jets, if they are asked for.

    Args:
        pt, eta, phi, mass: `(total,)` of the constituents in the laboratory, one jet after the other [GeV, 1, rad,
            GeV].
        counts: `(n, J)` constituents of each jet; one without has no subjets.
        settings: how they are found and how many are kept, S; None for none. frames: those of the constituents.

    Returns:
        `subjets/subjets` `(n, J, S, 6)` and `subjets/mask` `(n, J, S)`, as in `mscat_tf.schema`; nothing without
        settings.

    Raises:
        MissingExtraError: fastjet is not installed.
    """
    if settings is None:
        return {}
    flat, offsets = np.asarray(counts, np.int64).ravel(), offsets_of(np.asarray(counts).ravel())
    columns = [np.asarray(values, np.float64) for values in (pt, eta, phi, mass)]
    table = np.zeros((len(flat), settings.number, len(SUBJET_COLUMNS)))
    mask = np.zeros(table.shape[:2], np.bool_)
    for start in range(0, len(flat), JETS_AT_ONCE):
        part = slice(start, min(start + JETS_AT_ONCE, len(flat)))
        own = [values[offsets[part.start] : offsets[part.stop]] for values in columns]
        table[part], mask[part] = _table(own, flat[part], settings, frames)
    shape = (*np.shape(counts), settings.number)
    return {"subjets/subjets": table.reshape(*shape, len(SUBJET_COLUMNS)), "subjets/mask": mask.reshape(shape)}


def subjet_settings(configuration: dict[str, Any], where: str) -> SubjetSettings:
    """How the subjets that a file holds were found.

    Args:
        configuration: of its header. where: begins the message.

    Raises:
        InputError: it does not say.
    """
    for section in ("preparation", "tokens"):
        values = (configuration.get(section) or {}).get("subjets")
        if values is not None:
            return SubjetSettings.model_validate(values)
    raise InputError(
        f"{where}: does not say how its subjets were found, so they cannot be found again; say it in "
        "data.preparation.subjets"
    )


def subjet_labels(momenta: Cartesian, counts: Ints, settings: SubjetSettings) -> Ints:
    """Which subjet of its jet each constituent belongs to, `(total,)`, in no order; -1 for none.

    Args:
        momenta: `(total,)` each [GeV], one jet after the other. counts: `(jets,)` constituents of each.
        settings: algorithm and what it reads.
    """
    if settings.algorithm != "density":
        return recombined(momenta, counts, ALGORITHMS[settings.algorithm], settings.radius)
    grain_of = recombined(momenta, counts, ALGORITHMS["anti_kt"], settings.resolution)
    filled = counts[counts > 0]
    first = np.maximum.reduceat(grain_of, offsets_of(filled)[:-1]) + 1 if len(filled) else filled
    piece = grain_of + np.repeat(offsets_of(first)[:-1], filled)
    sums = sums_by_owner(momenta, piece, int(first.sum()))
    return density_labels(direction(sums), first, settings)[piece]


def recombined(momenta: Cartesian, counts: Ints, algorithm: str, radius: float) -> Ints:
    """Number of the inclusive jet, within the jet clustered, that each constituent belongs to; four-momenta are added.

    Args:
        momenta: `(total,)` each [GeV], one jet after the other. counts: `(jets,)` constituents of each.
        algorithm: FastJet's name. radius: of it.
    """
    fastjet = extras.fastjet()
    filled = counts[counts > 0]
    labels = np.empty(filled.sum(), np.int64)
    if len(labels) == 0:
        return labels
    definition = fastjet.JetDefinition(getattr(fastjet, algorithm), radius)
    members = fastjet.ClusterSequence(jagged(momenta, filled), definition).constituent_index()
    sizes, found = ak.to_numpy(ak.flatten(ak.num(members, axis=2))), ak.to_numpy(ak.num(members))
    number = np.arange(len(sizes)) - np.repeat(offsets_of(found)[:-1], found)
    place = ak.to_numpy(ak.flatten(members, axis=None)) + np.repeat(offsets_of(filled)[:-1], filled)
    labels[place] = np.repeat(number, sizes)
    return labels


def _table(
    columns: list[Floats], counts: Ints, settings: SubjetSettings, frames: Frames
) -> tuple[Floats, NDArray[np.bool_]]:
    """The subjets `(jets, S, 6)` of some jets, and their mask `(jets, S)`."""
    table, mask = np.zeros((len(counts), settings.number, len(SUBJET_COLUMNS))), np.arange(settings.number)
    momenta = to_cartesian(*columns)
    found = _hardest(_summed(momenta, counts, settings), settings, len(counts))
    eta, phi = _in_frames([*columns[:3], momenta.energy], counts, found, frames)
    values = {**found._asdict(), **found.momentum._asdict(), "eta": eta, "phi": phi}
    table[found.jet, _rank(found.jet, len(counts))] = np.stack([values[name] for name in SUBJET_COLUMNS], axis=-1)
    return table, mask < np.bincount(found.jet, minlength=len(counts))[:, np.newaxis]


def _summed(momenta: Cartesian, counts: Ints, settings: SubjetSettings) -> Subjets:
    """All subjets: the sums of the four-momenta of those that share a label."""
    label = subjet_labels(momenta, counts, settings)
    member = np.flatnonzero(label >= 0)
    jet = np.repeat(np.arange(len(counts)), counts)[member]
    most = 1 + label.max(initial=0)
    named, subjet, sizes = np.unique(jet * most + label[member], return_inverse=True, return_counts=True)
    own = Cartesian(*(component[member] for component in momenta))
    sums = sums_by_owner(own, subjet, len(sizes))
    return Subjets(named // most, from_cartesian(*sums), sizes, _radii(direction(own), direction(sums), subjet))


def _hardest(found: Subjets, settings: SubjetSettings, jets: int) -> Subjets:
    """Those to keep, ordered by jet, and by transverse momentum within it."""
    order = np.lexsort((-found.momentum.pt, found.jet))
    order = order[found.momentum.pt[order] >= settings.pt_min]
    order = order[_rank(found.jet[order], jets) < settings.number]
    momentum = Cylindrical(*(values[order] for values in found.momentum))
    return Subjets(found.jet[order], momentum, found.constituents[order], found.radius[order])


def _sum(values: Floats, piece: Ints, pieces: int) -> Floats:
    """`(pieces,)` of the values that belong to each."""
    return np.asarray(np.bincount(piece, values, pieces), np.float64)


def _radii(own: Direction, axes: Direction, subjet: Ints) -> Floats:
    """Root mean square distance of the constituents of each subjet from its axis, weighted with transverse momentum."""
    apart = distance(own.rapidity, own.phi, axes.rapidity[subjet], axes.phi[subjet])
    subjets = len(axes.pt)
    return np.sqrt(_sum(own.pt * apart**2, subjet, subjets) / _sum(own.pt, subjet, subjets))


def _rank(jet: Ints, jets: int) -> Ints:
    """Place of each entry among those of its jet, which stand together."""
    return np.arange(len(jet)) - offsets_of(np.bincount(jet, minlength=jets))[:-1][jet]


def _in_frames(columns: list[Floats], counts: Ints, found: Subjets, frames: Frames) -> tuple[Floats, Floats]:
    """Directions in the frames of the jets, where they ride along as constituents without weight, after the others.

    Args:
        columns: pt, eta, phi and energy of the constituents. counts: `(jets,)`. found: `(m,)` subjets.
    """
    jet, more = found.jet, np.bincount(found.jet, minlength=len(counts))
    together = np.argsort(np.concatenate([np.repeat(np.arange(len(counts)), counts), jet]), kind="stable")
    weightless = np.zeros(len(jet))
    riders = (weightless, found.momentum.eta, found.momentum.phi, weightless)
    pt, eta, phi, energy = (np.concatenate(pair)[together] for pair in zip(columns, riders, strict=True))
    both = counts + more
    constituents = frames(pt, eta, phi, energy, both, int(both.max(initial=0))).constituents
    place = counts[jet] + _rank(jet, len(counts))
    return constituents[jet, place, 0], constituents[jet, place, 1]
