"""Named variables of jets, and the one entry point to all that is made of jets beside their constituents.

Rapidity and azimuth measure distances; the axis of a jet is its momentum, the sum of its constituents. Units: GeV,
radians.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from data_prep.arrays import Ints, offsets_of, pad
from data_prep.lund import lund_arrays
from data_prep.recluster import Trees, cambridge_aachen, subjets, winner_take_all_kt
from mscat_tf.config.sample import Tokens
from mscat_tf.errors import InputError
from mscat_tf.physics.directions import direction, distance
from mscat_tf.physics.four_vectors import Cartesian, Floats, from_cartesian, to_cartesian
from mscat_tf.physics.jet_shapes import angularity, energy_correlations, pt_dispersion, ratio, subjettiness
from mscat_tf.schema import DATA_SETS, HIGH_LEVEL_COLUMNS, LUND_COLUMNS

SOFT_DROP_CUT = 0.1
"""z_cut of soft drop with beta = 0, the modified mass drop (arXiv:1402.2657); the usual choice of ATLAS and CMS."""

JETS_AT_ONCE = 1000
"""Few enough that the arrays of one step take about 100 MB where jets have 250 constituents, and less elsewhere."""


def jet_arrays(
    pt: ArrayLike, eta: ArrayLike, phi: ArrayLike, mass: ArrayLike, counts: Ints, settings: Tokens
) -> dict[str, NDArray[Any]]:
    """Lund declusterings and named variables of fat jets, as far as the settings ask for them.

    Args:
        pt, eta, phi, mass: `(total,)` of the constituents in the laboratory, one jet after the other [GeV, 1, rad,
            GeV].
        counts: `(n, J)` constituents of each jet, at least 1.
        settings: `declusterings`, D, and `high_level`.

    Returns:
        `lund/declusterings` `(n, J, D, 5)`, `lund/mask` and `lund/parent` `(n, J, D)` unless D = 0, `high_level`
        `(n, J, 12)` if asked for, as in `mscat_tf.schema`.

    Raises:
        InputError: a jet has no constituents.
        MissingExtraError: fastjet is not installed.
    """
    flat = np.asarray(counts, np.int64).ravel()
    if settings.declusterings == 0 and not settings.high_level:
        return {}
    if np.any(flat < 1):
        raise InputError(f"jet {int(np.argmin(flat))} has no constituents, so it has no substructure; leave it out")
    momenta, offsets = to_cartesian(pt, eta, phi, mass), offsets_of(flat)
    arrays = _empty(len(flat), settings)
    for start in range(0, len(flat), JETS_AT_ONCE):
        part = flat[start : start + JETS_AT_ONCE]
        members = slice(offsets[start], offsets[start + len(part)])
        made = _arrays_of(Cartesian(*(component[members] for component in momenta)), part, settings)
        for name, values in made.items():
            arrays[name][start : start + len(part)] = values
    return {name: values.reshape(*np.shape(counts), *values.shape[1:]) for name, values in arrays.items()}


def high_level(momenta: Cartesian, counts: Ints, trees: Trees) -> Floats:
    """Named variables of jets.

    * `mass` of the jet; `soft_drop_mass`, `soft_drop_z`: see `soft_drop`; `multiplicity`: constituents.
    * `girth`, `les_houches_angularity`, `pt_dispersion`: see `mscat_tf.physics.jet_shapes`.
    * `tau_21`, `tau_32`, `tau_43`: ratios of N-subjettiness (arXiv:1011.2268) for beta = 1, about the axes of the
      exclusive kT subjets recombined by winner-take-all, not minimised: between 0 and 1.
    * `c2 = e3 / e2^2` (arXiv:1305.0007) and `d2 = e3 / e2^3` (arXiv:1409.6298), for beta = 1.

    A ratio with a vanishing denominator is 0. So tau_21 is 0 for up to two constituents, tau_32 for up to three, tau_43
    for up to four, c2 and d2 for up to two.

    Args:
        momenta: `(total,)` each, of the constituents [GeV]. counts: `(jets,)`, at least 1.
        trees: Cambridge/Aachen trees of the same jets.

    Returns:
        `(jets, 12)` in the order of `mscat_tf.schema.HIGH_LEVEL_COLUMNS`.
    """
    jet = np.repeat(np.arange(len(counts)), counts)
    total = Cartesian(*(np.asarray(np.bincount(jet, p, len(counts)), np.float64) for p in momenta))
    axis = direction(total)
    pt, rapidity, phi = (pad(values, counts)[0] for values in direction(momenta))
    from_axis = distance(rapidity, phi, axis.rapidity[:, np.newaxis], axis.phi[:, np.newaxis])
    tau_21, tau_32, tau_43 = _subjettiness_ratios(momenta, counts, (pt, rapidity, phi))
    e2, e3 = energy_correlations(pt, rapidity, phi)
    soft_drop_mass, soft_drop_z = soft_drop(trees)
    values = {
        "mass": from_cartesian(*total).mass,
        "soft_drop_mass": soft_drop_mass,
        "multiplicity": counts,
        "girth": angularity(pt, from_axis, 1.0),
        "les_houches_angularity": angularity(pt, from_axis, 0.5),
        "pt_dispersion": pt_dispersion(pt),
        "tau_21": tau_21,
        "tau_32": tau_32,
        "tau_43": tau_43,
        "c2": ratio(ratio(e3, e2), e2),
        "d2": ratio(ratio(ratio(e3, e2), e2), e2),
        "soft_drop_z": soft_drop_z,
    }
    return np.stack([values[name] for name in HIGH_LEVEL_COLUMNS], axis=-1)


def soft_drop(trees: Trees) -> tuple[Floats, Floats]:
    """Mass [GeV] and z of the first declustering along the harder branch with `z > SOFT_DROP_CUT`.

    Larkoski, Marzani, Soyez, Thaler, arXiv:1402.2657, eq. 1 with beta = 0. Where there is none, the mass is that of
    the constituent at the end of the branch, and z is 0.

    Args:
        trees: Cambridge/Aachen trees of the jets.

    Returns:
        `(jets,)` each.
    """
    pt = np.hypot(trees.momentum.px, trees.momentum.py)
    share = np.zeros(len(pt))
    sums = np.flatnonzero(trees.branches[:, 0] >= 0)
    hard, soft = pt[trees.branches[sums]].T
    share[sums] = soft / (hard + soft)
    goes_on = (trees.branches[:, 0] >= 0) & (share <= SOFT_DROP_CUT)
    at = trees.offsets[1:] - 1
    while np.any(goes_on[at]):
        at = np.where(goes_on[at], trees.branches[at, 0], at)
    return from_cartesian(*(component[at] for component in trees.momentum)).mass, share[at]


def _subjettiness_ratios(momenta: Cartesian, counts: Ints, padded: tuple[Floats, Floats, Floats]) -> list[Floats]:
    """tau_21, tau_32 and tau_43, `(jets,)` each."""
    trees = winner_take_all_kt(momenta, counts)
    taus = []
    for number in (1, 2, 3, 4):
        axes = subjets(trees, number)  # padded with zeros for jets of fewer constituents, each of which is an axis
        taus.append(subjettiness(*padded, (axes.rapidity, axes.phi)))
    return [ratio(above, below) for above, below in zip(taus[1:], taus[:-1], strict=True)]


def _arrays_of(momenta: Cartesian, counts: Ints, settings: Tokens) -> dict[str, NDArray[Any]]:
    trees = cambridge_aachen(momenta, counts)
    arrays = lund_arrays(trees, settings.declusterings) if settings.declusterings else {}
    if settings.high_level:
        arrays["high_level"] = high_level(momenta, counts, trees)
    return arrays


def _empty(jets: int, settings: Tokens) -> dict[str, NDArray[Any]]:
    keep = settings.declusterings
    shapes: dict[str, tuple[int, ...]] = {}
    if keep:
        shapes = {"lund/declusterings": (keep, len(LUND_COLUMNS)), "lund/mask": (keep,), "lund/parent": (keep,)}
    if settings.high_level:
        shapes["high_level"] = (len(HIGH_LEVEL_COLUMNS),)
    return {name: np.empty((jets, *shape), DATA_SETS[name].dtype) for name, shape in shapes.items()}
