"""The one entry point to what is made of whole jets beside their constituents: Lund trees and named variables.

Units: GeV, radians.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from data_prep.arrays import Ints, offsets_of
from data_prep.high_level import Jets, high_level
from data_prep.lund import lund_arrays
from data_prep.recluster import cambridge_aachen
from mscat_tf.config.sample import Tokens
from mscat_tf.errors import InputError
from mscat_tf.physics.four_vectors import Cartesian, Floats, to_cartesian
from mscat_tf.physics.high_level_columns import COLUMNS, chosen_columns
from mscat_tf.schema import DATA_SETS, LUND_COLUMNS

JETS_AT_ONCE = 1000
"""Few enough that the arrays of one step take about 100 MB where jets have 250 constituents, and less elsewhere."""

_OF_CHARGES = ("pt_spectrum_charged", "pt_spectrum_neutral")


def jet_arrays(
    pt: ArrayLike,
    eta: ArrayLike,
    phi: ArrayLike,
    mass: ArrayLike,
    counts: Ints,
    settings: Tokens,
    charge: ArrayLike | None = None,
) -> dict[str, NDArray[Any]]:
    """Lund declusterings and named variables of fat jets, as far as the settings ask for them.

    Args:
        pt, eta, phi, mass: `(total,)` of the constituents in the laboratory, one jet after the other [GeV, 1, rad,
            GeV].
        counts: `(n, J)` constituents of each jet, at least 1.
        settings: `declusterings`, D, and `high_level`.
        charge: `(total,)` in units of the positron's, NaN where it is not known; None where none is.

    Returns:
        `lund/declusterings` `(n, J, D, 5)`, `lund/mask` and `lund/parent` `(n, J, D)` unless D = 0, `high_level`
        `(n, J, columns)` if asked for, as in `mscat_tf.schema`.

    Raises:
        InputError: a jet has no constituents, a momentum is not finite or has no transverse part, or a charge that a
            column needs is not known; the sentence names event, jet and column.
        MissingExtraError: fastjet is not installed.
    """
    flat = np.asarray(counts, np.int64).ravel()
    names = chosen_columns(settings.high_level)
    if settings.declusterings == 0 and not names:
        return {}
    components = {"pt": pt, "eta": eta, "phi": phi, "mass": mass}
    charges = np.full(flat.sum(), np.nan) if charge is None else np.asarray(charge, np.float64)
    _check(np.asarray(counts), {name: np.asarray(values) for name, values in components.items()}, charges, names)
    momenta, offsets = to_cartesian(pt, eta, phi, mass), offsets_of(flat)
    arrays = _empty(len(flat), settings.declusterings, len(names))
    for start in range(0, len(flat), JETS_AT_ONCE):
        part = flat[start : start + JETS_AT_ONCE]
        members = slice(offsets[start], offsets[start + len(part)])
        own = Cartesian(*(component[members] for component in momenta))
        for name, values in _arrays_of(own, part, charges[members], settings.declusterings, names).items():
            arrays[name][start : start + len(part)] = values
    return {name: values.reshape(*np.shape(counts), *values.shape[1:]) for name, values in arrays.items()}


def known_charges(charge: ArrayLike, pdg_id: ArrayLike) -> Floats:
    """`(total,)` charges, NaN for a constituent of which nobody said what it is, `pdg_id` 0."""
    return np.where(np.asarray(pdg_id) == 0, np.nan, np.asarray(charge, np.float64))


def _check(counts: Ints, components: dict[str, NDArray[Any]], charge: Floats, names: tuple[str, ...]) -> None:
    """Raise InputError for the first jet that cannot be used."""
    if np.any(counts < 1):
        place = np.argwhere(counts < 1)[0]
        raise InputError(f"{_jet(place)} has no constituents, so it has no substructure; leave it out")
    bad = {f"'{name}' that is not finite": ~np.isfinite(values) for name, values in components.items()}
    bad["'pt' that is not above 0"] = components["pt"] <= 0.0
    for what, flags in bad.items():
        if np.any(flags):
            raise InputError(f"{_owner(counts, flags)} has a constituent with a {what}; remove the event")
    needing = [name for name in names if COLUMNS[name].group in _OF_CHARGES]
    if needing and np.any(unknown := np.isnan(charge)):
        raise InputError(
            f"{_owner(counts, unknown)} has a constituent of unknown charge, which column '{needing[0]}' needs; leave "
            f"{' and '.join(_OF_CHARGES)} out of high_level"
        )


def _owner(counts: Ints, flags: NDArray[np.bool_]) -> str:
    """The jet of the first constituent that is marked."""
    jet = int(np.searchsorted(np.cumsum(counts), np.argmax(flags), side="right"))
    return _jet(np.array(np.unravel_index(jet, counts.shape)))


def _jet(place: NDArray[Any]) -> str:
    return f"event {place[0]}: jet {place[1] + 1}"


def _arrays_of(
    momenta: Cartesian, counts: Ints, charge: Floats, declusterings: int, names: tuple[str, ...]
) -> dict[str, NDArray[Any]]:
    trees = cambridge_aachen(momenta, counts)
    arrays = lund_arrays(trees, declusterings) if declusterings else {}
    if names:
        arrays["high_level"] = high_level(Jets(momenta, counts, charge, trees), names)
    return arrays


def _empty(jets: int, keep: int, columns: int) -> dict[str, NDArray[Any]]:
    shapes: dict[str, tuple[int, ...]] = {}
    if keep:
        shapes = {"lund/declusterings": (keep, len(LUND_COLUMNS)), "lund/mask": (keep,), "lund/parent": (keep,)}
    if columns:
        shapes["high_level"] = (columns,)
    return {name: np.empty((jets, *shape), DATA_SETS[name].dtype) for name, shape in shapes.items()}
