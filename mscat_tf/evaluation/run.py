"""`mscat evaluate`: score the test split of a run, write scores, metrics, tables and figures; validation scores too."""

import time
from typing import Any

from mscat_tf.config import EvaluationSettings
from mscat_tf.evaluation.evaluate import evaluate_scores, yields
from mscat_tf.evaluation.figures import draw_run
from mscat_tf.evaluation.members import members_spread
from mscat_tf.evaluation.scores import VALIDATION_SCORES, Scores, write_scores
from mscat_tf.files import write_json
from mscat_tf.inference.scorer import score_of
from mscat_tf.models.ensemble import Ensemble, mixture_logit
from mscat_tf.run_folder import Run


def evaluate(run: Run, settings: EvaluationSettings | None = None) -> dict[str, Any]:
    """Metrics of the test split, as written to `metrics.json`.

    Args:
        run: a finished run. settings: instead of those in its configuration.
    """
    settings = settings or run.need_finished().config.evaluate
    started = time.perf_counter()
    members = run.predictor.each(run.sample, run.table, "test") if isinstance(run.predictor, Ensemble) else None
    scores = _scores(run, members[0], mixture_logit(members[1])) if members else score_split(run, "test")
    shuffled, validation = run.config.data.shuffle_labels, score_split(run, "validation")
    for name, split in (("scores.h5", scores), (VALIDATION_SCORES, validation)):
        write_scores(run.path / name, split, run.config.model_dump(mode="json"), run.config.seed)
    metrics = evaluate_scores(scores, settings, run.config.seed, shuffled, validation)
    if members:
        metrics["members"] = members_spread(scores, members[1], settings)
    metrics["yields"] = yields(run.table, settings.luminosity_fb)
    metrics["seconds"] = time.perf_counter() - started
    metrics["settings"] = settings.model_dump(mode="json")
    draw_run(scores, metrics, run.config.model.name, run.path / "figures")
    write_json(run.path / "metrics.json", metrics)
    return metrics


def score_split(run: Run, split: str) -> Scores:
    """Logits and everything that goes with them for one split, in the sample's order."""
    return _scores(run, *run.predictor.logits(run.sample, run.table, split))


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
