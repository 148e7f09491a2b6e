"""`mscat evaluate --scores`: the figures of a run for the scores of any other tool, and files compared in pairs."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mscat_tf.config import EvaluationSettings
from mscat_tf.data.events import effective_events
from mscat_tf.errors import InputError
from mscat_tf.evaluation.evaluate import compare_auc, evaluate_scores
from mscat_tf.evaluation.figures import draw_roc
from mscat_tf.evaluation.plain_files import PlainScores, read_plain
from mscat_tf.evaluation.quality_figures import draw_calibration, draw_roc_errors
from mscat_tf.evaluation.scores import Scores
from mscat_tf.evaluation.style import new_axes, save
from mscat_tf.files import file_digest, write_json
from mscat_tf.run_metrics import ALL

LEAST_EVENTS = 10.0
"""Effective events above and below a cut that place it, and of background."""


def evaluate_plain(
    paths: Sequence[Path],
    labels: Path | None,
    weights: Path | None,
    settings: EvaluationSettings,
    seed: int,
    folder: Path,
) -> dict[str, Any]:
    """Write `metrics.json` and figures as for a run; of several files `comparison.json` and a folder for each.

    Args:
        paths: files of scores, of the same events if there are several. labels, weights: see `read_plain`.
        settings, seed: of the errors. folder: to write into.

    Returns:
        Metrics by name of the file.

    Raises:
        InputError: a file is no good, too small for a working point, or several hold different events.
    """
    names = _names(paths)
    files = {name: read_plain(path, labels, weights) for name, path in zip(names, paths, strict=True)}
    for path, file in zip(paths, files.values(), strict=True):
        _check_enough(path, file.test, settings)
    differences = _differences(paths, files, settings, seed)
    found = {}
    for name, path in zip(names, paths, strict=True):
        own = folder if len(paths) == 1 else folder / name
        found[name] = _evaluate_one(name, path, files[name], settings, seed, own)
    if len(paths) > 1:
        figure, (axes,) = new_axes()
        draw_roc(axes, {name: file.test for name, file in files.items()}, settings.min_effective_background)
        save(figure, folder / "figures", "roc")
        auc = {name: metrics[ALL]["auc"] for name, metrics in found.items()}
        write_json(folder / "comparison.json", {"auc": auc, "differences": differences})
        found[names[0]]["differences"] = differences
    return found


def _evaluate_one(
    name: str, path: Path, file: PlainScores, settings: EvaluationSettings, seed: int, folder: Path
) -> dict[str, Any]:
    started = time.perf_counter()
    metrics = evaluate_scores(file.test, settings, seed, shuffled_labels=True, validation=file.validation)
    metrics["source"] = {"file": str(path), "sha256": file_digest(path), "weights": file.weights, "seed": seed}
    metrics["seconds"] = time.perf_counter() - started
    metrics["settings"] = settings.model_dump(mode="json")
    figure, (axes,) = new_axes()
    draw_roc(axes, {name: file.test}, settings.min_effective_background)
    draw_roc_errors(axes, metrics[ALL])
    save(figure, folder / "figures", "roc")
    if metrics["calibration"]:
        figure, (axes,) = new_axes()
        draw_calibration(axes, metrics["calibration"])
        save(figure, folder / "figures", "calibration")
    write_json(folder / "metrics.json", metrics)
    return metrics


def _names(paths: Sequence[Path]) -> list[str]:
    """Names of the files without ending, or with their folders where two are alike."""
    names = [path.stem for path in paths]
    if len(set(names)) < len(names):
        names = [path.with_suffix("").as_posix().strip("/.").replace("/", "-") for path in paths]
    if len(set(names)) < len(names):
        raise InputError(f"{paths[0]}: given twice, or beside another of the same name; give each file once")
    return names


def _check_enough(path: Path, scores: Scores, settings: EvaluationSettings) -> None:
    signal, background = (effective_events(scores.weight[scores.label == value]) for value in (1, 0))
    if background < LEAST_EVENTS:
        raise InputError(
            f"{path}: {background:.1f} effective background events; at least {LEAST_EVENTS:g} are needed for any "
            "rejection, so give more"
        )
    for efficiency in settings.signal_efficiencies:
        placing = signal * min(efficiency, 1 - efficiency)
        if placing < LEAST_EVENTS:
            raise InputError(
                f"{path}: too few signal events for the working point at {efficiency:.0%} signal efficiency: of "
                f"{signal:.1f} effective ones {placing:.1f} lie on one side of the cut, at least {LEAST_EVENTS:g} are "
                "needed; give more events, or others with --set evaluate.signal_efficiencies=[...]"
            )


def _differences(
    paths: Sequence[Path], files: dict[str, PlainScores], settings: EvaluationSettings, seed: int
) -> dict[str, Any]:
    """AUC of the first file less that of each other one."""
    (_, first), *others = files.items()
    found = {}
    for path, (name, other) in zip(paths[1:], others, strict=True):
        try:
            found[name] = compare_auc(first.test, other.test, settings.bootstrap_replicas, seed)
        except ValueError as error:
            raise InputError(
                f"{path}: not the events of {paths[0]} (number, labels or event_id differ); paired differences "
                "need the same events in the same order"
            ) from error
    return found
