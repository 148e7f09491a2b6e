"""Reach of a run from its stored scores, kept in its folder."""

import json
from pathlib import Path
from typing import Any

from mscat_tf.evaluation.scores import VALIDATION_SCORES, read_scores
from mscat_tf.reach.rates import sample_rates
from mscat_tf.reach.reach import Reach, reach_of_scores
from mscat_tf.reach.settings import ReachSettings
from mscat_tf.run_folder import Run

FOLDER, FILE = "reach", "reach.json"


def reach_of_run(run: Run, settings: ReachSettings) -> Reach:
    """Computed and written to `reach/` of the run folder.

    Args:
        run: evaluated. settings: of bins and uncertainties.

    Raises:
        InputError: as `reach_of_scores`, and there are no scores yet. MissingExtraError: pyhf is not installed.
    """
    run.need_finished()
    validation, test = (read_scores(run.path / name) for name in (VALIDATION_SCORES, "scores.h5"))
    result = reach_of_scores(validation, test, sample_rates(run.sample, run.table.census), settings)
    result.write(run.path / FOLDER)
    return result


def stored_reach(run: Run, settings: ReachSettings) -> dict[str, Any]:
    """`reach.json` with these settings: what is there if it is newer than the scores, else computed."""
    path = run.path / FOLDER / FILE
    if path.is_file() and path.stat().st_mtime >= _changed(run.path):
        found: dict[str, Any] = json.loads(path.read_text())
        if found["settings"] == settings.model_dump(mode="json"):
            return found
    return reach_of_run(run, settings).as_json()


def _changed(folder: Path) -> float:
    return max((folder / name).stat().st_mtime for name in (VALIDATION_SCORES, "scores.h5"))
