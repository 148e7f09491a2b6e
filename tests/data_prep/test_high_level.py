"""Named jet variables group by group against FastJet-contrib, printed and run, plain loops, and jets by hand."""

import itertools
import math
import re

import awkward as ak
import numpy as np
import pytest

from data_prep import extras
from data_prep.cluster import as_momenta, fat_jet_pairs
from data_prep.high_level import Jets, high_level
from data_prep.jet_variables import jet_arrays
from data_prep.lund import primary_declusterings
from mscat_tf.config.sample import Tokens
from mscat_tf.errors import InputError
from mscat_tf.physics import to_cartesian
from mscat_tf.physics.high_level_columns import COLUMNS, PT_EDGES, SPECTRUM_BINS, SUBSETS
from tests.data_prep.some_jets import cluster_one, declustered, momenta_of, some_jets, trees_of
from tests.data_prep.test_cluster import as_objects, example_event

COUNTS = np.array([5, 30, 12, 60, 8, 6])
CHARGES = np.arange(COUNTS.sum()) % 3 - 1.0


def named(columns, counts, charge=None):
    """Every column by name, `(jets,)` each."""
    charge = np.zeros(len(columns[0])) if charge is None else charge
    jets = Jets(to_cartesian(*columns), np.asarray(counts), charge, trees_of(columns, counts))
    return dict(zip(COLUMNS, high_level(jets, tuple(COLUMNS)).T, strict=True))


@pytest.fixture(scope="module")
def columns():
    return some_jets(COUNTS, seed=4)


@pytest.fixture(scope="module")
def found(columns):
    return named(columns, COUNTS, CHARGES)


@pytest.fixture(scope="module")
def example(reference_data):
    """Folder of FastJet-contrib's references; columns and counts of the two jets of its example."""
    objects = example_event(reference_data)
    pairs = fat_jet_pairs(objects, 1, 1.0, 10.0)
    members = objects.take(pairs.constituents)
    columns = members.pt, members.eta, members.phi, members.mass
    return reference_data / "fjcontrib", columns, pairs.counts.ravel()


def of_beta(columns, counts, beta):
    """Values by the name that the column has for beta 1."""
    ending = "" if beta == 1 else f"_beta_{beta}"
    return {
        name.removesuffix(ending): values for name, values in named(columns, counts).items() if name.endswith(ending)
    }


def agree(values, printed, digit):
    """To the last printed digit."""
    np.testing.assert_allclose(values, printed, rtol=0, atol=0.51 * digit)


@pytest.mark.external
@pytest.mark.parametrize("beta", [1, 2])
def test_subjettiness_of_fjcontrib_to_printed_digits(example, beta):
    """Both jets: tau1, tau2, tau3, tau21, tau32 for "WTA KT" axes, normalised and in GeV."""
    folder, columns, counts = example
    text = (folder / "Nsubjettiness" / "example_advanced_usage.ref").read_text()
    found = of_beta(columns, counts, beta)
    total = np.add.reduceat(columns[0], [0, counts[0]])
    for measure, factor in (("Normalized", 1.0), ("Unnormalized", total)):
        pattern = rf"\n{measure} Measure \(beta = {beta}.00.*\n(?:.*\n)*? +WTA KT: +(.*)"
        tables = [re.search(pattern, jet)[1].split() for jet in text.split("Analyzing Jet")[1:3]]
        printed = np.array(tables, float).T
        for row, name in zip(printed, ("tau_1", "tau_2", "tau_3", "tau_21", "tau_32"), strict=True):
            agree(found[name] * (1.0 if len(name) > 5 else factor), row, 1e-6)


@pytest.mark.external
@pytest.mark.parametrize("beta", [1, 2])
def test_energy_correlators_of_fjcontrib_to_printed_digits(example, beta):
    folder, columns, counts = example
    text = (folder / "EnergyCorrelator" / "example.ref").read_text()
    found = of_beta(columns, counts, beta)
    for name in ("C1", "C2", "D2"):
        tables = re.findall(rf"\nEnergyCorrelator{name}: .* with pt_R\n(?:.*\n)*? +{beta}\.000 +(\S+)", text)
        agree(found[name.lower()], np.array(tables[:2], float), 1e-6)


@pytest.mark.external
def test_primary_declusterings_of_fjcontrib_to_printed_digits(example):
    folder, columns, counts = example
    text = (folder / "LundPlane" / "example.ref").read_text()
    printed = [np.array(re.findall(r"\((\S+), (\S+)\)", line), float) for line in text.splitlines() if line[:1] == "("]
    coordinates, real = primary_declusterings(trees_of(columns, counts))
    found = named(columns, counts)
    for jet, points in enumerate(printed):
        np.testing.assert_allclose(coordinates[jet, real[jet], :2], points, rtol=6e-6, atol=1e-6)
        assert found["lund_primary"][jet] == len(points) == (19, 16)[jet]
        assert found["lund_kt_above_2"][jet] == np.sum(points[:, 1] > math.log(2.0))
        hardest = points[points[:, 1].argmax()]
        assert math.log(found["lund_hardest_kt"][jet]) == pytest.approx(hardest[1], rel=1e-5)
        assert -math.log(found["lund_hardest_delta"][jet]) == pytest.approx(hardest[0], rel=1e-5)


def test_fjcontrib_run_on_other_jets(columns, found):
    fastjet = extras.fastjet()
    objects = as_objects(np.repeat(np.arange(len(COUNTS)), COUNTS), *columns)
    definition = fastjet.JetDefinition(fastjet.cambridge_algorithm, 1000.0)
    sequence = fastjet.ClusterSequence(as_momenta(objects, COUNTS), definition)
    for beta, ending in ((1, ""), (2, "_beta_2")):
        for name in ("c1", "c2", "d2"):
            expected = sequence.exclusive_jets_energy_correlator(func=name, beta=float(beta))
            np.testing.assert_allclose(found[name + ending], expected, rtol=1e-9)
        taus = sequence.njettiness("NormalizedMeasure", "WTA_KT_Axes", [1, 2, 3, 4], beta=float(beta), R0=1.0)
        for number, expected in enumerate(ak.to_numpy(taus).T, 1):
            np.testing.assert_allclose(found[f"tau_{number}{ending}"], expected, rtol=1e-9)
    for jet, primary in enumerate(sequence.exclusive_jets_lund_declusterings(njets=1)[:, 0]):
        kt, delta = (ak.to_numpy(primary[name]) for name in ("kt", "Delta"))
        names = ("lund_primary", "lund_hardest_kt", "lund_hardest_delta")
        expected = (len(kt), kt.max(), delta[kt.argmax()])
        np.testing.assert_allclose([found[name][jet] for name in names], expected, rtol=1e-9)


def test_share_of_the_hardest_declustering(columns, found):
    """A walk along the harder branch in FastJet's plain interface."""
    for jet, momenta in enumerate(momenta_of(columns, COUNTS)):
        sequence, shares = cluster_one(momenta), []
        branches = declustered(sequence.inclusive_jets()[0])
        while branches is not None:
            hard, soft = branches
            shares.append((soft.perp() * hard.delta_R(soft), soft.perp() / (hard.perp() + soft.perp())))
            branches = declustered(hard)
        assert found["lund_hardest_z"][jet] == pytest.approx(max(shares)[1], rel=1e-9)


@pytest.fixture(scope="module")
def subsets(columns):
    """For each jet the momenta of the subsets by name, from the kT subjets of FastJet's plain interface."""
    parts = []
    for momenta in momenta_of(columns, COUNTS):
        sequence = cluster_one(momenta, "kt", 0.2)
        total, pieces = math.hypot(*momenta.sum(axis=0)[:2]), sequence.inclusive_jets()
        groups = [(piece.perp(), [member.user_index() for member in piece.constituents()]) for piece in pieces]
        leading = max(groups)[1]
        kept = [index for pt, members in groups if pt > 0.05 * total for index in members]
        chosen = (range(len(momenta)), kept, leading, set(range(len(momenta))) - set(leading))
        parts.append({name: momenta[sorted(members)] for name, members in zip(SUBSETS, chosen, strict=True)})
    return parts


def test_trimmed_mass_is_that_of_the_kept_subjets(found, subsets):
    for jet, parts in enumerate(subsets):
        px, py, pz, energy = parts["trimmed"].sum(axis=0)
        assert found["trimmed_mass"][jet] == pytest.approx(math.sqrt(energy**2 - px**2 - py**2 - pz**2), rel=1e-6)
    assert np.any(found["trimmed_mass"] < 0.9 * found["mass"])


def test_spectra_integrate_to_the_products_of_the_sums(found, subsets):
    """Exactly, for every pair of subsets; and those of the leading subjet and of the rest are all that of the jet."""
    for a, b in itertools.combinations_with_replacement(SUBSETS, 2):
        for jet, parts in enumerate(subsets):
            sums = [np.hypot(*parts[name].T[:2]).sum() for name in (a, b)]
            integral = sum(found[f"s2_{a}_{b}_{place:02d}"][jet] for place in range(SPECTRUM_BINS))
            assert integral == pytest.approx(sums[0] * sums[1], rel=1e-12, abs=1e-9)
    for place in range(SPECTRUM_BINS):
        whole, leading, rest, both = (
            found[f"s2_{pair}_{place:02d}"] for pair in ("all_all", "leading_leading", "rest_rest", "leading_rest")
        )
        np.testing.assert_allclose(leading + rest + 2.0 * both, whole, rtol=1e-9, atol=1e-6)


def test_spectra_of_constituents(columns, found):
    edges = (0.0, *PT_EDGES, np.inf)
    jet = np.repeat(np.arange(len(COUNTS)), COUNTS)
    kinds = {"all": CHARGES < 9, "charged": CHARGES != 0, "neutral": CHARGES == 0}
    for kind, of_kind in kinds.items():
        for number in range(len(COUNTS)):
            pt = columns[0][(jet == number) & of_kind]
            counts = [found[f"pt_count_{kind}_{place}"][number] for place in range(len(edges) - 1)]
            assert counts == np.histogram(pt, edges)[0].tolist()
            sums = [found[f"pt_sum_{kind}_{place}"][number] for place in range(len(edges) - 1)]
            np.testing.assert_allclose(sums, np.histogram(pt, edges, weights=pt)[0], rtol=1e-12)


def test_functionals_of_one_and_two_particles():
    """A disc; two discs apart, across the seam of the azimuth; the softer one alone below the threshold of 4 GeV."""
    one = named(np.array([[60.0, 0.2, 3.0, 0.0]]).T, [1])
    two = named(np.array([[60.0, 0.2, 3.0, 0.0], [2.0, 0.2, -2.6, 0.0]]).T, [2])
    for found, discs in ((one, {0: 1, 1: 1, 4: 1}), (two, {0: 2, 1: 2, 4: 1})):
        for cut, number in discs.items():
            assert found[f"points_pt_{cut}"] == number
            assert found[f"euler_disc_0.1_pt_{cut}"] == number
            assert found[f"area_disc_0.1_pt_{cut}"] == pytest.approx(number * math.pi * 0.01, rel=1e-6)
            assert found[f"length_disc_0.1_pt_{cut}"] == pytest.approx(number * math.pi * 0.2, rel=1e-6)
            assert found[f"area_pixel_0_pt_{cut}"] == pytest.approx(number * 0.01)
            assert found[f"length_pixel_0_pt_{cut}"] == pytest.approx(number * 0.4)
            assert found[f"euler_pixel_0_pt_{cut}"] == number
    assert two["euler_disc_0.4_pt_0"] == 1.0
    assert two["length_disc_0.4_pt_0"] < 2 * 2 * math.pi * 0.4


def test_columns_that_are_called_safe_are(columns):
    """One constituent split in two along its direction, and a soft one added: others see that, these do not."""
    pt, eta, phi, mass = (np.where(name == 3, 0.0, values) for name, values in enumerate(columns))
    before = named((pt, eta, phi, mass), COUNTS)
    starts, ends = np.cumsum(COUNTS) - COUNTS, np.cumsum(COUNTS)
    rng = np.random.default_rng(3)
    split = [np.insert(values, ends, values[starts]) for values in (pt, eta, phi, mass)]
    new = ends + np.arange(len(COUNTS))
    split[0][new] *= 0.3
    split[0][starts + np.arange(len(COUNTS))] *= 0.7
    ends = np.cumsum(COUNTS + 1)
    soft = (
        np.full(len(COUNTS), 1e-9),
        eta[starts] + rng.normal(0, 0.3, len(COUNTS)),
        phi[starts],
        np.zeros(len(COUNTS)),
    )
    after = named([np.insert(values, ends, new) for values, new in zip(split, soft, strict=True)], COUNTS + 2)
    for name, column in COLUMNS.items():
        if column.safe:
            scale = np.abs(before[name]).max() or 1.0
            np.testing.assert_allclose(after[name], before[name], rtol=1e-4, atol=1e-6 * scale, err_msg=name)
    for name in ("multiplicity", "pt_dispersion", "lund_primary", "pt_sum_all_7", "points_pt_0", "area_disc_0.1_pt_0"):
        assert not COLUMNS[name].safe
        assert np.any(np.abs(after[name] - before[name]) > 1e-2 * np.abs(before[name])), name


def test_few_constituents_give_the_documented_zeros():
    counts = np.array([1, 2, 3, 4, 5])
    found = named(some_jets(counts, masses=(0.14,)), counts)
    few = {"of one constituent": 1} | {
        f"of up to {word} constituents": n for n, word in ((2, "2"), (2, "two"), (3, "3"), (4, "4"))
    }
    for name, column in COLUMNS.items():
        assert np.all(np.isfinite(found[name])), name
        if column.vanishing in few:
            assert (found[name] == 0.0).tolist() == (counts <= few[column.vanishing]).tolist(), name


def test_only_the_groups_asked_for_are_computed(columns, found):
    """Other columns of a group are left out, and the order is that of the registry."""
    names = ("multiplicity", "tau_2", "s2_all_rest_03")
    arrays = jet_arrays(*columns, COUNTS[:, np.newaxis], Tokens(high_level=tuple(reversed(names))))
    np.testing.assert_allclose(
        arrays["high_level"][:, 0], np.stack([found[name] for name in names], axis=-1), rtol=1e-6
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"counts": [[2, 3], [0, 1]]}, "event 1: jet 1 has no constituents"),
        ({"pt": np.nan}, "event 1: jet 1 has a constituent with a 'pt' that is not finite"),
        ({"phi": np.inf}, "event 1: jet 1 has a constituent with a 'phi' that is not finite"),
        ({"pt": 0.0}, "event 1: jet 1 has a constituent with a 'pt' that is not above 0"),
        ({"charge": np.nan}, "event 1: jet 1 .* unknown charge, which column 'pt_count_charged_0' needs"),
    ],
)
def test_what_cannot_be_used_is_one_sentence(change, message):
    names, counts = ("pt", "eta", "phi", "mass", "charge"), change.pop("counts", [[2, 3], [1, 1]])
    values = dict(zip(names, (*some_jets([7]), np.zeros(7)), strict=True))
    for name, value in change.items():
        values[name][5] = value
    columns = [values[name][: np.sum(counts)] for name in names]
    with pytest.raises(InputError, match=message):
        jet_arrays(*columns[:4], np.array(counts), Tokens(high_level=["all"]), columns[4])


def test_without_charges_nothing_else_is_missing():
    columns, counts = some_jets([4, 5]), np.array([[4, 5]])
    assert jet_arrays(*columns, counts, Tokens(high_level=["pt_spectrum_all"]))["high_level"].shape == (1, 2, 16)
    with pytest.raises(InputError, match=r"unknown charge.*leave pt_spectrum_charged and pt_spectrum_neutral out"):
        jet_arrays(*columns, counts, Tokens(high_level=["all"]))
