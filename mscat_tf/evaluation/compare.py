"""Several runs on the same test events: paired differences and one ROC figure."""

from pathlib import Path
from typing import Any

from mscat_tf.config import EvaluationSettings
from mscat_tf.errors import InputError
from mscat_tf.evaluation.evaluate import compare_auc
from mscat_tf.evaluation.figures import draw_roc
from mscat_tf.evaluation.scores import read_scores
from mscat_tf.evaluation.style import COLOURS, new_axes, save
from mscat_tf.run_folder import Run
from mscat_tf.run_metrics import ALL


def compare_runs(runs: list[Run], settings: EvaluationSettings, seed: int, folder: Path) -> dict[str, Any]:
    """Differences of AUC of the first run to each other one, and `figures/roc.png`.

    Raises:
        InputError: a run is not evaluated yet, or was tested on other events.
    """
    scores = {run.config.model.name: read_scores(run.path / "scores.h5") for run in runs}
    figure, (axes,) = new_axes(size=(6.0, 4.6) if len(runs) <= len(COLOURS) else (10.5, 6.0))
    draw_roc(axes, scores, settings.min_effective_background)
    save(figure, folder / "figures", "roc")
    first, *others = scores
    try:
        differences = {
            name: compare_auc(scores[first], scores[name], settings.bootstrap_replicas, seed) for name in others
        }
    except ValueError as error:
        raise InputError(f"{', '.join(str(run.path) for run in runs)}: {error}; evaluate them on one sample") from error
    return {
        "runs": [str(run.path) for run in runs],
        "auc": {run.config.model.name: run.metrics[ALL]["auc"] for run in runs},
        "differences": differences,
    }
