"""`mscat evaluate`: score the test split of a run, write scores, metrics, tables and figures; validation scores too."""

import time
from dataclasses import replace
from typing import Any

from mscat_tf.config import EvaluationSettings
from mscat_tf.evaluation.evaluate import evaluate_scores, yields
from mscat_tf.evaluation.figures import draw_run
from mscat_tf.evaluation.members import members_spread
from mscat_tf.evaluation.scores import VALIDATION_SCORES, Scores, write_scores
from mscat_tf.evaluation.selection_study import FILE as SELECTION
from mscat_tf.evaluation.selection_study import selection_study
from mscat_tf.files import write_json
from mscat_tf.inference.scorer import score_of
from mscat_tf.models.ensemble import Ensemble, mixture_logit
from mscat_tf.physics.tokens import token_names
from mscat_tf.run_folder import Run


def evaluate(run: Run, settings: EvaluationSettings | None = None) -> dict[str, Any]:
    """Metrics of the test split, as written to `metrics.json`; `selection.json` beside it.

    Args:
        run: a finished run. settings: instead of those in its configuration.
    """
    settings = settings or run.need_finished().config.evaluate
    started = time.perf_counter()
    members = run.predictor.each(run.sample, run.table, "test") if isinstance(run.predictor, Ensemble) else None
    scores = _of_ensemble(run, *members) if members else score_split(run, "test")
    shuffled, validation = run.config.data.shuffle_labels, score_split(run, "validation")
    for name, split in (("scores.h5", scores), (VALIDATION_SCORES, validation)):
        write_scores(run.path / name, split, run.config.model_dump(mode="json"), run.config.seed)
    metrics = evaluate_scores(scores, settings, run.config.seed, shuffled, validation)
    if members:
        metrics["members"] = members_spread(scores, members[1], settings)
    metrics["yields"] = yields(run.table, settings.luminosity_fb)
    metrics["seconds"] = time.perf_counter() - started
    metrics["settings"] = settings.model_dump(mode="json")
    selection = None if shuffled else _selection(run, scores, validation, metrics["yields"], settings)
    draw_run(scores, metrics, run.config.model.name, run.path / "figures", selection, run.sample.configuration)
    write_json(run.path / "metrics.json", metrics)
    return metrics


def _selection(
    run: Run, scores: Scores, validation: Scores, expected: dict[str, Any], settings: EvaluationSettings
) -> dict[str, Any]:
    """What a cut on the score selects, written to `selection.json`."""
    header = run.sample.header
    tokens = header.token_names or token_names(header.jets)
    found = selection_study(scores, validation, expected, settings, run.config.seed, tokens)
    write_json(run.path / SELECTION, found)
    return found


def score_split(run: Run, split: str) -> Scores:
    """Logits and everything that goes with them for one split, in the sample's order."""
    return _scores(run, *run.predictor.logits(run.sample, run.table, split))


def _of_ensemble(run: Run, rows: Any, logits: Any) -> Scores:
    """Scores of the mean of the members `(members, n)`, which are kept beside it."""
    return replace(_scores(run, rows, mixture_logit(logits)), member_logits=logits.astype("f4"))


def _scores(run: Run, rows: Any, logit: Any) -> Scores:
    chosen = run.table.take(rows)
    return Scores(
        processes=chosen.processes,
        process_labels=chosen.process_labels,
        event_id=chosen.event_id,
        group_id=chosen.group_id,
        label=chosen.label,
        process=chosen.process,
        logit=logit,
        score=score_of(logit),
        weight=chosen.weight,
        weight_fb=chosen.weight_fb,
        kinematics=run.sample.column("kinematics")[rows],
    )
