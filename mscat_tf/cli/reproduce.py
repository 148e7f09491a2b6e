"""`mscat reproduce`: train what a study asks for, as far as it is not there yet, measure, write page and figures."""

import json
from pathlib import Path

from mscat_tf.cli import stages
from mscat_tf.cli.console import out, table
from mscat_tf.cli.pipeline import evaluated_alike
from mscat_tf.config import Config
from mscat_tf.config.study import Study, load_study, studies
from mscat_tf.files import write_json, write_text
from mscat_tf.run_folder import RUNS, Run, has_run, member_names, sample_path


def reproduce(names: list[str], scale: str, folder: Path, workers: int | None = None, dry_run: bool = False) -> None:
    """Every study of these names, or all that ship: train, evaluate, measure, and write `RESULTS.md` anew.

    Args:
        scale: `demo` or `paper`. folder: gets `results/<scale>/<study>.json` and `RESULTS.md`. workers: of the
            simulation.
    """
    wanted = [load_study(name) for name in dict.fromkeys(names or studies())]
    plans = [study.configurations(scale) for study in wanted]
    for study, plan in zip(wanted, plans, strict=True):
        _show(study, plan)
    if dry_run:
        return
    from mscat_tf.studies.measured import measure

    for study, plan in zip(wanted, plans, strict=True):
        out.rule(f"[bold]{study.title}[/]", align="left")
        runs = {row: _made(config, workers) for row, config in plan.items()}
        write_json(_measured_file(folder, scale, study.name), measure(study, scale, runs))
        _write_page(folder)
    out.print(str(folder / "RESULTS.md"))


def _show(study: Study, plan: dict[str, Config]) -> None:
    rows = [[row, config.name, _state(config)] for row, config in plan.items()]
    table(f"{study.name}: {study.title}", ["row", "run", "state"], rows)


def _state(config: Config) -> str:
    folder = RUNS / config.name
    if not has_run(folder):
        return f"to do, {config.train.repeats} seed(s)"
    members = [folder / name for name in member_names(config)] or [folder]
    done = sum(has_run(member) and Run(member).finished for member in members)
    if done < len(members):
        return f"{done} of {len(members)} seed(s)"
    return "evaluated" if (folder / "metrics.json").is_file() else "trained"


def _made(config: Config, workers: int | None) -> Run:
    """The run, simulated, trained and evaluated as far as that is not done yet."""
    if config.data.path is None and not (sample_path(config) / "sample.json").is_file():
        stages.generate(config, workers)
    run = stages.train(config)
    newest = max(path.stat().st_mtime for path in run.path.rglob("training.json"))
    if not evaluated_alike(run, config) or (run.path / "metrics.json").stat().st_mtime < newest:
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
