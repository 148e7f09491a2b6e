"""What a study may measure of its rows besides how well they separate: learning, worth of streams, cost.

`measure_further` takes it from run folders; `further_lines.py` writes it. Differences are tested as those of the AUC
are, and p adjusted by Holm among those of a kind.
"""

import csv
from typing import Any

import numpy as np

from mscat_tf.config.networks.boosted_trees import BOOSTED_TREES
from mscat_tf.config.study import Study
from mscat_tf.evaluation.members import members_accuracy, members_spread
from mscat_tf.evaluation.scores import read_scores
from mscat_tf.run_folder import Run
from mscat_tf.run_metrics import ALL
from mscat_tf.studies.differences import adjust
from mscat_tf.studies.selected import measure_selected
from mscat_tf.studies.significance import Part, significance

Found = dict[str, Any]

SUBSTRUCTURE = "all jets"
_COST = ("parameters", "flops_per_event", "activation_bytes_per_event", "seconds_per_epoch", "events_per_second")


def measure_further(study: Study, runs: dict[str, Run], rows: Found) -> Found:
    """By kind what `study.further` asks for.

    Args:
        runs: by row, finished. rows: what was measured of them, with their differences.
    """
    found: Found = {}
    if "learning" in study.further:
        found["learning"] = _learning(study, runs)
        found["fewer_events"] = _fewer_events(study, runs, rows)
    if "importance" in study.further:
        found["importance"] = _importance(study, runs)
    if "cost" in study.further:
        found["cost"] = _costs(runs)
    if "working_points" in study.further:
        found["working_points"] = {name: _working_points(run) for name, run in runs.items()}
    if "selection" in study.further:
        found["selection"] = measure_selected(study, runs)
    return found


def _single(run: Run) -> list[Run]:
    return run.members or [run]


def _tested(row: str, difference: float, parts: list[Part]) -> Found:
    test = significance(difference, parts)
    return {"row": row, "difference": difference, "error": test.error, "p_value": test.p_value}


# Learning


def _learning(study: Study, runs: dict[str, Run]) -> Found:
    """Epochs and steps until the validation AUC is what the worst row of the same series has at its best.

    Rows with other events are other series. Trees have no epochs, borrowed networks no history: they are left out.
    """
    curves = {
        name: [validation_curve(member) for member in _single(run)]
        for name, run in runs.items()
        if run.config.model.name != BOOSTED_TREES and study.rows[name].trained_as is None
    }
    best = {name: float(np.mean([max(auc) for _, auc in members])) for name, members in curves.items()}
    rows: Found = {}
    for name, members in curves.items():
        series = study.rows[name].series
        target = min(best[other] for other in curves if study.rows[other].series == series)
        epochs = [epochs_until(auc, target) for _, auc in members]
        rows[name] = {
            "series": series,
            "target": target,
            "best": best[name],
            "epochs": epochs,
            "steps": [None if e is None else e * steps for e, (steps, _) in zip(epochs, members, strict=True)],
        }
    for name, row in rows.items():
        other = study.compared_with(name) or ""
        row["against"] = _epochs_less(row, other, rows.get(other))
    adjust([row["against"] for row in rows.values() if row["against"]])
    return rows


def validation_curve(run: Run) -> tuple[float, list[float]]:
    """Steps of an epoch, and the validation AUC after each, of one training."""
    with open(run.path / "history.csv", newline="") as file:
        auc = [float(row["val_auc"]) for row in csv.DictReader(file)]
    return run.training["steps_trained"] / run.training["epochs_trained"], auc


def epochs_until(auc: list[float], target: float) -> float | None:
    """Epochs until a curve that begins at 0.5 first reaches `target`, by straight lines; None if it never does.

    >>> epochs_until([0.7, 0.8, 0.75], 0.75)
    1.5
    """
    before = 0.5
    for epoch, value in enumerate(auc):
        if value >= target:
            return epoch if value == before else epoch + (target - before) / (value - before)
        before = value
    return None


def _epochs_less(row: Found, name: str, other: Found | None) -> Found | None:
    """None where the other row has another target, or fewer than two seeds of either came to it."""
    if other is None or other["series"] != row["series"]:
        return None
    sides = [np.array([value for value in each["epochs"] if value is not None]) for each in (row, other)]
    if min(map(len, sides)) < 2:
        return None
    parts = [Part(float(np.std(side, ddof=1) / np.sqrt(len(side))), len(side) - 1) for side in sides]
    return _tested(name, float(np.mean(sides[0]) - np.mean(sides[1])), parts)


def _fewer_events(study: Study, runs: dict[str, Run], rows: Found) -> Found:
    """Rows with a limited training split whose difference has a counterpart with all events: by how much it differs."""
    by_digest = {run.config.decisive_digest: name for name, run in runs.items()}
    found: Found = {}
    for name, run in runs.items():
        few = rows[name]["against"]
        if few is None or run.config.data.train_events is None:
            continue
        unlimited = run.config.updated(["data.train_events=null"])
        all_ = by_digest.get(unlimited.decisive_digest)
        many = rows[all_]["against"] if all_ else None
        if many is not None:
            parts = [Part(each["error"], each["degrees_of_freedom"] or np.inf) for each in (few, many)]
            found[name] = {
                **_tested(str(all_), few["difference"] - many["difference"], parts),
                "few": few["difference"],
                "many": many["difference"],
            }
    adjust(list(found.values()))
    return found


# Worth of streams


def _importance(study: Study, runs: dict[str, Run]) -> Found:
    """AUC that is lost without each stream, mean over the single trainings; trees are left out."""
    from mscat_tf.interpretation.stream_importance import stream_importance

    rows: Found = {}
    for name, run in runs.items():
        if run.config.model.name != BOOSTED_TREES:
            members = [stream_importance(member) for member in _single(run)]
            rows[name] = {
                "auc": float(np.mean([member["auc"] for member in members])),
                "streams": {
                    stream: _over_members([member["streams"][stream] for member in members])
                    for stream in members[0]["streams"]
                },
            }
    for name, row in rows.items():
        other = study.compared_with(name) or ""
        row["against"] = _worth_less(row, other, rows.get(other))
    adjust([row["against"] for row in rows.values() if row["against"]])
    return rows


def _over_members(found: list[dict[str, float]]) -> Found:
    """Mean, its error by the events, which the members share, and by the seeds; None of one training."""
    lost = [entry["lost"] for entry in found]
    seeds = float(np.std(lost, ddof=1) / np.sqrt(len(lost))) if len(lost) > 1 else None
    events = float(np.mean([entry["error"] for entry in found]))
    return {"lost": float(np.mean(lost)), "events_error": events, "seeds_error": seeds, "values": lost}


def _worth_less(row: Found, name: str, other: Found | None) -> Found | None:
    """Of the substructure. Both rows saw the same events: taking their errors as independent errs on the safe side."""
    sides = [each["streams"][SUBSTRUCTURE] for each in (row, other) if each and SUBSTRUCTURE in each["streams"]]
    if len(sides) < 2:
        return None
    parts = [Part(side["events_error"]) for side in sides]
    parts += [Part(side["seeds_error"], len(side["values"]) - 1) for side in sides if side["seeds_error"]]
    return _tested(name, sides[0]["lost"] - sides[1]["lost"], parts)


# Cost


def _costs(runs: dict[str, Run]) -> Found:
    """Of one training of each row: counted per event, as it was timed, and timed now side by side."""
    from mscat_tf.studies.inference_time import EVENTS, inference_seconds

    single = {name: _single(run)[0] for name, run in runs.items()}
    networks = {name: run for name, run in single.items() if run.config.model.name != BOOSTED_TREES}
    seconds = inference_seconds(networks)
    return {
        name: {
            **{key: run.training.get(key) for key in _COST},
            "batch_size": run.config.train.batch_size,
            "inference": {"events": EVENTS, "seconds": seconds[name]} if name in seconds else None,
        }
        for name, run in single.items()
    }


# Working points


def _working_points(run: Run) -> Found:
    """Accuracy and rejections of single trainings, and their spread; None of one training."""
    scores = read_scores(run.path / "scores.h5")
    logits, settings = scores.member_logits, run.config.evaluate
    return {
        "accuracy": {
            "ensemble": run.metrics["accuracy"],
            "single": None if logits is None else members_accuracy(scores, logits),
        },
        "rejection": None if logits is None else members_spread(scores, logits, settings)[ALL]["rejection"],
    }
