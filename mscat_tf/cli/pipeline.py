"""Several networks on one sample: every stage in turn, each resumable, and one table at the end."""

import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from mscat_tf.cli import stages
from mscat_tf.cli.console import duration, heading, out, table
from mscat_tf.cli.preparing import prepare
from mscat_tf.cli.report import report
from mscat_tf.cli.results import networks_as_columns, networks_as_rows, print_metrics
from mscat_tf.config import Config
from mscat_tf.config.networks.boosted_trees import BOOSTED_TREES
from mscat_tf.errors import InputError, MissingExtraError
from mscat_tf.evaluation.markdown import table_lines
from mscat_tf.explanation import GRAD_CAM_FILE, NUMBERS_FILE
from mscat_tf.files import read_json, write_json, write_text
from mscat_tf.run_folder import RUNS, Run, sample_path, source_path

Layout = Callable[[list[Run]], tuple[list[str], list[list[str]]]]

NETWORKS = ("mscat", "concatenation", "kinematics_only")
"""The network of the mission first; its explanation is drawn, and the others are compared with it."""


class Stopwatch:
    """Seconds of every stage; a stage that was done before keeps the seconds it took then."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.seconds: dict[str, float] = read_json(path) if path.is_file() else {}

    def time(self, name: str, work: Callable[[], Any], done: bool = False) -> Any:
        """Run `work`; note its seconds unless it was `done` before (a resumed stage counts from where it resumed)."""
        heading(name)
        started = time.perf_counter()
        result = work()
        if not done or name not in self.seconds:
            self.seconds[name] = time.perf_counter() - started
            write_json(self.path, self.seconds)
        return result


def train_mirror(config: Config, workers: int | None = None) -> None:
    """Generate, train `NETWORKS` under the strategy, evaluate, compare, explain, write the report."""
    watch = _stopwatch(config)
    _simulated(config, watch, workers)
    figures = watch.time("sample figures", partial(_sample_figures, config))
    runs = _trained_and_evaluated(config, NETWORKS, watch)
    first = _with_layers(runs[0])
    watch.time("explanation", partial(_explained, first, config), done=(first.path / GRAD_CAM_FILE).is_file())
    figures += _compared(config, runs, watch, networks_as_columns)
    _list_figures(figures, runs)
    _reported([first, *runs[1:]])


def compare(config: Config, networks: Sequence[str] = (), workers: int | None = None) -> None:
    """Train, evaluate and compare networks on one sample, made first where it is missing.

    Args:
        networks: names; none means all that exist. One that the sample cannot serve is named and left out.

    Raises:
        InputError: none of them can be served. ConfigError: no network has one of the names.
    """
    stages.start_tensorflow()
    from mscat_tf.data import Sample
    from mscat_tf.models.registry import MODELS, check_name
    from mscat_tf.training.specification import unserved

    wanted = tuple(dict.fromkeys(networks)) or (*MODELS, BOOSTED_TREES)
    for name in wanted:
        check_name(name)
    watch = _stopwatch(config)
    _simulated(config, watch, workers)
    with Sample(sample_path(config)) as sample:
        reasons = {name: unserved(config_of(config, name), sample) for name in wanted}
    skipped = {name: reason for name, reason in reasons.items() if reason is not None}
    for name, reason in skipped.items():
        out.print(f"{name} is left out: {reason}", soft_wrap=True)
    if len(skipped) == len(wanted):
        raise InputError(next(iter(skipped.values())))
    runs = _trained_and_evaluated(config, [name for name in wanted if name not in skipped], watch)
    _list_figures(_compared(config, runs, watch, networks_as_rows, skipped), runs)


def _stopwatch(config: Config) -> Stopwatch:
    return Stopwatch(_comparison(config) / "seconds.json")


def _comparison(config: Config) -> Path:
    return RUNS / f"{config.name}-comparison"


def _simulated(config: Config, watch: Stopwatch, workers: int | None) -> None:
    ready = (source_path(config) / "sample.json").is_file()
    if config.data.path is None:
        watch.time("simulation", partial(stages.generate, config, workers), done=ready)
    if config.data.preparation.departs:
        ready = (sample_path(config) / "sample.json").is_file()
        watch.time("preparation", partial(prepare, config, workers), done=ready)


def _trained_and_evaluated(config: Config, networks: Sequence[str], watch: Stopwatch) -> list[Run]:
    runs = [_trained(config_of(config, network), watch) for network in networks]
    for run in runs:
        ready = (run.path / "metrics.json").is_file()
        watch.time(f"evaluation {run.config.model.name}", partial(_evaluated, run, config), done=ready)
    return runs


def _list_figures(figures: list[Path], runs: list[Run]) -> None:
    for run in runs:
        figures += sorted((run.path / "figures").glob("*.png"))
    heading("figures")
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
    stages.explain(_with_layers(runs[0]), config)
    figures += _compared(config, runs, _stopwatch(config), networks_as_columns)
    for path in figures:
        out.print(str(path), soft_wrap=True)


def _with_layers(run: Run) -> Run:
    """The run, or of an ensemble its first member, which stands for the others where layers are looked at."""
    return run.members[0] if run.repeated else run


def config_of(config: Config, network: str) -> Config:
    """The same settings for another network, in a run folder of its own."""
    return config.replaced({"model.name": network, "name": f"{config.name}-{network}"}, config.name)


def _sample_figures(config: Config) -> list[Path]:
    from mscat_tf.data import Sample, event_table
    from mscat_tf.evaluation.sample_figures import draw_sample

    with Sample(sample_path(config)) as sample:
        table_ = event_table(sample, config.data, config.seed)
        return draw_sample(sample, table_, sample_path(config) / "figures")


def _evaluated(run: Run, config: Config) -> None:
    """Evaluate, or show what an evaluation with the same settings found."""
    if evaluated_alike(run, config):
        print_metrics(run, run.metrics)
    else:
        stages.evaluate(run, config)


def evaluated_alike(run: Run, config: Config) -> bool:
    """Whether there is an evaluation with the settings of this configuration."""
    wanted = config.evaluate.model_dump(mode="json")
    return (run.path / "metrics.json").is_file() and bool(run.metrics["settings"] == wanted)


def _explained(run: Run, config: Config) -> None:
    wanted = config.explain.model_dump(mode="json")
    done = run.path / NUMBERS_FILE
    if done.is_file() and read_json(done)["settings"] == wanted:
        out.print(f"{run.path}: already explained with these settings; nothing to do")
        return
    stages.explain(run, config)


def _reported(runs: list[Run]) -> None:
    """The page about the runs, beside the first; without plotly only a word that there is none."""
    try:
        report([run.path for run in runs])
    except MissingExtraError as error:
        out.print(f"no report: {error}", soft_wrap=True)


def _compared(
    config: Config, runs: list[Run], watch: Stopwatch, layout: Layout, skipped: dict[str, str] | None = None
) -> list[Path]:
    """The table on the terminal, in `table.md` and `comparison.json`, and the ROC figure."""
    from mscat_tf.evaluation.compare import compare_runs

    folder, skipped = _comparison(config), skipped or {}
    result = compare_runs(runs, config.evaluate, config.seed, folder)
    columns, rows = layout(runs)
    heading("comparison")
    table(f"{config.name}: test split, signal against all backgrounds and each", columns, rows)
    remarks = [
        f"AUC of {runs[0].config.model.name} - {name}: {d['difference']:+.4f} ± {d['error']:.4f} "
        f"({d['standard_errors']:+.1f} standard errors, paired bootstrap)"
        for name, d in result["differences"].items()
    ]
    remarks += [f"{name} is left out: {reason}" for name, reason in skipped.items()]
    for line in remarks:
        out.print(line, soft_wrap=True)
    table("seconds per stage", ["stage", "time"], [[name, duration(s)] for name, s in watch.seconds.items()])
    out.print(f"total: {duration(sum(watch.seconds.values()))}")
    lines = [*table_lines(columns, rows), "", *(f"- {line}" for line in remarks)]
    write_text(folder / "table.md", "\n".join(lines) + "\n")
    written = {"table": [dict(zip(columns, row, strict=True)) for row in rows], "skipped": skipped}
    write_json(folder / "comparison.json", {**result, **written, "seconds": watch.seconds})
    return [folder / "figures" / "roc.png"]
