"""Our detector against Delphes 3 (ATLAS card): fat jets of `gg -> H(1000) -> hh -> 4b` at 13 TeV.

    python -m experiments.detector_against_delphes --delphes ../shared/data/delphes/signal.root --out runs/delphes

makes 1000 selected signal events (about a minute), prints a table and draws figures with ratios. The result is in
docs/physics.md. Units: GeV, radians.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray
from scipy import stats

from mscat_tf.cli.stages import find
from mscat_tf.config import Config, load_config
from mscat_tf.data.sample import Sample
from mscat_tf.evaluation.style import COLOURS, label_axes, new_grid, save

Floats = NDArray[np.float64]

PHOTON, NEUTRAL_HADRON = 22, 130
CHI_SQUARED_BINS = 8
DATA_SETS = ("kinematics", "raw/constituents", "raw/offsets")
RANKS = ("leading", "subleading")

QUANTITIES = {
    "mass": ("$m_J$ [GeV]", np.linspace(50, 250, 21)),
    "pt": ("$p_T$ [GeV]", np.linspace(250, 800, 23)),
    "constituents": ("constituents", np.linspace(0, 130, 27)),
    "tracks": ("tracks", np.linspace(0, 70, 24)),
    "photons": ("photons", np.linspace(0, 60, 21)),
    "neutral hadrons": ("neutral hadrons", np.linspace(-0.5, 14.5, 16)),
}


@dataclass(frozen=True)
class FatJets:
    """The two leading fat jets of the selected events.

    Attributes:
        selected, generated: numbers of events. values: `(selected, 2)` for each name in `QUANTITIES`.
    """

    selected: int
    generated: int
    values: dict[str, Floats]


def delphes_jets(path: Path) -> FatJets:
    """Fat jets in the file of Delphes after our selection, their constituents found by reference."""
    ak, uproot = find("awkward", "generate"), find("uproot", "generate")
    with uproot.open(path) as file:
        tree = file["Delphes"]
        pt, eta, mass, members = (
            tree[f"FatJet/FatJet.{name}"].array() for name in ("PT", "Eta", "Mass", "Constituents")
        )
        names = ("EFlowTrack", "EFlowPhoton", "EFlowNeutralHadron")
        identities = [tree[f"{name}/{name}.fUniqueID"].array() for name in names]
    leading = ak.argsort(pt, ascending=False)[:, :2]
    two = np.flatnonzero(ak.to_numpy(ak.num(pt)) >= 2)
    members = members.refs[leading][two]
    pt, eta, mass = (ak.to_numpy(values[leading][two]) for values in (pt, eta, mass))
    passed = (pt[:, 0] > 450) & (pt[:, 1] > 250) & np.all((np.abs(eta) < 2) & (mass > 50) & (mass < 250), axis=1)
    values = {"mass": mass[passed], "pt": pt[passed]}
    values["constituents"] = ak.to_numpy(ak.num(members, axis=2))[passed]
    wanted = ak.values_astype(members, np.int64) + (two.astype(np.int64) << 32)
    for name, identity in zip(("tracks", "photons", "neutral hadrons"), identities, strict=True):
        known = ak.values_astype(identity, np.int64) + (np.arange(len(identity), dtype=np.int64) << 32)
        inside = np.isin(ak.to_numpy(ak.flatten(wanted, axis=None)), ak.to_numpy(ak.flatten(known)))
        jet = np.repeat(np.arange(2 * len(two)), ak.to_numpy(ak.flatten(ak.num(members, axis=2))))
        values[name] = np.bincount(jet[inside], minlength=2 * len(two)).reshape(-1, 2)[passed]
    return FatJets(int(passed.sum()), len(leading), {name: array.astype(float) for name, array in values.items()})


def our_jets(kinematics: Floats, raw: Floats, offsets: NDArray[np.int64], generated: int) -> FatJets:
    """Fat jets from the data sets of one shard."""
    jets = kinematics[:, :2]
    jet = np.repeat(np.arange(2 * len(jets)), np.diff(offsets))
    charge, pdg_id = raw[:, 4], raw[:, 5]
    kinds = {"tracks": charge != 0, "photons": pdg_id == PHOTON, "neutral hadrons": pdg_id == NEUTRAL_HADRON}
    counts = {
        name: np.bincount(jet[chosen], minlength=2 * len(jets)).reshape(-1, 2).astype(float)
        for name, chosen in {"constituents": np.ones(len(jet), bool), **kinds}.items()
    }
    return FatJets(len(jets), generated, {"mass": jets[..., 0], "pt": jets[..., 3], **counts})


def configuration(events: int) -> Config:
    """The signal alone, at the energy of the file."""
    signal = "sample.processes={signal: {kind: heavy_higgs, m_H: 1000}}"
    return load_config("demo", ["sample.sqrt_s=13000", "sample.name=delphes", f"sample.events={events}", signal])


def simulated(events: int, folder: Path) -> FatJets:
    """Fat jets of a sample that is made where it is missing."""
    find("data_prep.run", "generate").generate(configuration(events).sample, folder)
    with Sample(folder) as sample:
        generated = sample.normalisation["signal"].generated_events
        parts = []
        for path in sample.files:
            with h5py.File(path) as file:
                parts.append(our_jets(*(file[name][:] for name in DATA_SETS), generated))
    values = {name: np.concatenate([part.values[name] for part in parts]) for name in QUANTITIES}
    return FatJets(sum(part.selected for part in parts), generated, values)


def chi_squared(first: Floats, second: Floats) -> tuple[float, float]:
    """Two-sample chi-squared in bins of equal content of both together, and its p-value (bins - 1 degrees)."""
    edges = np.unique(
        np.quantile(np.concatenate([first, second]), np.linspace(0, 1, CHI_SQUARED_BINS + 1), method="lower")
    )
    edges[-1] = np.inf
    a, b = np.histogram(first, edges)[0], np.histogram(second, edges)[0]
    difference = a / a.sum() - b / b.sum()
    value = float(np.sum(difference**2 / (a / a.sum() ** 2 + b / b.sum() ** 2)))
    return value, float(stats.chi2.sf(value, len(a) - 1))


def core(jets: FatJets, name: str, rank: int) -> Floats:
    """Values inside of the figure's range: of the momentum below 800 GeV, since few jets beyond decide the width."""
    values = jets.values[name][:, rank]
    return values[values < QUANTITIES[name][1][-1]]


def width_error(values: Floats) -> float:
    """Standard error of the standard deviation, from the fourth moment."""
    fourth = np.mean((values - values.mean()) ** 4)
    return float(np.sqrt((fourth - values.var() ** 2) / len(values)) / (2 * values.std()))


def table(ours: FatJets, delphes: FatJets) -> str:
    """Means, standard deviations and p-values, a line for each quantity and jet."""
    lines = [f"acceptance: Delphes {_acceptance(delphes)}, here {_acceptance(ours)}"]
    lines.append(f"{'':28}{'mean: Delphes, here':>34}{'width: Delphes, here':>36}{'chi2 p':>9}")
    for name in QUANTITIES:
        for rank, jet in enumerate(RANKS):
            both = [jets.values[name][:, rank] for jets in (delphes, ours)]
            cores = [core(jets, name, rank) for jets in (delphes, ours)]
            means = ", ".join(f"{v.mean():.2f} +- {v.std() / np.sqrt(len(v)):.2f}" for v in both)
            widths = ", ".join(f"{v.std():.2f} +- {width_error(v):.2f}" for v in cores)
            lines.append(f"{name + ', ' + jet:28}{means:>34}{widths:>36}{chi_squared(*both)[1]:>9.2g}")
    beyond = [np.sum(jets.values["pt"][:, 0] > 800) for jets in (delphes, ours)]
    lines.append(
        f"leading jets above 800 GeV: Delphes {beyond[0]} of {delphes.selected}, here {beyond[1]} of {ours.selected}"
    )
    return "\n".join(lines)


def _acceptance(jets: FatJets) -> str:
    share = jets.selected / jets.generated
    return f"{share:.3f} +- {np.sqrt(share * (1 - share) / jets.generated):.3f}"


def draw(ours: FatJets, delphes: FatJets, folder: Path) -> list[Path]:
    """One figure for each quantity: both jets, and the ratio below; returns the PNG paths."""
    paths = []
    for name, (symbol, edges) in QUANTITIES.items():
        figure, grid = new_grid(2, 2, (10.0, 5.6), [3, 1.2])
        for rank, jet in enumerate(RANKS):
            above, below = grid[0][rank], grid[1][rank]
            heights = [_shape(jets.values[name][:, rank], edges) for jets in (delphes, ours)]
            centres = (edges[1:] + edges[:-1]) / 2
            filled = heights[0][0] > 0
            points = (values[filled] for values in (centres, *heights[0]))
            above.errorbar(*points, fmt="ko", markersize=3, label="Delphes 3, ATLAS card")
            above.stairs(heights[1][0], edges, color=COLOURS[0], label="atlas_like")
            p_value = chi_squared(ours.values[name][:, rank], delphes.values[name][:, rank])[1]
            label_axes(above, "", "share of jets", f"{jet} jet, p = {p_value:.2g}")
            above.set_ylim(0.0, 1.35 * max(height.max() for height, _ in heights))
            above.legend(fontsize=10, frameon=False)
            known = filled & (heights[1][0] > 0)
            ratio, error = (values[known] / heights[1][0][known] for values in heights[0])
            below.errorbar(centres[known], ratio, error, fmt="ko", markersize=3)
            below.axhline(1.0, color=COLOURS[0])
            below.set_ylim(0.0, 2.0)
            label_axes(below, symbol, "ratio")
            for axes in (above, below):
                axes.set_xlim(edges[0], edges[-1])
        paths.append(save(figure, folder, name.replace(" ", "_")))
    return paths


def _shape(values: Floats, edges: Floats) -> tuple[Floats, Floats]:
    counts = np.histogram(values, edges)[0]
    return counts / len(values), np.sqrt(counts) / len(values)


def main() -> None:
    """Run the comparison."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--delphes", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--events", type=int, default=1000)
    options = parser.parse_args()
    ours, delphes = simulated(options.events, options.out / "sample"), delphes_jets(options.delphes)
    text = table(ours, delphes)
    (options.out / "table.txt").write_text(text + "\n")
    print(text)  # noqa: T201
    for path in draw(ours, delphes, options.out):
        print(path)  # noqa: T201


if __name__ == "__main__":
    main()
