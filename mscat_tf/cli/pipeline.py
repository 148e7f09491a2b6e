"""The main job: every stage in turn, each resumable, and one table at the end."""

import json
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from mscat_tf.cli import stages
from mscat_tf.cli.console import duration, out, table
from mscat_tf.cli.results import auc_text, backgrounds, markdown, print_metrics, rejection_text
from mscat_tf.config import Config
from mscat_tf.files import write_json, write_text
from mscat_tf.run_folder import RUNS, Run, sample_path

NETWORKS = ("mscat", "concatenation", "kinematics_only")
"""The network of the mission first; its explanation is drawn, and the others are compared with it."""


class Stopwatch:
    """Seconds of every stage; a stage that was done before keeps the seconds it took then."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.seconds: dict[str, float] = json.loads(path.read_text()) if path.is_file() else {}

    def time(self, name: str, work: Callable[[], Any], done: bool = False) -> Any:
        """Run `work`; note its seconds unless it was `done` before (a resumed stage counts from where it resumed)."""
        out.rule(f"[bold]{name}[/]", align="left")
        started = time.perf_counter()
        result = work()
        if not done or name not in self.seconds:
            self.seconds[name] = time.perf_counter() - started
            write_json(self.path, self.seconds)
        return result


def train_mirror(config: Config, workers: int | None = None) -> None:
    """Generate, train `NETWORKS` under the strategy, evaluate, compare, explain."""
    comparison = RUNS / f"{config.name}-comparison"
    watch = Stopwatch(comparison / "seconds.json")
    ready = (sample_path(config) / "sample.json").is_file()
    if config.data.path is None:
        watch.time("simulation", partial(stages.generate, config, workers), done=ready)
    figures = watch.time("sample figures", partial(_sample_figures, config))
    runs = [_trained(config_of(config, network), watch) for network in NETWORKS]
    for run in runs:
        ready = (run.path / "metrics.json").is_file()
        watch.time(f"evaluation {run.config.model.name}", partial(_evaluated, run, config), done=ready)
    watch.time("explanation", partial(_explained, runs[0], config), done=(runs[0].path / "gradcam.h5").is_file())
    figures += _compare(config, runs, watch, comparison)
    for run in runs:
        figures += sorted((run.path / "figures").glob("*.png"))
    out.rule("[bold]figures[/]", align="left")
    for path in figures:
        out.print(str(path), soft_wrap=True)


def _trained(config: Config, watch: Stopwatch) -> Run:
    folder = RUNS / config.name
    finished = (folder / "config.yaml").is_file() and Run(folder).finished
    run: Run = watch.time(f"training {config.model.name}", partial(stages.train, config), done=finished)
    return run


def redraw(config: Config) -> None:
    """Every figure again, from the files on disk."""
    figures = _sample_figures(config)
    runs = [Run(RUNS / config_of(config, network).name).need_finished() for network in NETWORKS]
    for run in runs:
        stages.evaluate(run, config)
    stages.explain(runs[0], config)
    comparison = RUNS / f"{config.name}-comparison"
    figures += _compare(config, runs, Stopwatch(comparison / "seconds.json"), comparison)
    for path in figures:
        out.print(str(path), soft_wrap=True)


def config_of(config: Config, network: str) -> Config:
    """The same settings for another network, in a run folder of its own."""
    return config.updated([f"model.name={network}", f"name={config.name}-{network}"])


def _sample_figures(config: Config) -> list[Path]:
    from mscat_tf.data import Sample, event_table
    from mscat_tf.evaluation.sample_figures import draw_sample

    with Sample(sample_path(config)) as sample:
        table_ = event_table(sample, config.data, config.seed)
        return draw_sample(sample, table_, sample_path(config) / "figures")


def _evaluated(run: Run, config: Config) -> None:
    """Evaluate, or show what an evaluation with the same settings found."""
    wanted = config.evaluate.model_dump(mode="json")
    if (run.path / "metrics.json").is_file() and run.metrics["settings"] == wanted:
        print_metrics(run, run.metrics)
    else:
        stages.evaluate(run, config)


def _explained(run: Run, config: Config) -> None:
    wanted = config.explain.model_dump(mode="json")
    done = run.path / "explanation.json"
    if done.is_file() and json.loads(done.read_text())["settings"] == wanted:
        out.print(f"{run.path}: already explained with these settings; nothing to do")
        return
    stages.explain(run, config)


def _compare(config: Config, runs: list[Run], watch: Stopwatch, folder: Path) -> list[Path]:
    from mscat_tf.evaluation.compare import compare_runs

    result = compare_runs(runs, config.evaluate, config.seed, folder)
    columns, rows = _rows(runs)
    out.rule("[bold]comparison[/]", align="left")
    table(f"{config.name}: signal against all backgrounds and each", columns, rows)
    differences = [
        f"AUC of {runs[0].config.model.name} - {name}: {d['difference']:+.4f} ± {d['error']:.4f} "
        f"({d['standard_errors']:+.1f} standard errors, paired bootstrap)"
        for name, d in result["differences"].items()
    ]
    for line in differences:
        out.print(line, soft_wrap=True)
    table("seconds per stage", ["stage", "time"], [[name, duration(s)] for name, s in watch.seconds.items()])
    out.print(f"total: {duration(sum(watch.seconds.values()))}")
    write_text(
        folder / "table.md", markdown(columns, rows) + "\n" + "\n".join(f"- {line}" for line in differences) + "\n"
    )
    write_json(folder / "comparison.json", {**result, "seconds": watch.seconds})
    return [folder / "figures" / "roc.png"]


def _rows(runs: list[Run]) -> tuple[list[str], list[list[str]]]:
    """One column per network, one row per figure of merit."""
    first = runs[0].metrics
    rows = [
        ["parameters", *(f"{run.training['parameters']}" for run in runs)],
        ["training", *(duration(run.training["seconds"]) for run in runs)],
        ["training events/s", *(f"{run.training['events_per_second']:.0f}" for run in runs)],
    ]
    for name in backgrounds(first):
        effective = first[name]["effective_events"]["background"]
        rows.append([f"AUC, {name} ({effective:.0f} effective)", *(auc_text(run.metrics[name]["auc"]) for run in runs)])
        for efficiency in first[name]["rejection"]:
            entries = [rejection_text(run.metrics[name]["rejection"][efficiency]) for run in runs]
            rows.append([f"1/eff_B at eff_S = {float(efficiency):.0%}, {name}", *entries])
    return ["test split", *(run.config.model.name for run in runs)], rows
