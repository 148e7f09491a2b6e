"""What a study measured, from its run folders alone: every number with the run, seeds and digests that made it."""

import json
from typing import Any

from mscat_tf.config.preparation import source_digest
from mscat_tf.config.study import Study
from mscat_tf.errors import InputError, MissingExtraError
from mscat_tf.evaluation.scores import read_scores
from mscat_tf.provenance import environment
from mscat_tf.reach import ReachSettings
from mscat_tf.run_folder import Run
from mscat_tf.run_metrics import ALL
from mscat_tf.studies.differences import (
    Resampled,
    adjust,
    difference,
    events_in_common,
    resampled,
    resampled_together,
    same_events,
)
from mscat_tf.studies.further import measure_further
from mscat_tf.studies.reach_of_run import Variations, stored_reach

_OF_TRAINING = ("parameters", "flops_per_event", "seconds", "seconds_per_epoch", "events_per_second", "best_epoch")
_OF_REACH = ("significance", "limit_fb", "discovery_fb")
NO_REACH = {"missing": "the study asks for none"}
CURVES_UP_TO = 12
"""Rows with which ROC curves can still be told apart in one figure; their points are stored in no larger study."""


def measure(study: Study, scale: str, runs: dict[str, Run]) -> dict[str, Any]:
    """All numbers of a study, as written to JSON.

    Args:
        runs: by row; trained and evaluated. Rows without a run are listed as missing.

    Raises:
        InputError: a run is not evaluated, or rows that are compared saw different events.
    """
    rows, auc = {}, {}
    for name, run in runs.items():
        rows[name] = {**_row(run), **_place(study, name, run), "reach": _reach(run) if study.reach else NO_REACH}
        if len(study.rows) > CURVES_UP_TO:
            rows[name]["roc"] = None
        rows[name]["reach_with_variations"] = _varied_reach(study, name, runs)
        settings = run.config.evaluate
        auc[name] = resampled(read_scores(run.path / "scores.h5"), settings.bootstrap_replicas, run.config.seed)
    for name in rows:
        other = study.compared_with(name)
        if other is None or other not in rows:
            rows[name]["against"] = None
            continue
        same_networks = len({study.rows[row].trained_as or row for row in (name, other)}) == 1
        rows[name]["against"] = _difference((name, other), same_networks, rows, runs, auc)
    adjust([row["against"] for row in rows.values() if row["against"]])
    return {
        "study": study.name,
        "title": study.title,
        "question": study.question,
        "scale": scale,
        "seeds_wanted": study.scales[scale].seeds,
        "reference": study.reference,
        "x_axis": study.x_axis.model_dump() if study.x_axis else None,
        "quoted": study.quoted.model_dump(mode="json") if study.quoted else None,
        "made_with": environment(),
        "further": measure_further(study, runs, rows),
        "rows": rows,
        "missing": [name for name in study.configurations(scale) if name not in rows],
    }


def _place(study: Study, name: str, run: Run) -> dict[str, Any]:
    """Where the row stands in the figure of a study with an axis."""
    row, axis = study.rows[name], study.x_axis
    x = row.x
    if x is None and axis is not None and axis.measured:
        x = float(sum(process["events"] for process in run.training["splits"]["train"].values()))
    return {"x": x, "series": row.series, "trained_as": row.trained_as}


def _row(run: Run) -> dict[str, Any]:
    metrics, training, made = run.need_finished().metrics, run.training, run.origin
    overall, members = metrics[ALL], metrics.get("members", {}).get(ALL)
    return {
        "run": str(run.path),
        "network": run.config.model.name,
        "seeds": [run.config.seed + number for number in range(run.config.train.repeats)],
        "configuration_digest": run.config.decisive_digest,
        "data_digest": made["data_digest"],
        "events": overall["events"],
        "effective_events": overall["effective_events"],
        "auc": {name: overall["auc"][name] for name in ("value", "error")},
        "single": members["auc"] if members else None,
        "rejection": overall["rejection"],
        "roc": {name: [_rounded(x) for x in column] for name, column in overall["roc"].items()},
        "calibration": _calibration(metrics["calibration"]),
        "training": {name: training.get(name) for name in _OF_TRAINING},
        "memory": _memory(run),
        "members": [str(member.path) for member in run.members] or [str(run.path)],
    }


def _calibration(found: dict[str, Any] | None) -> dict[str, Any] | None:
    """Expected calibration error before and after the temperature, each with what a calibrated score would show."""
    if found is None:
        return None
    names = ("expected_calibration_error", "expected_if_calibrated")
    scaled, temperature = found.get("scaled"), found["temperature"]
    return {
        "before": {name: found[name] for name in names},
        "after": {name: scaled[name] for name in names} if scaled else None,
        "temperature": {name: temperature[name] for name in ("value", "error")} if temperature else None,
    }


def _varied_reach(study: Study, name: str, runs: dict[str, Run]) -> dict[str, Any] | None:
    """With those variations of the row as uncertainties of the fit whose runs are there; None if none is."""
    found = {
        uncertainty: [runs[shift] for shift in shifts if shift in runs]
        for uncertainty, shifts in study.variations_of(name).items()
    }
    variations = {uncertainty: shifts for uncertainty, shifts in found.items() if shifts}
    return {"uncertainties": list(variations), **_reach(runs[name], variations)} if variations else None


def _reach(run: Run, variations: Variations | None = None) -> dict[str, Any]:
    """Of the run's ensemble, at the luminosity of its evaluation; without pyhf or enough events the reason instead."""
    settings = ReachSettings(luminosity_fb=run.config.evaluate.luminosity_fb)
    try:
        found = stored_reach(run, settings, variations)
    except (MissingExtraError, InputError) as error:
        return {"missing": str(error)}
    endless = found["endless_simulation"]
    return {
        "luminosity_fb": found["settings"]["luminosity_fb"],
        "signal_fb": found["signal_fb"],
        **{name: _rounded(found[name]) for name in (*_OF_REACH, "significance_known_background")},
        "endless_simulation": {name: _rounded(endless[name]) for name in _OF_REACH},
        "expected_events": {name: _rounded(process["expected"]) for name, process in found["processes"].items()},
    }


def _rounded(value: Any) -> Any:
    """Six digits of what a fit found, whose last ones differ from one time to the next."""
    if isinstance(value, dict):
        return {name: _rounded(entry) for name, entry in value.items()}
    return float(f"{value:.6g}")


def _memory(run: Run) -> dict[str, Any] | None:
    """That of the first training that was profiled (`mscat train --profile`), if any was [bytes]."""
    for folder in (member.path for member in run.members or [run]):
        if (folder / "profile.json").is_file():
            return dict(json.loads((folder / "profile.json").read_text())["memory"])
    return None


def _difference(
    names: tuple[str, str], same_networks: bool, rows: dict[str, Any], runs: dict[str, Run], auc: dict[str, Resampled]
) -> dict[str, Any]:
    """First row less second; both may read samples that were derived from one, whose events are the same.

    The same networks may be tested on any two samples: what differs then is the events.
    """
    mine, its = (rows[name] for name in names)
    sources = [source_digest(row["data_digest"]) for row in (mine, its)]
    if sources[0] != sources[1] and not same_networks:
        raise InputError(
            f"{mine['run']} and {its['run']}: made of different events (data digests {mine['data_digest']}, "
            f"{its['data_digest']}), so rows '{names[0]}' and '{names[1]}' cannot be compared; delete the older of the "
            "two folders and reproduce again"
        )
    first, second = (auc[name] for name in names)
    common = events_in_common(first.scores, second.scores)
    if not common and not same_networks:
        raise InputError(
            f"{mine['run']} and {its['run']}: the runs were tested on different events; evaluate both again, or "
            f"compare row '{names[0]}' with another one"
        )
    if not same_events(first.scores, second.scores):
        config = runs[names[0]].config
        replicas = config.evaluate.bootstrap_replicas
        first, second = resampled_together(first.scores, second.scores, replicas, config.seed)
    return {"row": names[1], "events_in_common": common, **difference(first, second, same_networks)}
