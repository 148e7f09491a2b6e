"""`mscat reproduce`: train what a study asks for, as far as it is not there yet, measure, write page and figures."""

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

from mscat_tf.cli import stages
from mscat_tf.cli.console import heading, out, table
from mscat_tf.cli.cross_fit import cross_fit
from mscat_tf.cli.pipeline import evaluated_alike
from mscat_tf.cli.preparing import simulate_and_prepare
from mscat_tf.cli.side_by_side import Work, seeds_done, train_side_by_side
from mscat_tf.config import Config
from mscat_tf.config.base import unknown_key
from mscat_tf.config.study import Study, load_study, studies
from mscat_tf.errors import ConfigError
from mscat_tf.evaluation.scores import read_scores
from mscat_tf.evaluation.selection_study import FILE as SELECTION
from mscat_tf.files import write_json, write_text
from mscat_tf.run_folder import RUNS, Run, has_run, sample_path, source_path
from mscat_tf.schema import MANIFEST


def reproduce(
    names: list[str],
    scale: str,
    folder: Path,
    workers: int | None = None,
    dry_run: bool = False,
    only: Collection[str] | None = None,
    jobs: int = 1,
    train_only: bool = False,
) -> None:
    """Every study of these names, or all that ship: train, evaluate, measure, draw, and write `RESULTS.md` anew.

    Args:
        scale: `demo` or `paper`. folder: gets `results/<scale>/<study>.json`, figures beside it and `RESULTS.md`.
        workers: of the simulation. dry_run: show what is to be done only. only: rows that are simulated and trained,
            with those on which they stand; the others are measured if they are trained. None means all.
        jobs: trainings side by side. train_only: measure nothing; look at no row but those of `only`.

    Raises:
        ConfigError: there is no such study, scale or row.
    """
    work = _works(names, scale, only)
    for part in work:
        _show(part)
    if dry_run:
        return
    if jobs > 1:
        train_side_by_side(work, scale, jobs, workers)
    for part in work:
        heading(part.study.title)
        runs = _made(part, workers, train_only)
        if not runs:
            out.print(f"{part.study.name}: no row is trained yet", soft_wrap=True)
        elif not train_only:
            _measure(part.study, scale, runs, _acceptance(part.study, workers, only is None), folder)
    if not train_only:
        out.print(str(folder / "RESULTS.md"))


def train_free_seeds(names: list[str], scale: str, only: Collection[str] | None) -> None:
    """Beside the commands that train these rows: train what seeds nobody trains, and leave all else to them.

    Raises:
        ConfigError: there is no such study, scale or row.
    """
    for study, plan, asked in _works(names, scale, only):
        for row, config in plan.items():
            if row in asked and not study.rows[row].trained_as:
                stages.train_free_seeds(config)


def _works(names: list[str], scale: str, only: Collection[str] | None) -> list[Work]:
    return [_work(load_study(name), scale, only) for name in dict.fromkeys(names or studies())]


def _work(study: Study, scale: str, only: Collection[str] | None) -> Work:
    plan = study.configurations(scale)
    for row in only or ():
        if row not in plan:
            raise ConfigError(f"--row: {unknown_key(row, list(plan))}")
    return Work(study, plan, plan.keys() if only is None else _with_parents(study, only))


def _measure(study: Study, scale: str, runs: dict[str, Run], acceptance: dict[str, Any] | None, folder: Path) -> None:
    """Numbers and figures of a study, and the page with those of all."""
    from mscat_tf.studies.figures import draw_study
    from mscat_tf.studies.measured import measure

    found = {**measure(study, scale, runs), "acceptance": acceptance}
    file = _measured_file(folder, scale, study.name)
    write_json(file, found)
    draw_study(found, file.with_suffix(""))
    _write_page(folder)


def _show(work: Work) -> None:
    rows = [[row, config.name, _state(config)] for row, config in work.plan.items()]
    table(f"{work.study.name}: {work.study.title}", ["row", "run", "state"], rows)


def _state(config: Config) -> str:
    if not has_run(RUNS / config.name):
        return f"to do, {config.train.repeats} seed(s)"
    done, wanted = seeds_done(config)
    if done < wanted:
        return f"{done} of {wanted} seed(s)"
    return "evaluated" if (RUNS / config.name / "metrics.json").is_file() else "trained"


def _with_parents(study: Study, rows: Collection[str]) -> set[str]:
    """These rows, and those whose networks or weights they take."""
    found = set(rows)
    for name, row in reversed(study.rows.items()):  # parents stand above
        if name in found:
            found |= {parent for parent in (row.trained_as, row.start_from_row, row.knows_row) if parent}
    return found


def _made(work: Work, workers: int | None, leave_others: bool) -> dict[str, Run]:
    """By row: those asked for simulated, trained and evaluated as far as that is not done yet, others if trained.

    Args:
        leave_others: do not look at the others.
    """
    runs: dict[str, Run] = {}
    for row, config in work.plan.items():
        folder, settings, asked = RUNS / config.name, work.study.rows[row], row in work.asked
        if leave_others and not asked:
            continue
        if asked:
            if settings.knows_row is not None:
                cross_fit(runs[settings.knows_row])
            simulate_and_prepare(config, workers)
        parent = settings.trained_as
        if parent in runs and (asked or (sample_path(config) / MANIFEST).is_file()):
            runs[row] = _evaluated(_borrowed(runs[parent], config), config)
        elif not parent and asked:
            runs[row] = _evaluated(_trained(config), config)
        elif not parent and has_run(folder) and Run(folder).finished:
            runs[row] = _evaluated(Run(folder), config)
    return runs


def _trained(config: Config) -> Run:
    """With the seeds that are asked for, or with more if another study asked for more."""
    folder, wanted = RUNS / config.name, config.train.repeats
    there = Run(folder).config.train.repeats if has_run(folder) else 1
    return stages.train(config.updated([f"train.repeats={there}"]) if there > wanted > 1 else config)


def _borrowed(trained: Run, config: Config) -> Run:
    from mscat_tf.studies.borrowed import borrowed_run

    seeds = f"train.repeats={trained.config.train.repeats}"
    return borrowed_run(trained, config.updated([seeds]), RUNS / config.name)


def _acceptance(study: Study, workers: int | None, simulate: bool) -> dict[str, Any] | None:
    """Of the sample that the study wants simulated for it, if any."""
    from mscat_tf.studies.acceptance import acceptance

    config = study.acceptance_configuration()
    if config is None:
        return None
    if simulate:
        simulate_and_prepare(config, workers)
    return acceptance(source_path(config)) if (source_path(config) / MANIFEST).is_file() else None


def _evaluated(run: Run, config: Config) -> Run:
    """The run, evaluated again where a member or a setting has come since, or a file that older versions wrote not."""
    trainings = [trained.path / "training.json" for trained in run.members or [run]]
    newest = max(path.stat().st_mtime for path in trainings)
    done = evaluated_alike(run, config) and (run.path / "metrics.json").stat().st_mtime >= newest
    done &= config.data.shuffle_labels or (run.path / SELECTION).is_file()
    if not done or (run.repeated and read_scores(run.path / "scores.h5").member_logits is None):
        stages.evaluate(run, config)
    return run


def _measured_file(folder: Path, scale: str, study: str) -> Path:
    return folder / "results" / scale / f"{study}.json"


def _write_page(folder: Path) -> None:
    """From all JSON files that are there, in the order in which the studies ship."""
    from mscat_tf.studies.page import page

    order = studies()
    files = sorted((folder / "results").glob("*/*.json"), key=lambda path: (path.parent.name, path.stem))
    known = [path for path in files if path.stem in order]
    write_text(folder / "RESULTS.md", page([json.loads(path.read_text()) for path in known]))
