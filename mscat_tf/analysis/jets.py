"""From jagged arrays of jets to the data sets that a network reads, as `data_prep` makes them. Units: GeV, radians."""

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mscat_tf.analysis.library import awkward, column
from mscat_tf.errors import InputError
from mscat_tf.physics import Cylindrical, from_cartesian, kinematic_tokens, to_cartesian
from mscat_tf.physics.four_vectors import sums_by_owner
from mscat_tf.physics.jet_frame import frames_of_events

Ints = NDArray[np.int64]
Momenta = Literal["constituents", "jets"]


@dataclass(frozen=True)
class Columns:
    """What the columns of an analysis are called.

    Attributes:
        constituents: field of the jets with the list of their constituents.
        pt, eta, phi, mass: of constituents, and of jets where their own momenta are read [GeV, 1, rad, GeV].
            `mass=None`: constituents without mass.
    """

    constituents: str = "constituents"
    pt: str = "pt"
    eta: str = "eta"
    phi: str = "phi"
    mass: str | None = "mass"


class LeadingJets(NamedTuple):
    """The J leading jets of the events that have so many.

    Attributes:
        event: `(n,)` place of each of these events among all.
        jets: momenta `(n, J)` each, the leading jet first.
        constituents: momenta `(total,)` each, one jet after the other. counts: `(n, J)` of each jet.
    """

    event: Ints
    jets: Cylindrical
    constituents: Cylindrical
    counts: Ints


def leading_jets(jets: Any, number: int, columns: Columns, momenta: Momenta) -> LeadingJets:
    """The leading jets by transverse momentum; those without constituents, and missing ones (None), do not count.

    Args:
        jets: `(events, jets)` awkward array of records with constituents. number: of them, J.
        columns: their names. momenta: of the jets, summed over the constituents as in every sample, or their own.

    Raises:
        InputError: a column is missing, or it is no list of lists.
    """
    ak = awkward()
    if len(jets) == 0:
        none = Cylindrical(*(np.zeros(0) for _ in Cylindrical._fields))
        none_of_jets = Cylindrical(*(np.zeros((0, number)) for _ in Cylindrical._fields))
        return LeadingJets(np.zeros(0, np.int64), none_of_jets, none, np.zeros((0, number), np.int64))
    constituents = _present(column(jets, columns.constituents, "jets"))
    if constituents.ndim != 3:
        raise InputError(
            f"events: '{columns.constituents}' of jets has {constituents.ndim} axes, but a list of constituents in "
            "every jet of every event is wanted (3 axes); nest it"
        )
    constituents = ak.drop_none(constituents, axis=2)
    filled = ak.num(constituents, axis=2) > 0
    constituents = constituents[filled]
    numbers = ak.num(constituents)
    found = _sums(constituents, columns) if momenta == "constituents" else _own(jets, filled, columns)
    enough = numbers >= number
    order = ak.argsort(ak.unflatten(found.pt, numbers), ascending=False, stable=True)[enough][:, :number]
    chosen = constituents[enough][order]
    place = np.flatnonzero(ak.to_numpy(enough))
    shape = (len(place), number)
    return LeadingJets(
        place,
        Cylindrical(*(_flat(ak.unflatten(values, numbers)[enough][order]).reshape(shape) for values in found)),
        _momenta(chosen, columns),
        _flat(ak.num(chosen, axis=2)).astype(np.int64).reshape(shape),
    )


def schema_arrays(jets: LeadingJets, keep: int) -> dict[str, NDArray[np.generic]]:
    """Data sets of the schema, in its types.

    Args:
        jets: of n events. keep: constituents of a jet, P.

    Returns:
        `constituents` `(n, J, P, 4)`, `constituents_mask` `(n, J, P)`, `kinematics` `(n, K, 6)`, see docs/schema.md.
    """
    frames = frames_of_events(*jets.constituents, jets.counts, keep)
    return {
        "constituents": frames.constituents.astype(np.float32),
        "constituents_mask": frames.mask,
        "kinematics": kinematic_tokens(*jets.jets, frames.theta).astype(np.float32),
    }


def pieces(jets: LeadingJets, events: int) -> list[LeadingJets]:
    """The same, so many events at a time."""
    ends = np.concatenate([[0], np.cumsum(jets.counts.sum(axis=1))])
    return [
        LeadingJets(
            jets.event[start : start + events],
            Cylindrical(*(values[start : start + events] for values in jets.jets)),
            Cylindrical(*(v[ends[start] : ends[min(start + events, len(ends) - 1)]] for v in jets.constituents)),
            jets.counts[start : start + events],
        )
        for start in range(0, len(jets.event), events)
    ]


def _present(values: Any) -> Any:
    """Without missing jets; an event that is missing itself has none."""
    ak = awkward()
    return ak.drop_none(ak.fill_none(values, [], axis=0), axis=1)


def _sums(constituents: Any, columns: Columns) -> Cylindrical:
    """Momenta of all jets, `(jets,)` each."""
    counts = _flat(awkward().num(constituents, axis=2)).astype(np.int64)
    jet = np.repeat(np.arange(len(counts)), counts)
    components = to_cartesian(*_momenta(constituents, columns))
    return from_cartesian(*sums_by_owner(components, jet, len(counts)))


def _own(jets: Any, chosen: Any, columns: Columns) -> Cylindrical:
    """The same from columns of the jets."""
    if columns.mass is None:
        raise InputError("events: Columns(mass=None), but the jets' own momenta need a mass; name its column")
    names = (columns.pt, columns.eta, columns.phi, columns.mass)
    return Cylindrical(*(_flat(_present(column(jets, name, "jets"))[chosen]).astype(np.float64) for name in names))


def _momenta(constituents: Any, columns: Columns) -> Cylindrical:
    pt, eta, phi = (
        _flat(column(constituents, name, "constituents")).astype(np.float64)
        for name in (columns.pt, columns.eta, columns.phi)
    )
    if columns.mass is None:
        return Cylindrical(pt, eta, phi, np.zeros_like(pt))
    return Cylindrical(pt, eta, phi, _flat(column(constituents, columns.mass, "constituents")).astype(np.float64))


def _flat(values: Any) -> NDArray[Any]:
    """All numbers of a jagged array, in order."""
    ak = awkward()
    return np.asarray(ak.to_numpy(ak.flatten(values, axis=None)))
