"""`mscat validate`: the checks as a table, the page's place, and a status that says whether the sample is sound."""

from pathlib import Path
from typing import Any

from mscat_tf.cli.console import Reporter, out, table
from mscat_tf.cli.stages import find
from mscat_tf.data import Sample
from mscat_tf.errors import InputError

LEAST_PROBABLE = 10
"""Comparisons that are printed; the page holds all."""


def validate(path: Path, reference: Path | None, folder: Path | None) -> None:
    """Validate a sample, print what was found, and complain if a check failed.

    Raises:
        InputError: a check failed.
    """
    find("matplotlib", "train")
    events = sum(_events(given) for given in (path, reference) if given is not None)
    run = find("mscat_tf.validation.run", "train")
    folder = folder or run.default_folder(path)
    with Reporter("validating", events, "events") as reporter:
        report = run.validate(path, folder, reference, reporter.update)
    _print(report)
    for name in (run.PAGE, run.NUMBERS):
        out.print(f"written: {folder / name}", soft_wrap=True)
    failed = [check["name"] for check in report["checks"] if check["status"] == "failed"]
    if failed:
        raise InputError(
            f"{path}: {len(failed)} of {len(report['checks'])} checks failed ({', '.join(failed)}); "
            f"{folder / run.PAGE} says where, make or import the sample again"
        )


def _events(path: Path) -> int:
    with Sample(path) as sample:
        return len(sample)


def _print(report: dict[str, Any]) -> None:
    for check in report["checks"]:
        out.print(f"{check['status']:8}{check['name']}: {check['sentence']}", soft_wrap=True)
    rows = [
        [name, entry["label"], entry["events"], f"{entry['effective_events']:.1f}", f"{entry['selected_fb']:.4g}"]
        for name, entry in report["processes"].items()
    ]
    table("processes", ["process", "label", "selected", "effective", "after selection and tag [fb]"], rows)
    if report["reference"]:
        rows = [
            [entry["quantity"], entry["process"], f"{entry['chi2']:.1f}", entry["ndf"], f"{entry['p']:.2g}"]
            for entry in report["comparisons"][:LEAST_PROBABLE]
        ]
        table(f"least probable of {len(report['comparisons'])}", ["quantity", "process", "chi2", "ndf", "p"], rows)
        for remark in report["reference"]["remarks"]:
            out.print(remark, soft_wrap=True)
