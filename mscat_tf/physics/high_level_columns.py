"""The named jet variables that a sample may hold: what each is, and which a setting chooses. Units: GeV, radians.

Distances `dR` are in the plane of rapidity and azimuth unless a definition says otherwise; `z_i` is the share of
constituent i in the scalar sum of the transverse momenta; angles count from a radius of 1. `data_prep.high_level`
computes the columns group by group, and `docs/high_level.md` has a table of them that is written from here.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement

SPECTRUM_BIN_WIDTH, SPECTRUM_BINS = 0.1, 20
"""Bins in R of S2: up to twice the radius 1 of a fat jet; the last one has no upper edge."""

PT_EDGES = (0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0)
"""Inner edges of the spectra of transverse momentum [GeV]; below the first and above the last lies a bin each."""

DISC_RADII = (0.1, 0.2, 0.3, 0.4)
"""Of the discs about constituents; the talk on arXiv:2312.11760 names 0.1, 0.2 and 0.3."""

PIXEL = 0.1
"""Side of a pixel in (eta, phi): the granularity of a hadronic calorimeter."""

PIXEL_RADII = (0.0, 0.1, 0.2)
"""By which the hit pixels are dilated."""

PT_THRESHOLDS = (0.0, 1.0, 4.0)
"""Constituents above these are the points of the Minkowski functionals [GeV]; the numbers are ours."""

LUND_KT = (1.0, 2.0, 5.0, 10.0)
"""Least kT of a counted primary declustering [GeV]; the numbers are ours."""

SUBSETS = ("all", "trimmed", "leading", "rest")
"""Of the constituents: all; what trimming keeps; the leading kT subjet of the radius of trimming; all but this one."""

SPECTRUM_PAIRS = tuple(combinations_with_replacement(SUBSETS, 2))
"""Pairs (a, b) of S2, which is symmetric."""

CHARGES = ("all", "charged", "neutral")
"""Kinds of constituents of which there is a spectrum of transverse momentum."""

SUBJETTINESS_NUMBERS = (1, 2, 3, 4)

FUNCTIONALS = {"area": "area", "length": "length of the boundary", "euler": "Euler characteristic"}
"""Minkowski functionals of a set in the plane, by the first word of the names of their columns."""

_ONE = "of one constituent"


@dataclass(frozen=True)
class Column:
    """One variable of a jet.

    Attributes:
        name, unit: of the column. group: what is computed together and chosen by one word.
        definition: how it is computed. reference: where it comes from.
        safe: infrared and collinear safe, at fixed order; what is Sudakov safe only is not.
        vanishing: jets whose value is 0 because the definition gives them none; empty where every jet has one.
    """

    name: str
    unit: str
    group: str
    definition: str
    reference: str
    safe: bool
    vanishing: str = ""


def subjettiness_name(digits: int, beta: int) -> str:
    """Name of the column of N-subjettiness, or of a ratio by the digits of both numbers.

    >>> subjettiness_name(3, 1), subjettiness_name(32, 2)
    ('tau_3', 'tau_32_beta_2')
    """
    return f"tau_{digits}{ending_of(beta)}"


def functional_name(functional: str, kind: str, radius: float, threshold: float) -> str:
    """Name of the column of a Minkowski functional.

    >>> functional_name("area", "disc", 0.2, 1.0)
    'area_disc_0.2_pt_1'
    """
    return f"{functional}_{kind}_{radius:g}_pt_{threshold:g}"


def ending_of(beta: int) -> str:
    """What names end in by the angular exponent; nothing for 1."""
    return "" if beta == 1 else f"_beta_{beta}"


def _power(beta: int) -> str:
    return "" if beta == 1 else f"^{beta}"


def _masses() -> Iterator[Column]:
    drop = "of the first declustering along the harder Cambridge/Aachen branch with z > 0.1 (soft drop, beta = 0)"
    paper = "arXiv:1402.2657"
    yield Column("mass", "GeV", "masses", "mass of the sum of all constituents", "arXiv:1111.6097", True)
    yield Column("soft_drop_mass", "GeV", "masses", f"mass {drop}; of the last constituent if none passes", paper, True)
    share = f"share of the softer branch in the sum of both transverse momenta {drop}"
    yield Column("soft_drop_z", "1", "masses", share, paper, False, "without such a declustering")
    trim = "mass of the constituents of kT subjets of radius 0.2 with more than 5 % of the jet's transverse momentum"
    yield Column("trimmed_mass", "GeV", "masses", trim, "arXiv:0912.1342", True, "without such a subjet")


def _shapes() -> Iterator[Column]:
    axis = "dR_i the distance from the momentum of the jet"
    girth, les_houches = (f"sum z_i {distance}, {axis}" for distance in ("dR_i", "dR_i^(1/2)"))
    yield Column("multiplicity", "1", "shapes", "number of constituents", "arXiv:1106.3076", False)
    yield Column("girth", "1", "shapes", girth, "arXiv:1106.3076", True, _ONE)
    yield Column("les_houches_angularity", "1", "shapes", les_houches, "arXiv:1704.03878", True, _ONE)
    yield Column("pt_dispersion", "1", "shapes", "sqrt(sum z_i^2), also called pT-D", "CMS JME-13-002", False)


def _subjettiness(beta: int) -> Iterator[Column]:
    group, paper = f"subjettiness{ending_of(beta)}", "arXiv:1011.2268"
    for number in SUBJETTINESS_NUMBERS:
        few = _ONE if number == 1 else f"of up to {number} constituents"
        axes = f"{number} axes A, those of the exclusive kT subjets with winner-take-all recombination, not minimised"
        definition = f"sum z_i min_A dR_iA{_power(beta)}, {axes}"
        yield Column(subjettiness_name(number, beta), "1", group, definition, paper, True, few)
    for number in SUBJETTINESS_NUMBERS[1:]:
        above, below = (subjettiness_name(n, beta) for n in (number, number - 1))
        name = subjettiness_name(10 * number + number - 1, beta)
        yield Column(name, "1", group, f"{above} / {below}", paper, False, f"of up to {number} constituents")


def _correlators(beta: int) -> Iterator[Column]:
    group = f"correlators{ending_of(beta)}"
    two = f"e2 = sum_(i<j) z_i z_j dR_ij{_power(beta)}"
    three = f"e3 = sum_(i<j<k) z_i z_j z_k (dR_ij dR_ik dR_jk){_power(beta)}"
    few = "of up to two constituents"
    larkoski, moult = "arXiv:1305.0007", "arXiv:1409.6298"
    yield Column(f"c1{ending_of(beta)}", "1", group, two, larkoski, True, _ONE)
    yield Column(f"c2{ending_of(beta)}", "1", group, f"e3 / e2^2, {two}, {three}", larkoski, False, few)
    yield Column(f"d2{ending_of(beta)}", "1", group, f"e3 / e2^3, {two}, {three}", moult, False, few)


def _lund() -> Iterator[Column]:
    group, paper = "lund", "arXiv:1807.04758"
    primary = "declusterings along the harder Cambridge/Aachen branch"
    yield Column("lund_primary", "1", group, f"number of {primary}", paper, False, _ONE)
    for cut in LUND_KT:
        yield Column(f"lund_kt_above_{cut:g}", "1", group, f"number of {primary} with kT > {cut:g} GeV", paper, True)
    of = f"of the {primary} the one with the largest kT"
    yield Column("lund_hardest_kt", "GeV", group, f"{of}: kT = pT_b Delta, b the softer branch", paper, True, _ONE)
    yield Column("lund_hardest_z", "1", group, f"{of}: pT_b / (pT_a + pT_b)", paper, False, _ONE)
    yield Column("lund_hardest_delta", "1", group, f"{of}: Delta = dR_ab", paper, False, _ONE)


def _spectra() -> Iterator[Column]:
    width = SPECTRUM_BIN_WIDTH
    for a, b in SPECTRUM_PAIRS:
        for place in range(SPECTRUM_BINS):
            last = place == SPECTRUM_BINS - 1
            span = f"{place * width:.1f} <= dR_ij" + ("" if last else f" < {(place + 1) * width:.1f}")
            what = f"sum pT_i pT_j over i in {a}, j in {b}, i = j too, with {span}"
            yield Column(f"s2_{a}_{b}_{place:02d}", "GeV^2", f"s2_{a}_{b}", what, "arXiv:1807.03312", True)


def _constituent_spectra() -> Iterator[Column]:
    edges = (0.0, *PT_EDGES)
    for charge in CHARGES:
        kind, group = ("" if charge == "all" else f"{charge} ") + "constituents", f"pt_spectrum_{charge}"
        for place, low in enumerate(edges):
            span = f"{low:g} GeV <= pT" + (f" < {edges[place + 1]:g} GeV" if place < len(PT_EDGES) else "")
            count, total = f"number of {kind} with {span}", f"sum of the pT of {kind} with {span}"
            yield Column(f"pt_count_{charge}_{place}", "1", group, count, "arXiv:2312.11760", False)
            yield Column(f"pt_sum_{charge}_{place}", "GeV", group, total, "arXiv:2312.11760", False)


def _minkowski(kind: str, radii: Sequence[float], what: str) -> Iterator[Column]:
    group, paper = f"minkowski_{kind}s", "arXiv:2010.13469"
    for cut in PT_THRESHOLDS:
        points = f"constituents with pT > {cut:g} GeV"
        if kind == "disc":
            directions = f"number of directions of {points}: the Euler characteristic for discs of radius 0"
            yield Column(f"points_pt_{cut:g}", "1", group, directions, paper, False)
        for radius in radii:
            for word, functional in FUNCTIONALS.items():
                definition = f"{functional} of {what.format(points=points, radius=radius)}"
                yield Column(functional_name(word, kind, radius, cut), "1", group, definition, paper, False)


def _all() -> Iterator[Column]:
    """First what the first files had, in their order."""
    parts = [_masses(), _shapes(), _subjettiness(1), _correlators(1), _subjettiness(2), _correlators(2), _lund()]
    parts += [_spectra(), _constituent_spectra()]
    parts += [_minkowski("disc", DISC_RADII, "the union of discs of radius {radius:g} in (eta, phi) around {points}")]
    pixels = f"the pixels of side {PIXEL:g} in (eta, phi) hit by {{points}}, dilated by {{radius:g}}, corners apart"
    parts += [_minkowski("pixel", PIXEL_RADII, pixels)]
    columns = {column.name: column for part in parts for column in part}
    yield from (columns.pop(name) for name in STANDARD)
    yield from columns.values()


STANDARD = (
    *("mass", "soft_drop_mass", "multiplicity", "girth", "les_houches_angularity", "pt_dispersion"),
    *("tau_21", "tau_32", "tau_43", "c2", "d2", "soft_drop_z"),
)
"""What `true` chooses: the columns of the first files that had any, in their order."""

COLUMNS = {column.name: column for column in _all()}
"""Every column by its name, in the order of a file."""

GROUPS = tuple(dict.fromkeys(column.group for column in COLUMNS.values()))


def chosen_columns(choice: bool | Sequence[str]) -> tuple[str, ...]:
    """Names of the columns that a setting chooses, in the order of the registry, none twice.

    Args:
        choice: False for none, True for `STANDARD`; or names of groups and columns, `standard` and `all` among them.

    Raises:
        ValueError: a name is not known.

    >>> chosen_columns(["girth", "correlators"])
    ('girth', 'c2', 'd2', 'c1')
    """
    if isinstance(choice, bool):
        return STANDARD if choice else ()
    unknown = [name for name in choice if name not in (*COLUMNS, *GROUPS, "standard", "all")]
    if unknown:
        raise ValueError(
            f"no column or group of jet variables is called '{unknown[0]}'; choose from the groups all, standard, "
            f"{', '.join(GROUPS)}, or from the columns that docs/high_level.md lists"
        )
    wanted = set(choice)
    return tuple(
        name
        for name, column in COLUMNS.items()
        if wanted & {name, column.group, "all"} or ("standard" in wanted and name in STANDARD)
    )


def written_choice(columns: Sequence[str]) -> str:
    """A setting that chooses exactly these columns, as short as groups allow, to be quoted in advice.

    >>> written_choice(STANDARD), written_choice(["girth", "c2", "d2", "c1"]), written_choice(list(COLUMNS))
    ('true', '[girth,correlators]', '[all]')
    """
    wanted = set(columns)
    if wanted == set(STANDARD):
        return "true"
    if wanted == set(COLUMNS):
        return "[all]"
    members = {group: {name for name, column in COLUMNS.items() if column.group == group} for group in GROUPS}
    whole = {group for group in GROUPS if members[group] <= wanted}
    words = (COLUMNS[name].group if COLUMNS[name].group in whole else name for name in COLUMNS if name in wanted)
    return f"[{','.join(dict.fromkeys(words))}]"
