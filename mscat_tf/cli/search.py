"""`mscat search`: the trials as they come, and a table of the best."""

from pathlib import Path
from typing import Any

from mscat_tf.cli import stages
from mscat_tf.cli.console import duration, heading, out, table
from mscat_tf.config import Config
from mscat_tf.config.space import checked_space
from mscat_tf.run_folder import RUNS, Run

ROWS = 10


def dry(config: Config, asked: bool) -> bool:
    """Check the space, and print the resolved configuration if that was all that was asked for."""
    checked_space(config)
    return stages.dry(config, asked)


def search(config: Config) -> dict[str, Any]:
    """Search, or go on searching; print the best trials."""
    stages.start_tensorflow()
    stages.find("keras_tuner", "search")
    from mscat_tf.training.search import search as run_search

    folder = RUNS / f"{config.name}-search"
    result = run_search(config, folder, _trial)
    _print(result, folder)
    return result


def _trial(config: Config, folder: Path) -> Run:
    heading(folder.name)
    return stages.train_seeds(config, folder)


def _print(result: dict[str, Any], folder: Path) -> None:
    finished = [trial for trial in result["trials"] if trial["value"] is not None]
    names = list(finished[0]["values"])
    rows = [
        [
            trial["trial"],
            f"{trial['value']:.5f}",
            f"{trial['best_epoch']} of {trial['epochs_trained']}",
            duration(trial["seconds"]),
            *(_text(trial["values"][name]) for name in names),
        ]
        for trial in finished[:ROWS]
    ]
    title = f"{folder}: the best of {len(finished)} trials; ended by: {result['ended_by']}"
    table(title, ["trial", result["objective"], "best epoch", "time", *names], rows)
    for trial in result["trials"]:
        if trial["value"] is None:
            values = ", ".join(f"{name} = {_text(value)}" for name, value in trial["values"].items())
            out.print(f"{trial['trial']} failed ({values}): {trial['reason']}", soft_wrap=True)
    out.print(
        f"The {result['objective']} of the best is too good, since the trial was chosen by it: of {len(finished)} "
        f"equally good ones that differ by chance alone, the best lies {result['expected_best_of_equals']:.1f} "
        "standard deviations above their mean. Measure that deviation, and the gain, with other seeds and then on the "
        "test split:",
        soft_wrap=True,
    )
    seed = result["seed"] + 1
    out.print(f"mscat train {folder / 'best.yaml'} --set seed={seed} --set train.repeats=5", soft_wrap=True)


def _text(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
