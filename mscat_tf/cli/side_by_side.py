"""Rows of studies trained side by side: each by an `mscat reproduce` of its own, on its share of the cores or GPUs.

A step of these networks keeps two cores busy for a part of its time only, so two trainings of one core each take less
time than the same two in turn (experiments/benchmarks/side_by_side.py). Where fewer rows are left than jobs, the others
help with their seeds.
"""

import os
import sys
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from mscat_tf.cli.console import Reporter
from mscat_tf.cli.launch import equal_shares, visible_gpus
from mscat_tf.cli.outcome import INTERRUPTED
from mscat_tf.cli.preparing import simulate_and_prepare
from mscat_tf.cli.processes import Slot, Task, run_in_turn
from mscat_tf.config import Config
from mscat_tf.config.study import Study
from mscat_tf.cores import usable_cores
from mscat_tf.run_folder import RUNS, Run, has_run, member_names, sample_path


class Work(NamedTuple):
    """A study, its configurations by row, and the rows that are asked for."""

    study: Study
    plan: Mapping[str, Config]
    asked: Collection[str]


_MSCAT = (sys.executable, "-m", "mscat_tf.cli.main")
MOST_JOBS = 8
"""Unless asked for more: each process needs a GiB of memory or so."""


def number_of_jobs(asked: int | None) -> int:
    """As many as asked for; or one for each GPU, or for each core up to `MOST_JOBS`."""
    return asked or len(visible_gpus(os.environ)) or min(len(usable_cores()), MOST_JOBS)


def slots(jobs: int, environ: Mapping[str, str]) -> list[Slot]:
    """Cores, threads and GPUs dealt among so many processes.

    Raises:
        ConfigError: the GPUs cannot be shared equally.
    """
    cores = usable_cores()
    environments = equal_shares(jobs, visible_gpus(environ), environ, "--jobs")
    return [Slot(environment, cores[index::jobs]) for index, environment in enumerate(environments)]


def train_side_by_side(work: Sequence[Work], scale: str, jobs: int, workers: int | None) -> None:
    """Train and evaluate the rows that are not trained yet; what stands on other rows' networks alone is left out.

    Simulation comes first, on all cores. Where there is one seed to train, it is left to the caller, who has all cores.

    Raises:
        SystemExit: a training failed; its last lines are shown. KeyboardInterrupt: this was interrupted.
    """
    tasks = tasks_of(work, scale)
    if (seats := sum(task.seats for task in tasks)) < 2:
        return
    shares, named = slots(min(jobs, seats), os.environ), {task.name for task in tasks}
    samples = {
        sample_path(config): config
        for study, plan, _ in work
        for row, config in plan.items()
        if config.name in named and study.rows[row].knows_row is None
    }
    for config in samples.values():
        simulate_and_prepare(config, workers)
    ended: list[Task] = []
    with Reporter("training side by side", len(tasks), "runs") as reporter:
        reporter.update(0)

        def done(task: Task) -> None:
            ended.append(task)
            reporter.update(len(ended), task.name)

        status = run_in_turn(tasks, shares, done)
    if status == INTERRUPTED:
        raise KeyboardInterrupt
    if status:
        sys.exit(status)


def tasks_of(work: Sequence[Work], scale: str) -> list[Task]:
    """A command for each run folder that is asked for and not finished, in the order of studies and rows.

    A row that knows another's score waits for the networks that give it, which are a task of their own, and for the
    first row that derives the same sample from it.
    """
    found: dict[str, tuple[int, Task]] = {}
    for study, plan, asked in work:
        derives: dict[Path, str] = {}
        for row, config in plan.items():
            settings = study.rows[row]
            if row not in asked or settings.trained_as or is_evaluated(config):
                continue
            after = {plan[settings.start_from_row].name} if settings.start_from_row else set()
            if settings.knows_row:
                known = plan[settings.knows_row].name
                folds = Task(f"{known}-cross-fit", [*_MSCAT, "cross-fit", str(RUNS / known)], {known})
                found[folds.name] = 0, folds
                after |= {folds.name, derives.setdefault(sample_path(config), config.name)}
            if config.train.repeats > found.get(config.name, (0,))[0]:
                command = [*_MSCAT, "reproduce", study.name, "--scale", scale, "--row", row]
                whole = [*command, "--train-only", "--jobs", "1", "--workers", "1"]
                helper, seats = [*command, "--free-seeds"], config.train.repeats
                found[config.name] = seats, Task(config.name, whole, after - {config.name}, helper, seats)
    return [task for _, task in found.values()]


def seeds_done(config: Config) -> tuple[int, int]:
    """How many of the seeds that are asked for are trained, and how many these are."""
    folder = RUNS / config.name
    members = [folder / name for name in member_names(config)] or [folder]
    return sum(has_run(member) and Run(member).finished for member in members), len(members)


def is_evaluated(config: Config) -> bool:
    """Whether all seeds are trained, and the run was evaluated."""
    done, wanted = seeds_done(config)
    return done == wanted and (RUNS / config.name / "metrics.json").is_file()
