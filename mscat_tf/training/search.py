"""`mscat search`: hyper-parameters by keras-tuner; each trial is an ordinary training in a run folder of its own.

`runs/<name>-search/` holds `trial-0000/`, ..., the state of keras-tuner, `search.yaml`, and at the end `search.json`
and `best.yaml`. Trials are judged on the validation split; the test split is not looked at.
"""

from pathlib import Path
from typing import Any

import keras_tuner
from threadpoolctl import threadpool_limits

from mscat_tf.config import Config, load_config
from mscat_tf.config.search import SearchSettings
from mscat_tf.config.space import best_config, checked_space
from mscat_tf.data import Sample
from mscat_tf.errors import InputError, OutputError
from mscat_tf.evaluation.selection import expected_best
from mscat_tf.files import make_folder, write_json, write_text
from mscat_tf.lock import locked
from mscat_tf.run_folder import Run, sample_path
from mscat_tf.run_start import first_difference
from mscat_tf.training.specification import unserved
from mscat_tf.training.tuner import (
    BudgetUsed,
    TrainTrial,
    TrialTuner,
    decoded,
    failure,
    open_tuner,
    seconds_used,
    trial_folder,
)

BUDGET = ("trials", "hours")
"""Settings of a search that may be changed before it goes on."""


def search(config: Config, folder: Path, train_trial: TrainTrial) -> dict[str, Any]:
    """Search, or go on searching; what `search.json` holds.

    Args:
        config: resolved, with a section `search`. With `train.repeats` above 1 every trial is judged by the mean over
            the seeds. folder: `runs/<name>-search`. train_trial: trains one configuration, e.g.
            `mscat_tf.training.run.train`.

    Raises:
        ConfigError: the space does not fit the configuration. OutputError: the folder belongs to another search.
        InputError: the sample cannot serve the network, no trial could be trained, or the state is damaged.
    """
    settings = checked_space(config)
    with Sample(sample_path(config)) as sample:
        reason = unserved(config, sample)
    if reason is not None:
        raise InputError(reason)
    with locked(make_folder(folder), "this search"):
        return _search(config, settings, folder, train_trial)


def _search(config: Config, settings: SearchSettings, folder: Path, train_trial: TrainTrial) -> dict[str, Any]:
    _open(config, folder)
    tuner = open_tuner(config, settings, folder, train_trial)
    try:
        with threadpool_limits(1, user_api="blas"):  # for the small matrices of a Gaussian process more threads cost
            tuner.search(verbose=0)
        ended = "trials" if len(tuner.oracle.trials) >= settings.trials else "nothing left to try"
    except BudgetUsed:
        ended = "hours"
    except keras_tuner.errors.FatalError as error:
        raise error.__cause__ or error from None
    return _finish(config, settings, tuner, ended)


def _open(config: Config, folder: Path) -> None:
    """Note whose search this is; another one's folder is left alone, but the budget may change."""
    path = folder / "search.yaml"
    if path.is_file():
        before, now = _without_budget(load_config(path)), _without_budget(config)
        if before != now:
            was, is_now = first_difference(before, now)
            raise OutputError(
                f"{folder}: a search with other settings ({was}, now {is_now}); choose another `name`, or delete the "
                f"folder (only {' and '.join('search.' + name for name in BUDGET)} may change)"
            )
    write_text(path, config.to_yaml())


def _without_budget(config: Config) -> dict[str, Any]:
    values = config.model_dump(mode="json")
    values["search"] = {name: value for name, value in values["search"].items() if name not in BUDGET}
    return values


def _finish(config: Config, settings: SearchSettings, tuner: TrialTuner, ended: str) -> dict[str, Any]:
    """Write `search.json`, best trial first, and `best.yaml`."""
    trials = [_record(settings, tuner, trial) for trial in tuner.oracle.trials.values()]
    finished = [trial for trial in trials if trial["value"] is not None]
    failed = [trial for trial in trials if trial["value"] is None]
    if not finished:
        last = failed[-1]["reason"] if failed else "no time for one"
        raise InputError(f"{tuner.folder}: none of {len(failed)} trials could be trained; the last: {last}")
    finished.sort(key=lambda trial: trial["value"], reverse=settings.objective == "val_auc")
    result = {
        "objective": settings.objective,
        "algorithm": settings.algorithm,
        "seed": config.seed,
        "ended_by": ended,
        "seconds": seconds_used(tuner.folder),
        "best": finished[0]["trial"],
        "expected_best_of_equals": expected_best(len(finished)),
        "trials": [*finished, *failed],
    }
    best = best_config(config, finished[0]["values"])
    header = (
        f"# The best of {len(finished)} trials: {settings.objective} = {finished[0]['value']:.5g}, too good a figure, "
        "since it was chosen by it.\n"
        "# Epochs and all else are those of the search's own configuration.\n"
        f"# Command: mscat train {tuner.folder / 'best.yaml'}\n"
    )
    write_text(tuner.folder / "best.yaml", header + best.to_yaml())
    write_json(tuner.folder / "search.json", result)
    return result


def _record(settings: SearchSettings, tuner: TrialTuner, trial: keras_tuner.engine.trial.Trial) -> dict[str, Any]:
    folder = trial_folder(tuner.folder, trial)
    row: dict[str, Any] = {"trial": folder.name, "values": decoded(settings.space, trial.hyperparameters.values)}
    if trial.status != "COMPLETED":
        return {**row, "value": None, "reason": failure(folder) or "interrupted"}
    training = Run(folder).training
    kept = ("best_epoch", "epochs_trained", "parameters", "seconds")
    return {**row, "value": float(trial.score), **{name: training[name] for name in kept if name in training}}
