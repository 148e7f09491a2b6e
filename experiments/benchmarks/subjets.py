"""Subjets of a sample by every algorithm: how many, how fast, how safe, and whether they find b hadrons.

Results: docs/subjets.md.

    python experiments/benchmarks/subjets.py data/demo     # some minutes; JSON to runs/benchmarks/

Jets per second of CPU time (one core); subjets per jet of every process; jets of which a subjet's four-momentum moves
by more than the radiation added to them could, for soft particles of several shares of the jet's transverse momentum
and for every constituent split in two, exactly collinear; for plain HDBSCAN (scikit-learn) too. Where the sample has b
hadrons: how often the two of a jet of the signal have different nearest subjets.
"""

import argparse
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

HERE, ROOT = str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parents[2])
sys.path[:] = [ROOT if folder == HERE else folder for folder in sys.path]  # else a benchmark hides what it is named for

import numpy as np  # noqa: E402
from numpy.typing import NDArray  # noqa: E402
from sklearn.cluster import HDBSCAN  # noqa: E402

from mscat_tf.cli.stages import find  # noqa: E402
from mscat_tf.config.subjets import SubjetSettings  # noqa: E402
from mscat_tf.data import Sample  # noqa: E402
from mscat_tf.files import write_json  # noqa: E402
from mscat_tf.physics import delta_r, from_cartesian, to_cartesian, wrap_phi  # noqa: E402
from mscat_tf.physics.four_vectors import Floats  # noqa: E402

EVERY = ("anti_kt", "cambridge_aachen", "kt", "density")
PLAIN = "unweighted"
SHARES = (1e-5, 1e-6, 1e-7)
SOFT_PARTICLES = 20
PT_MIN = 5.0

REACH = 20.0
"""More than the energy of a particle is above its transverse momentum within a jet at |eta| < 2."""

Ints = NDArray[np.int64]
Columns = Sequence[Floats]
"""pt, eta, phi and mass of constituents, `(total,)` each, one jet after the other."""


def with_soft(
    columns: Columns, counts: Ints, rng: np.random.Generator, each: int, shares: tuple[float, float]
) -> tuple[list[Floats], Ints]:
    """So many massless particles thrown into each jet, with a share of its transverse momentum between these two."""
    jet, more = np.repeat(np.arange(len(counts)), counts), np.repeat(np.arange(len(counts)), each)
    axis = (np.cumsum(counts) - counts)[more]
    away, turn = np.sqrt(rng.random(len(more))), rng.uniform(-np.pi, np.pi, len(more))
    low, high = np.log(shares)
    pt = np.bincount(jet, columns[0])[more] * np.exp(rng.uniform(low, high, len(more)))
    eta, phi = columns[1][axis] + away * np.cos(turn), wrap_phi(columns[2][axis] + away * np.sin(turn))
    together = np.argsort(np.concatenate([jet, more]), kind="stable")
    soft = (pt, eta, phi, np.zeros(len(more)))
    return [np.concatenate(pair)[together] for pair in zip(columns, soft, strict=True)], counts + each


def with_split(columns: Columns, counts: Ints, rng: np.random.Generator) -> tuple[list[Floats], Ints]:
    """Every constituent in two, exactly collinear, all of a jet in a new order."""
    share = rng.uniform(0.02, 0.98, len(columns[0]))
    pt, eta, phi, mass = (np.tile(values, 2) for values in columns)
    factor = np.concatenate([share, 1.0 - share])
    order = np.lexsort((rng.random(len(pt)), np.tile(np.repeat(np.arange(len(counts)), counts), 2)))
    return [values[order] for values in (pt * factor, eta, phi, mass * factor)], 2 * counts


def four_momenta(algorithm: str, columns: Columns, counts: Ints) -> list[Floats]:
    """`(subjets, 4)` of each jet, in parts of its transverse momentum, the hardest first."""
    momenta, labels = np.stack(to_cartesian(*columns), axis=-1), _labels(algorithm, columns, counts)
    ends, sums = np.cumsum(counts)[:-1], []
    for own, label in zip(np.split(momenta, ends), np.split(labels, ends), strict=True):
        of_label = np.zeros((label.max() + 1, 4))
        np.add.at(of_label, label[label >= 0], own[label >= 0])
        pt = np.hypot(of_label[:, 0], of_label[:, 1])
        order = np.argsort(-pt)
        sums.append(of_label[order[pt[order] > PT_MIN]] / np.hypot(*own[:, :2].sum(axis=0)))
    return sums


def moved(before: list[Floats], after: list[Floats], tolerance: float) -> int:
    """Jets whose subjets changed by more than this part of the jet's transverse momentum."""
    return sum(
        len(one) != len(other) or not np.allclose(one, other, rtol=0.0, atol=tolerance)
        for one, other in zip(before, after, strict=True)
    )


def apart(columns: Columns, counts: Ints, hadrons: Floats, algorithm: str) -> float:
    """Part of the jets whose two b hadrons `(jets, 4)` have different nearest subjets."""
    chosen = np.flatnonzero(np.isfinite(hadrons).all(axis=1))
    sums, nearest = four_momenta(algorithm, columns, counts), []
    for jet in chosen:
        axes = from_cartesian(*sums[jet].T)
        nearest.append([delta_r(axes.eta, axes.phi, *hadrons[jet, [k, k + 1]]).argmin() for k in (0, 2)])
    first, second = np.reshape(nearest, (-1, 2)).T
    return float(np.mean(first != second))


def _stage() -> Any:
    return find("data_prep.subjets", "generate")


def _labels(algorithm: str, columns: Columns, counts: Ints) -> Ints:
    if algorithm != PLAIN:
        labels: Ints = _stage().subjet_labels(to_cartesian(*columns), counts, SubjetSettings(algorithm=algorithm))
        return labels
    points = np.stack([columns[1], np.asarray(columns[2]) % (2 * np.pi)], axis=-1)
    plain = HDBSCAN(min_cluster_size=4, allow_single_cluster=True, copy=True)
    return np.concatenate([plain.fit(own).labels_ for own in np.split(points, np.cumsum(counts)[:-1])])


def _read(sample: Sample, process: int, jets: int) -> tuple[Columns, Ints, Floats | None]:
    """About so many jets of a process: constituents, counts `(jets,)` and, where known, b hadrons `(jets, 4)`."""
    raws: list[Floats] = []
    sizes: list[Ints] = []
    hadrons: list[Floats] = []
    for block in sample.blocks:
        own = sample.read(block, ("process",))["process"] == process
        if not own.all() or sum(len(counts) for counts in sizes) >= jets:  # files of our own samples hold one process
            continue
        raw, counts = sample.read_raw(block)
        raws.append(raw[:, :4].astype(np.float64))
        sizes.append(counts.ravel())
        if sample.has("truth/b_hadrons"):
            hadrons.append(sample.read(block, ("truth/b_hadrons",))["truth/b_hadrons"].reshape(-1, 4))
    return list(np.concatenate(raws).T), np.concatenate(sizes), np.concatenate(hadrons) if hadrons else None


def _many_and_fast(parts: dict[str, tuple[Columns, Ints, Floats | None]], algorithm: str) -> dict[str, Any]:
    found: dict[str, Any] = {"subjets": {}}
    settings, seconds, jets = SubjetSettings(algorithm=algorithm), 0.0, 0
    for name, (columns, counts, _) in parts.items():
        pt, eta, phi, mass = columns
        start = time.process_time()
        mask: NDArray[np.bool_] = _stage().subjet_arrays(pt, eta, phi, mass, counts, settings)["subjets/mask"]
        seconds, jets = seconds + time.process_time() - start, jets + len(counts)
        found["subjets"][name] = [float(np.mean(mask.sum(axis=-1) == number)) for number in range(settings.number + 1)]
    return {**found, "jets_per_second": jets / seconds}


def _safety(columns: Columns, counts: Ints, algorithm: str) -> dict[str, int]:
    before = four_momenta(algorithm, columns, counts)
    found = {}
    for share in SHARES:
        more = with_soft(columns, counts, np.random.default_rng(1), SOFT_PARTICLES, (share, 1.001 * share))
        found[f"soft {share:g}"] = moved(before, four_momenta(algorithm, *more), REACH * SOFT_PARTICLES * share)
    split = with_split(columns, counts, np.random.default_rng(1))
    return {**found, "collinear": moved(before, four_momenta(algorithm, *split), 1e-9)}


def main() -> None:
    """Run all algorithms, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sample", type=Path, help="folder of a sample")
    parser.add_argument("--jets", type=int, default=3000, help="of each process")
    parser.add_argument("--output", type=Path, default=Path("runs/benchmarks/subjets.json"))
    options = parser.parse_args()
    with Sample(options.sample) as sample:
        parts = {name: _read(sample, number, options.jets) for number, name in enumerate(sample.header.processes)}
        signal = [name for name, label in zip(parts, sample.header.labels, strict=True) if label == 1]
    columns = [np.concatenate(values) for values in zip(*(part[0] for part in parts.values()), strict=True)]
    counts = np.concatenate([part[1] for part in parts.values()])
    report: dict[str, Any] = {"jets": len(counts), "load": os.getloadavg()[0]}
    for algorithm in (*EVERY, PLAIN):
        found: dict[str, Any] = {} if algorithm == PLAIN else _many_and_fast(parts, algorithm)
        found["moved"] = _safety(columns, counts, algorithm)
        hadrons = {name: parts[name][2] for name in signal}
        found["b_hadrons_apart"] = {
            name: apart(*parts[name][:2], known, algorithm) for name, known in hadrons.items() if known is not None
        }
        report[algorithm] = found
        print(algorithm, *(f"{name}={value}" for name, value in found.items()), flush=True)
    write_json(options.output, report)


if __name__ == "__main__":
    main()
