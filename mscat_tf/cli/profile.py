"""`mscat train --profile`: a training that is measured, and the table that it ends with."""

import os
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from mscat_tf.cli.console import out, table
from mscat_tf.config import Config
from mscat_tf.errors import ConfigError
from mscat_tf.run_folder import Run


def train_profiled(config: Config, folder: Path, train_one: Callable[[Config, Path, Sequence[Any]], Run]) -> Run:
    """Train with one step for each call from Python, so that each can be measured, and print the profile.

    Args:
        config: resolved. folder: of the run. train_one: what trains it, given Keras callbacks.

    Raises:
        ConfigError: several repeats are asked for.
    """
    from mscat_tf.training.cluster import read_cluster
    from mscat_tf.training.profile import TrainingProfile

    if config.train.repeats > 1:
        raise ConfigError(f"train.repeats = {config.train.repeats}: --profile measures one; add --set train.repeats=1")
    config = config.updated(["train.steps_per_execution=1"])
    cluster = read_cluster(os.environ) if config.train.strategy == "multi_worker" else None
    if cluster and cluster.index:  # the first worker measures for all
        return train_one(config, folder, [])
    import_module("mscat_tf.training.run")  # else what it loads would count as memory of the training
    profile = TrainingProfile(folder, config.train, workers=len(cluster.workers) if cluster else 1)
    run = train_one(config, folder, [profile])
    print_profile(folder, profile.report)
    return run


def print_profile(folder: Path, report: dict[str, Any]) -> None:
    """Rates, shares and memory of the steps measured, the kinds of operations, and how to look at the trace.

    Args:
        folder: `runs/<name>`. report: what `profile.json` holds; nothing if no step was measured.
    """
    if not report:
        out.print(f"{folder}: no step was measured; a profile needs two steps to be trained now", soft_wrap=True)
        return
    title = f"{report['steps_measured']} steps of {report['batch_size']} events on {report['devices']} x "
    table(title + f"{report['device']}, {report['precision']}", ["", "measured", ""], [*_times(report), *_work(report)])
    if report["share_of_operations"]:
        rows = [[kind, f"{share:.1%}"] for kind, share in report["share_of_operations"].items()]
        table("time of all operations", ["kind", "share"], rows)
    out.print(f"the profile itself took {report['seconds_for_the_profile']:.1f} s, beside the steps", soft_wrap=True)
    if report["trace"]:
        slower = report["slowdown_while_tracing"]
        out.print(
            f"trace: {folder / report['trace']}, its steps {slower:.2f} times as long as the others; to look at it: "
            f"pip install xprof, then tensorboard --logdir {folder / 'tensorboard'}, tab Profile",
            soft_wrap=True,
        )


def _times(report: dict[str, Any]) -> list[list[str]]:
    promised = report["input_wait_promised"]
    verdict = f"promised: < {promised:.0%}" + ("" if report["input_wait_share"] < promised else ", MISSED")
    longest = f"longest {report['input_wait_ms_longest']:.1f} ms"
    return [
        ["events per second", f"{report['events_per_second']:.0f}", ""],
        ["one step", f"{1e3 * report['seconds_per_step']:.1f} ms", "median"],
        ["first step", f"{report['seconds_first_step']:.1f} s", "traces the graph"],
        ["waiting for input", f"{report['input_wait_share']:.2%}", verdict],
        ["", f"{report['input_wait_ms_per_step']:.2f} ms per step", longest],
        ["computing", f"{report['compute_share']:.2%}", ""],
        ["elsewhere", f"{report['elsewhere_share']:.2%}", "callbacks, learning rate"],
    ]


def _work(report: dict[str, Any]) -> list[list[str]]:
    memory, gib = report["memory"], 2**30
    rows = [["product of matrices", f"{report['matmul_peak'] / 1e9:.1f} GFLOP/s", "best of this machine"]]
    if report["flops_per_event"]:
        per_event = f"{report['flops_per_event'] / 1e6:.1f} MFLOP an event: 3 x forward"
        rows.append(["achieved", f"{report['flops_per_second'] / 1e9:.1f} GFLOP/s", per_event])
        rows.append(["share of it", f"{report['share_of_peak']:.1%}", ""])
    start = f"above {memory['baseline'] / gib:.2f} GiB at the start"
    rows.append(["peak memory", f"{memory['peak'] / gib:.2f} GiB", start])
    rows.append(["after the first step", f"{memory['after_first_step'] / gib:.2f} GiB", ""])
    if "gpu_peak" in memory:
        rows.append(["peak memory of a GPU", f"{memory['gpu_peak'] / gib:.2f} GiB", ""])
    return rows
