"""`mscat reach`: from the stored scores of runs to expected yields, significance and limits, side by side."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from mscat_tf.cli.console import out, table
from mscat_tf.config.base import as_config_error
from mscat_tf.config.load import apply_overrides
from mscat_tf.errors import ConfigError
from mscat_tf.reach import Reach, ReachSettings
from mscat_tf.run_folder import Run
from mscat_tf.studies.reach_of_run import FOLDER, VARIED, Variations, reach_of_run

ENDLESS = "endless simulation"


def show(paths: Sequence[Path], overrides: Sequence[str], variations: Sequence[str] = ()) -> None:
    """Reach of every run: written to `reach/` in its folder, and one table of all.

    Args:
        overrides: `key=value` of `ReachSettings`; the luminosity is that of the run's evaluation unless given.
        variations: `name=UP` or `name=UP,DOWN`, folders of the one run's network on shifted events.
    """
    shifted = _variations(variations)
    if shifted and len(paths) > 1:
        raise ConfigError("--variation: shifted events are those of one network; give one RUN")
    found = {str(path): _reach(Run(path), overrides, shifted) for path in paths}
    names = dict.fromkeys(name for result in found.values() for name in result.processes)
    rows = [
        ["luminosity, /fb", *(f"{result.settings['luminosity_fb']:g}" for result in found.values())],
        ["signal, fb", *(f"{result.signal_fb:g}" for result in found.values())],
    ]
    rows += [[f"events, {name}", *(_expected(result, name) for result in found.values())] for name in names]
    for ending in ("", f", {ENDLESS}"):
        figures = [_figures(result, ending) for result in found.values()]
        rows += [
            [f"significance{ending}", *(f"{each['significance']:.2f}" for each in figures)],
            [f"limit, fb{ending}", *(_limit(each["limit_fb"]) for each in figures)],
            [f"discovery at, fb{ending}", *(f"{each['discovery_fb']:.3g}" for each in figures)],
        ]
    table("expected reach", ["figure", *(path.name for path in paths)], rows)
    out.print(
        "limit: 95 % CLs on cross-section x BR, in brackets 68 % of experiments; 'endless simulation' leaves out the "
        "statistical error of the simulated background: far from the line above it, the sample is too small to tell",
        soft_wrap=True,
    )
    for path in paths:
        out.print(f"{path / (VARIED if shifted else FOLDER)}: reach.json, workspace.json (pyhf)", soft_wrap=True)


def _variations(texts: Sequence[str]) -> dict[str, list[Run]]:
    """By name of the uncertainty, runs on events shifted up and, if given, down."""
    found: dict[str, list[Run]] = {}
    for text in texts:
        name, _, folders = text.partition("=")
        paths = [path for path in folders.split(",") if path]
        if not name or len(paths) not in (1, 2) or name in found:
            raise ConfigError(f"--variation {text}: give NAME=UP or NAME=UP,DOWN, each name once, folders of runs")
        found[name] = [Run(path) for path in paths]
    return found


def _reach(run: Run, overrides: Sequence[str], variations: Variations) -> Reach:
    values: dict[str, Any] = ReachSettings(luminosity_fb=run.config.evaluate.luminosity_fb).model_dump(mode="json")
    for override in overrides:
        apply_overrides(values, override)
    try:
        settings = ReachSettings(**values)
    except ValidationError as error:
        raise as_config_error(error, "with --set " + " ".join(overrides)) from error
    return reach_of_run(run, settings, variations)


def _expected(result: Reach, process: str) -> str:
    return f"{result.processes[process]['expected']:.4g}" if process in result.processes else "-"


def _figures(result: Reach, ending: str) -> dict[str, Any]:
    """With every uncertainty, or without the statistical one of the simulation."""
    return dict(result.endless_simulation) if ending else result.as_json()


def _limit(limit: dict[str, float]) -> str:
    return f"{limit['0']:.3g} ({limit['-1']:.3g} to {limit['+1']:.3g})"
