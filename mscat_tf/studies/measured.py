"""What a study measured, from its run folders alone: every number with the run, seeds and digests that made it."""

import math
from typing import Any

from mscat_tf.config.study import Study
from mscat_tf.errors import InputError
from mscat_tf.evaluation.evaluate import ALL, compare_auc
from mscat_tf.evaluation.scores import Scores, read_scores
from mscat_tf.provenance import environment
from mscat_tf.run_folder import Run

_OF_TRAINING = ("parameters", "flops_per_event", "seconds", "seconds_per_epoch", "events_per_second", "best_epoch")


def measure(study: Study, scale: str, runs: dict[str, Run]) -> dict[str, Any]:
    """All numbers of a study, as written to JSON.

    Args:
        runs: by row; trained and evaluated.

    Raises:
        InputError: a run is missing or not evaluated, or rows that are compared saw different events.
    """
    rows = {name: _row(run) for name, run in runs.items()}
    scores = {name: read_scores(run.path / "scores.h5") for name, run in runs.items()}
    for name in rows:
        other = study.compared_with(name)
        rows[name]["against"] = None if other is None else _difference(name, other, rows, runs, scores)
    return {
        "study": study.name,
        "title": study.title,
        "question": study.question,
        "scale": scale,
        "seeds_wanted": study.scales[scale].seeds,
        "made_with": environment(),
        "rows": rows,
    }


def _row(run: Run) -> dict[str, Any]:
    metrics, training, made = run.need_finished().metrics, run.training, run.origin
    overall = metrics[ALL]
    repeats = run.config.train.repeats
    return {
        "run": str(run.path),
        "network": run.config.model.name,
        "seeds": [run.config.seed + number for number in range(repeats)],
        "configuration_digest": run.config.decisive_digest,
        "data_digest": made["data_digest"],
        "events": overall["events"],
        "effective_events": overall["effective_events"],
        "auc": {name: overall["auc"][name] for name in ("value", "error")},
        "single": metrics["members"][ALL]["auc"] if "members" in metrics else None,
        "rejection": overall["rejection"],
        "training": {name: training.get(name) for name in _OF_TRAINING},
        "members": [str(member.path) for member in run.members] or [str(run.path)],
    }


def _difference(
    name: str, other: str, rows: dict[str, Any], runs: dict[str, Run], scores: dict[str, Scores]
) -> dict[str, Any]:
    """Row less other row: ensembles on the same events, and means over seeds."""
    mine, its = rows[name], rows[other]
    if mine["data_digest"] != its["data_digest"]:
        raise InputError(
            f"{mine['run']} and {its['run']}: made of different events (data digests {mine['data_digest']}, "
            f"{its['data_digest']}), so rows '{name}' and '{other}' cannot be compared; delete the older of the two "
            "folders and reproduce again"
        )
    settings = runs[name].config.evaluate
    try:
        found = compare_auc(scores[name], scores[other], settings.bootstrap_replicas, runs[name].config.seed)
    except ValueError as error:
        raise InputError(f"{mine['run']} and {its['run']}: {error}; evaluate both again") from error
    return {"row": other, "ensembles": found, "seeds": _of_seeds(mine["single"], its["single"])}


def _of_seeds(mine: dict[str, Any] | None, its: dict[str, Any] | None) -> dict[str, float] | None:
    """Difference of the mean AUC of single trainings; the error is that of seeds alone, on these test events."""
    if mine is None or its is None:
        return None
    error = math.hypot(mine["error"], its["error"])
    return {"difference": mine["mean"] - its["mean"], "error": error}


def standard_errors(against: dict[str, Any]) -> float:
    """Of the difference of single trainings, over errors of events and seeds together; of ensembles without seeds."""
    of_events, of_seeds = against["ensembles"], against["seeds"]
    difference = of_seeds["difference"] if of_seeds else of_events["difference"]
    error = math.hypot(of_events["error"], of_seeds["error"] if of_seeds else 0.0)
    return float(difference / error) if error > 0 else 0.0
