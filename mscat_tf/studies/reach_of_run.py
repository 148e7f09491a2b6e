"""Reach of a run from its stored scores, kept in its folder."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mscat_tf.config.preparation import source_digest
from mscat_tf.errors import InputError
from mscat_tf.evaluation.scores import VALIDATION_SCORES, Scores, read_scores
from mscat_tf.files import file_digest
from mscat_tf.reach.rates import sample_rates
from mscat_tf.reach.reach import Reach, reach_of_scores
from mscat_tf.reach.settings import ReachSettings
from mscat_tf.run_folder import Run

FOLDER, FILE = "reach", "reach.json"
VARIED = "reach_with_variations"
Variations = Mapping[str, Sequence[Run]]


def reach_of_run(run: Run, settings: ReachSettings, variations: Variations | None = None) -> Reach:
    """Computed and written to `reach/` of the run folder, with variations to `reach_with_variations/`.

    Args:
        run: evaluated. settings: of bins and uncertainties.
        variations: by uncertainty, runs in which the same network was evaluated on shifted events: up and, if known,
            down.

    Raises:
        InputError: as `reach_of_scores`, there are no scores yet, or a variation is of another network or the same
            events. MissingExtraError: pyhf is not installed.
    """
    run.need_finished()
    validation, test = (read_scores(run.path / name) for name in (VALIDATION_SCORES, "scores.h5"))
    variations = variations or {}
    shifted = {name: [_shifted(run, shift) for shift in shifts] for name, shifts in variations.items()}
    rates = sample_rates(run.sample, run.table.census)
    result = reach_of_scores(validation, test, rates, settings, variations=shifted)
    result.write(run.path / (VARIED if variations else FOLDER))
    return result


def _shifted(run: Run, shift: Run) -> Scores:
    digests = [str(each.origin["data_digest"]) for each in (run, shift)]
    if source_digest(digests[0]) != source_digest(digests[1]) or digests[0] == digests[1]:
        raise InputError(
            f"{shift.path}: its events (data digest {digests[1]}) are no variation of those of {run.path} "
            f"({digests[0]}); evaluate the same network on a sample derived with data.preparation (docs/reach.md)"
        )
    if _networks(shift) != _networks(run):
        raise InputError(f"{shift.path}: another network than that of {run.path}; a variation shifts the events alone")
    return read_scores(shift.path / "scores.h5")


def _networks(run: Run) -> list[str]:
    """Digest of every network of a run."""
    return [file_digest(each.model_file) for each in run.members or [run]]


def stored_reach(run: Run, settings: ReachSettings, variations: Variations | None = None) -> dict[str, Any]:
    """`reach.json` with these settings: what is there if it is newer than the scores, else computed."""
    variations = variations or {}
    path = run.path / (VARIED if variations else FOLDER) / FILE
    folders = [run.path, *(shift.path for shifts in variations.values() for shift in shifts)]
    if path.is_file() and path.stat().st_mtime >= max(map(_changed, folders)):
        found: dict[str, Any] = json.loads(path.read_text())
        same_names = found["uncertainties"]["shapes"] == sorted(variations)
        if found["settings"] == settings.model_dump(mode="json") and same_names:
            return found
    return reach_of_run(run, settings, variations).as_json()


def _changed(folder: Path) -> float:
    return max((folder / name).stat().st_mtime for name in (VALIDATION_SCORES, "scores.h5"))
