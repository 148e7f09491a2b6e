"""The named jet variables, group by group: what `mscat_tf.physics.high_level_columns` says of each, computed.

Rapidity and azimuth measure distances; the axis of a jet is its momentum, the sum of its constituents. Units: GeV,
radians.
"""

from collections.abc import Callable, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from data_prep.arrays import Ints, pad
from data_prep.cluster import jagged
from data_prep.groom import TrimmingSubjets, trimming_subjets
from data_prep.lund import primary_declusterings
from data_prep.recluster import Trees, subjets, winner_take_all_kt
from mscat_tf.config.sample import GroomSettings
from mscat_tf.physics import high_level_columns as columns
from mscat_tf.physics.constituent_spectrum import constituent_spectra
from mscat_tf.physics.correlation_spectrum import correlation_spectra
from mscat_tf.physics.directions import Direction, direction, distance
from mscat_tf.physics.four_vectors import Cartesian, Floats, delta_phi, from_cartesian, sums_by_owner
from mscat_tf.physics.jet_shapes import angularity, energy_correlations, pt_dispersion, ratio, subjettiness
from mscat_tf.physics.minkowski_discs import Functionals, disc_functionals
from mscat_tf.physics.minkowski_pixels import pixel_functionals
from mscat_tf.schema import LUND_COLUMNS

SOFT_DROP_CUT = 0.1
"""z_cut of soft drop with beta = 0, the modified mass drop (arXiv:1402.2657); the usual choice of ATLAS and CMS."""

TRIMMING = GroomSettings(subjet_radius=0.2, pt_fraction_min=0.05)
"""That of ATLAS; the definition of the columns names both numbers."""

Named = dict[str, Floats]
"""Values `(jets,)` by the name of their column."""


class Jets:
    """Jets with what several variables need of them, each found once.

    Attributes:
        momenta: `(total,)` each, of the constituents [GeV]. counts: `(jets,)`, at least 1.
        charge: `(total,)`, NaN where it is not known. trees: Cambridge/Aachen trees.
    """

    def __init__(self, momenta: Cartesian, counts: Ints, charge: Floats, trees: Trees) -> None:
        self.momenta, self.counts, self.charge, self.trees = momenta, counts, charge, trees

    @cached_property
    def total(self) -> Cartesian:
        """`(jets,)` momentum of each."""
        jet = np.repeat(np.arange(len(self.counts)), self.counts)
        return sums_by_owner(self.momenta, jet, len(self.counts))

    @cached_property
    def constituents(self) -> Direction:
        """`(jets, most constituents)`, zeros in padding."""
        return Direction(*(pad(values, self.counts)[0] for values in direction(self.momenta)))

    @cached_property
    def real(self) -> NDArray[np.bool_]:
        """`(jets, most constituents)`, False in padding."""
        return self.padded(np.ones(len(self.charge), np.bool_))

    @cached_property
    def kt(self) -> Trees:
        """Trees of the kT algorithm, where the winner takes all."""
        return winner_take_all_kt(self.momenta, self.counts)

    @cached_property
    def trimming(self) -> TrimmingSubjets:
        """Constituents by the kT subjets of trimming."""
        return trimming_subjets(jagged(self.momenta, self.counts), np.hypot(self.total.px, self.total.py), TRIMMING)

    def padded(self, values: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """`(jets, most constituents)`."""
        return pad(values, self.counts)[0]


def high_level(jets: Jets, names: Sequence[str]) -> Floats:
    """The columns of these names, `(jets, columns)`; of other groups nothing is computed.

    Raises:
        MissingExtraError: fastjet is not installed.
    """
    groups = dict.fromkeys(columns.COLUMNS[name].group for name in names)
    values: Named = {}
    for maker in dict.fromkeys(_MAKERS[group] for group in groups):
        values |= maker(jets, tuple(groups))
    return np.stack([values[name] for name in names], axis=-1)


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


def _masses(jets: Jets, _: Sequence[str]) -> Named:
    soft_drop_mass, soft_drop_z = soft_drop(jets.trees)
    kept = jets.trimming.kept
    jet = np.repeat(np.arange(len(jets.counts)), jets.counts)[kept]
    trimmed = sums_by_owner(Cartesian(*(component[kept] for component in jets.momenta)), jet, len(jets.counts))
    return {
        "mass": from_cartesian(*jets.total).mass,
        "soft_drop_mass": soft_drop_mass,
        "soft_drop_z": soft_drop_z,
        "trimmed_mass": from_cartesian(*trimmed).mass,
    }


def _shapes(jets: Jets, _: Sequence[str]) -> Named:
    pt, rapidity, phi = jets.constituents
    axis = direction(jets.total)
    from_axis = distance(rapidity, phi, axis.rapidity[:, np.newaxis], axis.phi[:, np.newaxis])
    return {
        "multiplicity": jets.counts.astype(np.float64),
        "girth": angularity(pt, from_axis, 1.0),
        "les_houches_angularity": angularity(pt, from_axis, 0.5),
        "pt_dispersion": pt_dispersion(pt),
    }


def _subjettiness(beta: int) -> Callable[[Jets, Sequence[str]], Named]:
    """About axes of exclusive kT subjets: a jet with fewer constituents has each as an axis, and those at zero."""

    def made(jets: Jets, _: Sequence[str]) -> Named:
        taus = {}
        for number in columns.SUBJETTINESS_NUMBERS:
            axes = subjets(jets.kt, number)
            taus[number] = subjettiness(*jets.constituents, (axes.rapidity, axes.phi), float(beta))
        ratios = {10 * number + number - 1: ratio(taus[number], taus[number - 1]) for number in list(taus)[1:]}
        return {columns.subjettiness_name(digits, beta): values for digits, values in {**taus, **ratios}.items()}

    return made


def _correlators(beta: int) -> Callable[[Jets, Sequence[str]], Named]:
    ending = columns.ending_of(beta)

    def made(jets: Jets, _: Sequence[str]) -> Named:
        e2, e3 = energy_correlations(*jets.constituents, float(beta))
        c2 = ratio(ratio(e3, e2), e2)
        return {f"c1{ending}": e2, f"c2{ending}": c2, f"d2{ending}": ratio(c2, e2)}

    return made


def _lund(jets: Jets, _: Sequence[str]) -> Named:
    coordinates, real = primary_declusterings(jets.trees)
    logarithms = [coordinates[..., LUND_COLUMNS.index(name)] for name in ("ln_inverse_delta", "ln_kt", "ln_z")]
    delta, kt, z = (np.where(real, np.exp(sign * ln), 0.0) for sign, ln in zip((-1, 1, 1), logarithms, strict=True))
    hardest = np.arange(len(kt)), (kt.argmax(axis=1) if kt.shape[1] else np.zeros(len(kt), np.int64))
    at_most = [np.pad(values, ((0, 0), (0, 1)))[hardest] for values in (kt, z, delta)]
    return {
        "lund_primary": real.sum(axis=1).astype(np.float64),
        **{f"lund_kt_above_{cut:g}": (kt > cut).sum(axis=1).astype(np.float64) for cut in columns.LUND_KT},
        **dict(zip(("lund_hardest_kt", "lund_hardest_z", "lund_hardest_delta"), at_most, strict=True)),
    }


def _spectra(jets: Jets, groups: Sequence[str]) -> Named:
    """Only of the pairs that are asked for."""
    pairs = [(a, b) for a, b in columns.SPECTRUM_PAIRS if f"s2_{a}_{b}" in groups]
    masks = {"all": jets.real}
    if any(pair != ("all", "all") for pair in pairs):
        kept, leading = (jets.padded(flags) for flags in jets.trimming)
        masks |= {"trimmed": kept, "leading": leading, "rest": jets.real & ~leading}
    subsets = [(masks[a], masks[b]) for a, b in pairs]
    width, bins = columns.SPECTRUM_BIN_WIDTH, columns.SPECTRUM_BINS
    spectra = correlation_spectra(*jets.constituents, subsets, width, bins)
    return {
        f"s2_{a}_{b}_{place:02d}": spectra[:, number, place]
        for number, (a, b) in enumerate(pairs)
        for place in range(bins)
    }


def _constituent_spectra(jets: Jets, groups: Sequence[str]) -> Named:
    masks = {"all": jets.real, "charged": jets.padded(jets.charge != 0.0)}
    masks["neutral"] = jets.real & ~masks["charged"]
    spectra = constituent_spectra(jets.constituents.pt, [masks[kind] for kind in columns.CHARGES], columns.PT_EDGES)
    return {
        f"pt_{word}_{kind}_{place}": values[:, number, place]
        for word, values in (("count", spectra.counts), ("sum", spectra.sums))
        for number, kind in enumerate(columns.CHARGES)
        for place in range(len(columns.PT_EDGES) + 1)
    }


def _from_axis(jets: Jets) -> tuple[Floats, Floats, Floats]:
    """Transverse momentum, eta and phi from the momentum of the jet, `(jets, most constituents)`."""
    axis, members = from_cartesian(*jets.total), from_cartesian(*jets.momenta)
    pt, eta, phi = (pad(values, jets.counts)[0] for values in members[:3])
    around = delta_phi(phi, axis.phi[:, np.newaxis])
    return pt, np.where(jets.real, eta - axis.eta[:, np.newaxis], 0.0), np.where(jets.real, around, 0.0)


def _discs(jets: Jets, _: Sequence[str]) -> Named:
    radii, thresholds = (0.0, *columns.DISC_RADII), columns.PT_THRESHOLDS
    found = disc_functionals(*_from_axis(jets), radii, thresholds)
    points = {f"points_pt_{cut:g}": found.euler[:, i, 0] for i, cut in enumerate(thresholds)}
    return points | _functionals("disc", radii, found)


def _pixels(jets: Jets, _: Sequence[str]) -> Named:
    radii, thresholds = columns.PIXEL_RADII, columns.PT_THRESHOLDS
    found = pixel_functionals(*_from_axis(jets), columns.PIXEL, radii, thresholds)
    return _functionals("pixel", radii, found)


def _functionals(kind: str, radii: Sequence[float], found: Functionals) -> Named:
    return {
        columns.functional_name(word, kind, radius, cut): getattr(found, word)[:, i, j]
        for word in columns.FUNCTIONALS
        for i, cut in enumerate(columns.PT_THRESHOLDS)
        for j, radius in enumerate(radii)
    }


_MAKERS: dict[str, Callable[[Jets, Sequence[str]], Named]] = {
    "masses": _masses,
    "shapes": _shapes,
    "subjettiness": _subjettiness(1),
    "correlators": _correlators(1),
    "subjettiness_beta_2": _subjettiness(2),
    "correlators_beta_2": _correlators(2),
    "lund": _lund,
    **{f"s2_{a}_{b}": _spectra for a, b in columns.SPECTRUM_PAIRS},
    **{f"pt_spectrum_{kind}": _constituent_spectra for kind in columns.CHARGES},
    "minkowski_discs": _discs,
    "minkowski_pixels": _pixels,
}
"""What computes each group; called once with all groups that are asked for."""
