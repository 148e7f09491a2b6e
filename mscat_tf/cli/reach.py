"""`mscat reach`: from the stored scores of runs to expected yields, significance and limits, side by side."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from mscat_tf.cli.console import out, table
from mscat_tf.config.base import as_config_error
from mscat_tf.config.load import apply_overrides
from mscat_tf.reach import Reach, ReachSettings
from mscat_tf.run_folder import Run
from mscat_tf.studies.reach_of_run import FOLDER, reach_of_run

ENDLESS = "endless simulation"


def show(paths: Sequence[Path], overrides: Sequence[str]) -> None:
    """Reach of every run: written to `reach/` in its folder, and one table of all.

    Args:
        overrides: `key=value` of `ReachSettings`; the luminosity is that of the run's evaluation unless given.
    """
    found = {str(path): _reach(Run(path), overrides) for path in paths}
    first = next(iter(found.values()))
    rows = [
        [f"events, {name}", *(f"{result.processes[name]['expected']:.4g}" for result in found.values())]
        for name in first.processes
    ]
    for ending in ("", f", {ENDLESS}"):
        figures = [_figures(result, ending) for result in found.values()]
        rows += [
            [f"significance{ending}", *(f"{each['significance']:.2f}" for each in figures)],
            [f"limit, fb{ending}", *(_limit(each["limit_fb"]) for each in figures)],
            [f"discovery at, fb{ending}", *(f"{each['discovery_fb']:.3g}" for each in figures)],
        ]
    title = f"{first.settings['luminosity_fb']:g} /fb, signal of {first.signal_fb:g} fb, expected"
    table(title, ["figure", *(path.name for path in paths)], rows)
    out.print(
        "limit: 95 % CLs on cross-section x BR, in brackets 68 % of experiments; 'endless simulation' leaves out the "
        "statistical error of the simulated background: far from the line above it, the sample is too small to tell",
        soft_wrap=True,
    )
    for path in paths:
        out.print(f"{path / FOLDER}: reach.json, workspace.json (pyhf)", soft_wrap=True)


def _reach(run: Run, overrides: Sequence[str]) -> Reach:
    values: dict[str, Any] = ReachSettings(luminosity_fb=run.config.evaluate.luminosity_fb).model_dump(mode="json")
    for override in overrides:
        apply_overrides(values, override)
    try:
        settings = ReachSettings(**values)
    except ValidationError as error:
        raise as_config_error(error, "with --set " + " ".join(overrides)) from error
    return reach_of_run(run, settings)


def _figures(result: Reach, ending: str) -> dict[str, Any]:
    """With every uncertainty, or without the statistical one of the simulation."""
    return dict(result.endless_simulation) if ending else result.as_json()


def _limit(limit: dict[str, float]) -> str:
    return f"{limit['0']:.3g} ({limit['-1']:.3g} to {limit['+1']:.3g})"
