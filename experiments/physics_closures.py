"""Closures of the simulation: signal acceptance against m_H; ttbar cross-section against the p-hat-T cut and the seed.

Command: python -m experiments.physics_closures --out DIR [--events 400]; cost: about 5 minutes on 2 cores.
It prints the tables of docs/physics.md and writes closures.json. Expected: acceptance rises with m_H; the ttbar figures
agree within errors, but for the one above 400 GeV, which loses a fifth to a quarter.
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from mscat_tf.cli.console import table
from mscat_tf.cli.stages import find
from mscat_tf.config import SampleSettings
from mscat_tf.data import Sample
from mscat_tf.files import write_json

MASSES = (600, 800, 1000, 1500, 2000)
EVENTS_AT_600 = 0.15
"""Share of the events that is asked for at 600 GeV, where one event in fifty is selected."""


def main() -> None:
    """Make the samples and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder of samples and closures.json")
    parser.add_argument("--events", type=int, default=400, help="selected events of each sample")
    parser.add_argument("--seed", type=int, default=11)
    options = parser.parse_args()
    signal = [_signal(options, mass) for mass in MASSES]
    cuts = [row["cut"] for row in signal[0]["cut_flow"]]
    rows = [[entry["m_H"], entry["generated"], *(f"{share:.4f}" for share in entry["shares"])] for entry in signal]
    table("signal: share of events after each cut", ["m_H [GeV]", "generated", *cuts[1:]], rows)
    pairs = [
        _ttbar(options, name, **changes)
        for name, changes in (
            ("p-hat-T > 250", {}),
            ("p-hat-T > 250, another seed", {"seed": options.seed + 1}),
            ("p-hat-T > 250, no bias", {"pt_hat_bias": 0.0}),
            ("p-hat-T > 150, bias of power 2", {"pt_hat_min": 150.0}),
            ("p-hat-T > 400", {"pt_hat_min": 400.0, "pt_hat_bias": 0.0}),
        )
    ]
    columns = ["ttbar", "generator [pb]", "fiducial [pb]", "fiducial and tagged [fb]"]
    table("ttbar cross-sections", columns, [[p["name"], p["total"], p["fiducial"], p["tagged"]] for p in pairs])
    write_json(options.out / "closures.json", {"signal": signal, "ttbar": pairs})


def _make(out: Path, name: str, seed: int, events: int, process: dict[str, Any]) -> Sample:
    settings = SampleSettings(
        name=name, seed=seed, events=events, shard_events=max(events // 2, 1), processes={"x": process}
    )
    find("data_prep.run", "generate").generate(settings, out / name)
    return Sample(out / name)


def _signal(options: argparse.Namespace, mass: int) -> dict[str, Any]:
    events = round(options.events * (EVENTS_AT_600 if mass == 600 else 1.0))
    with _make(options.out, f"signal-{mass}", options.seed, events, {"kind": "heavy_higgs", "m_H": mass}) as sample:
        flow = sample.cut_flow["x"]
    shares = [row["weighted"] / flow[0]["weighted"] for row in flow[1:]]
    return {"m_H": mass, "generated": flow[0]["raw"], "shares": shares, "cut_flow": flow}


def _ttbar(options: argparse.Namespace, name: str, seed: int | None = None, **changes: float) -> dict[str, Any]:
    folder = "ttbar-" + "".join(letter if letter.isalnum() else "-" for letter in name)
    process = {"kind": "ttbar", **changes}
    with _make(options.out, folder, seed or options.seed, options.events, process) as sample:
        norm, weights = sample.normalisation["x"], sample.column("weights").astype(np.float64)
    scale = norm.cross_section_fb / norm.sum_of_weights
    generator, both = weights[:, 0], weights.prod(axis=1)

    def figure(values: Any, unit: float) -> str:
        return f"{scale * values.sum() / unit:.3f} ± {scale * np.sqrt(np.square(values).sum()) / unit:.3f}"

    total = f"{norm.cross_section_fb / 1000:.2f} ± {norm.cross_section_error_fb / 1000:.2f}"
    return {"name": name, "total": total, "fiducial": figure(generator, 1000.0), "tagged": figure(both, 1.0)}


if __name__ == "__main__":
    main()
