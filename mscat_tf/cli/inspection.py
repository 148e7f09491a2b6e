"""`mscat inspect`: what a sample or a run holds, and what is wrong with it."""

from pathlib import Path
from typing import Any

import numpy as np
import yaml

from mscat_tf.cli.console import out, table
from mscat_tf.cli.results import print_metrics
from mscat_tf.cli.stages import dry, find
from mscat_tf.config import DataSettings
from mscat_tf.config.load import section_alone
from mscat_tf.data import Sample
from mscat_tf.data.events import effective_events
from mscat_tf.data.sample import MUST_BE_FINITE
from mscat_tf.data.statistics import MASKS
from mscat_tf.errors import InputError
from mscat_tf.physics.tokens import token_names
from mscat_tf.run_folder import Run, load_run
from mscat_tf.schema import DATA_SETS, SCHEMA_VERSION


def inspect(path: Path, figures: Path | None, rows: int, overrides: list[str], dry_run: bool) -> None:
    """Print the contents of a run folder, a sample folder or a sample file.

    Overrides act on a run's configuration, or on the `data` settings of the figures; a dry run prints the configuration
    that made the run or the sample.
    """
    if (path / "config.yaml").is_file():
        run = load_run(path)
        if not dry(run.config.updated(overrides), dry_run):
            _run(run)
        return
    if not path.exists():
        raise InputError(f"{path}: no such file or folder; give a sample (data/demo), one of its files, or a run")
    settings = section_alone(DataSettings, "data", overrides, "matter to figures of a sample")
    with Sample(path) as sample:
        if dry_run:
            out.print(yaml.safe_dump(sample.configuration, sort_keys=False), soft_wrap=True)
            return
        _sample(sample, rows)
        if figures is not None:
            _figures(sample, figures, settings)


def _run(run: Run) -> None:
    out.print(f"run {run.path}: {run.config.model.name}, {'finished' if run.finished else 'not finished'}")
    out.print(run.config.to_yaml(), soft_wrap=True)
    if run.finished:
        rows = [[key, value] for key, value in run.training.items() if not isinstance(value, dict)]
        table("training", ["", "value"], rows)
    if (run.path / "metrics.json").is_file():
        print_metrics(run, run.metrics)


def _sample(sample: Sample, rows: int) -> None:
    header = sample.header
    out.print(
        f"{sample.path}: schema version {SCHEMA_VERSION}, {len(sample)} events in {len(sample.files)} file(s), "
        f"{header.jets} jet(s) of up to {header.constituents} constituents, {header.tokens} kinematic token(s), "
        f"seed {header.seed}, configuration {header.digest}",
        soft_wrap=True,
    )
    out.print(
        "made with " + ", ".join(f"{name} {version}" for name, version in header.versions.items()), soft_wrap=True
    )
    _processes(sample)
    _cut_flow(sample)
    _ranges(sample)
    _few(sample, rows)
    out.print("every data set present, of the right shape and type; no NaN or infinity")


def _processes(sample: Sample) -> None:
    process, weights = sample.column("process"), sample.column("weights").astype(np.float64)
    rows: list[list[Any]] = []
    for index, name in enumerate(sample.header.processes):
        if name not in sample.normalisation:
            continue
        norm, own = sample.normalisation[name], weights[process == index].prod(axis=1)
        cross_section = norm.cross_section_fb * own.sum() / norm.sum_of_weights
        rows.append(
            [
                name, sample.header.labels[index], len(own), f"{effective_events(own):.1f}", norm.generated_events,
                f"{norm.cross_section_fb:.4g} ± {norm.cross_section_error_fb:.1g}", f"{cross_section:.4g}",
            ]
        )  # fmt: skip
    columns = [
        "process",
        "label",
        "selected",
        "effective (tag weights)",
        "generated",
        "cross-section [fb]",
        "after selection and tag [fb]",
    ]
    table("processes", columns, rows)


def _cut_flow(sample: Sample) -> None:
    names = list(sample.cut_flow)
    rows = []
    for index, first in enumerate(sample.cut_flow[names[0]]):
        row = [first["cut"]]
        for name in names:
            entry, start = sample.cut_flow[name][index], sample.cut_flow[name][0]
            share = entry["weighted"] / start["weighted"] if start["weighted"] else 0.0
            row += [str(entry["raw"]), f"{share:.3%}"]
        rows.append(row)
    columns = ["cut"] + [text for name in names for text in (name, "weighted share")]
    table("cut flow (events; share of generated weight)", columns, rows)


def _ranges(sample: Sample) -> None:
    """Of every column of floating-point numbers, raw constituents too: reading it is what finds NaN and infinity."""
    header, names = sample.header, [name for name in MUST_BE_FINITE if sample.has(name)]
    masks = {name: MASKS[name] for name in names if name in MASKS}
    limits: dict[str, tuple[Any, Any]] = {}
    for block, arrays in sample.iterate((*names, *masks.values())):
        arrays["raw/constituents"], _ = sample.read_raw(block)
        for name in (*names, "raw/constituents"):
            values = arrays[name][arrays[masks[name]]] if name in masks else arrays[name]
            values = values.reshape(-1, len(header.columns(name)) or 1)
            low, high = limits.get(name, (np.inf, -np.inf))
            of_block = values.min(axis=0, initial=np.inf), values.max(axis=0, initial=-np.inf)
            limits[name] = np.minimum(low, of_block[0]), np.maximum(high, of_block[1])
    rows = [
        [f"{name}: {column}" if column else name, f"{low:.4g}", f"{high:.4g}", unit]
        for name, ends in limits.items()
        for column, unit, low, high in zip(header.columns(name) or ("",), header.units(name), *ends, strict=True)
    ]
    table("ranges (padding left out)", ["column", "least", "greatest", "unit"], rows)


def _few(sample: Sample, rows: int) -> None:
    if not rows:
        return
    columns = DATA_SETS["kinematics"].columns
    arrays = sample.read(sample.blocks[0], ("kinematics", "process", "event_id", "multiplicity", "weights"))
    lines = []
    for event in range(min(rows, len(arrays["process"]))):
        name = sample.header.processes[arrays["process"][event]]
        for token, label in enumerate(sample.header.token_names or token_names(sample.header.jets)):
            values = [f"{v:.2f}" for v in arrays["kinematics"][event, token]]
            count = arrays["multiplicity"][event, token] if token < sample.header.jets else ""
            lines.append([f"{arrays['event_id'][event]} {name}" if token == 0 else "", label, *values, count])
    table("first events", ["event", "token", *columns, "constituents"], lines)


def _figures(sample: Sample, folder: Path, settings: DataSettings) -> None:
    find("matplotlib", "train")
    from mscat_tf.data import event_table
    from mscat_tf.evaluation.sample_figures import draw_sample

    for path in draw_sample(sample, event_table(sample, settings, seed=0), folder):
        out.print(f"figure: {path}", soft_wrap=True)
