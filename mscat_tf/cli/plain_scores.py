"""`mscat evaluate --scores`: scores and labels of any other tool."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from mscat_tf.cli.console import out as terminal
from mscat_tf.cli.console import table
from mscat_tf.cli.results import metric_rows, print_quality
from mscat_tf.cli.stages import find
from mscat_tf.config import EvaluationSettings
from mscat_tf.config.load import section_alone
from mscat_tf.errors import ConfigError

SEED = 1
"""Of the resamplings: the same file gives the same errors."""


def evaluate(
    run: Path | None,
    scores: Sequence[Path],
    labels: Path | None,
    weights: Path | None,
    folder: Path | None,
    overrides: Sequence[str],
    dry_run: bool,
) -> None:
    """Evaluate files of scores, print tables, write `metrics.json` and figures.

    Raises:
        ConfigError: neither a run nor files, or both; an unknown setting. InputError: a file is no good.
    """
    if run is not None:
        raise ConfigError(f"{run}: a run has its own scores; leave out --scores, --labels, --weights and --out")
    if not scores:
        raise ConfigError("neither a run nor --scores; give `mscat evaluate RUN` or `mscat evaluate --scores FILE`")
    settings = section_alone(EvaluationSettings, "evaluate", overrides, "matter to files of scores")
    if dry_run:
        terminal.print(yaml.safe_dump({"evaluate": settings.model_dump(mode="json")}), soft_wrap=True)
        return
    folder = folder or scores[0].with_name(f"{scores[0].stem}-evaluation")
    found = find("mscat_tf.evaluation.plain", "train").evaluate_plain(scores, labels, weights, settings, SEED, folder)
    for metrics in found.values():
        columns, rows = metric_rows(metrics)
        table(f"{metrics['source']['file']} ({metrics['events']} events)", columns, rows)
        print_quality(metrics)
    _print_differences(next(iter(found)), next(iter(found.values())).get("differences", {}))
    terminal.print(
        f"'>' is a lower limit (95 % confidence): fewer than {settings.min_effective_background:g} effective "
        f"background events pass the cut. Written: {folder}",
        soft_wrap=True,
    )


def _print_differences(first: str, differences: dict[str, Any]) -> None:
    for name, found in differences.items():
        delong = f", {found['delong_error']:.5f} (DeLong)" if found["delong_error"] is not None else ""
        terminal.print(
            f"AUC of {first} - {name}: {found['difference']:+.5f} ± {found['error']:.5f} (paired bootstrap){delong}",
            soft_wrap=True,
        )
