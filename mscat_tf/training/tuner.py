"""keras-tuner on our trainings: it proposes values and remembers what came of them, `train_trial` does the rest."""

import logging
import math
import time
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import keras_tuner
import tensorflow as tf

from mscat_tf.config import Config
from mscat_tf.config.search import Dimension, Range, SearchSettings
from mscat_tf.config.space import trial_config
from mscat_tf.errors import ConfigError, DivergedError, InputError
from mscat_tf.files import read_json, write_json
from mscat_tf.run_folder import Run

log = logging.getLogger(__name__)

STATE = "keras-tuner"
TrainTrial = Callable[[Config, Path], Run]
FAILURES = (ConfigError, DivergedError, tf.errors.ResourceExhaustedError)
"""What makes one trial fail and lets the search go on: impossible together, diverged, too large for the device."""
_MEASURED = {"val_loss": "best_validation_loss", "val_auc": "best_validation_auc"}


class BudgetUsed(Exception):
    """The hours are used up: no further trial is begun."""


def hyperparameters(space: Mapping[str, Dimension]) -> keras_tuner.HyperParameters:
    """The space in keras-tuner's terms; of a list the place is searched, so that its values may be of any kind."""
    found = keras_tuner.HyperParameters()
    for name, dimension in space.items():
        if isinstance(dimension, Range):
            kind = found.Int if dimension.whole else found.Float
            sampling = "log" if dimension.log else "linear"
            kind(name, dimension.min, dimension.max, step=dimension.step, sampling=sampling)
        else:
            found.Choice(name, list(range(len(dimension))))
    return found


def decoded(space: Mapping[str, Dimension], values: Mapping[str, Any]) -> dict[str, Any]:
    """Settings by dotted name from what keras-tuner proposes."""
    found: dict[str, Any] = {}
    for name, dimension in space.items():
        if isinstance(dimension, Range):
            found[name] = int(values[name]) if dimension.whole else float(values[name])
        else:
            found[name] = dimension[int(values[name])]
    return found


def make_oracle(settings: SearchSettings, seed: int) -> keras_tuner.Oracle:
    """What proposes values: O'Malley et al., KerasTuner (2019). The same seed and figures give the same proposals."""
    shared: dict[str, Any] = {
        "objective": keras_tuner.Objective(settings.objective, "min" if settings.objective == "val_loss" else "max"),
        "hyperparameters": hyperparameters(settings.space),
        "seed": seed + 1,  # it takes 0 for no seed
        "max_consecutive_failed_trials": settings.trials + 1,
    }
    if settings.algorithm == "hyperband":
        oracle = keras_tuner.oracles.HyperbandOracle(max_epochs=settings.epochs, **shared)
        oracle.max_trials = settings.trials
        return oracle
    kind = {
        "random": keras_tuner.oracles.RandomSearchOracle,
        "bayesian": keras_tuner.oracles.BayesianOptimizationOracle,
    }[settings.algorithm]
    return kind(max_trials=settings.trials, **shared)


def open_tuner(config: Config, settings: SearchSettings, folder: Path, train_trial: TrainTrial) -> "TrialTuner":
    """A tuner where the last one stopped.

    Raises:
        InputError: the state that keras-tuner wrote cannot be read.
    """
    try:
        with redirect_stdout(StringIO()):  # it prints that it reloads
            tuner = TrialTuner(config, settings, folder, train_trial)
    except (ValueError, KeyError, RuntimeError, OSError) as error:
        raise InputError(
            f"{folder / STATE}: the state of the search cannot be read ({error.__class__.__name__}); delete this "
            "folder: values are proposed anew, and finished trials are taken from theirs"
        ) from error
    tuner.save()  # else a search killed within its first trial would begin a new state
    return tuner


class TrialTuner(keras_tuner.Tuner):
    """Each trial trains one configuration in `trial-0000/`, ...; a failed one leaves `failed.json` there.

    Args:
        config, settings: of the search. folder: `runs/<name>-search`. train_trial: trains one configuration.
    """

    def __init__(self, config: Config, settings: SearchSettings, folder: Path, train_trial: TrainTrial) -> None:
        self.config, self.settings, self.folder, self.train_trial = config, settings, folder, train_trial
        super().__init__(make_oracle(settings, config.seed), directory=str(folder), project_name=STATE)

    def pre_create_trial(self) -> None:
        """Stop when the hours are used up, all calls of the command together."""
        hours = self.settings.hours
        if hours is not None and seconds_used(self.folder) >= 3600 * hours:
            raise BudgetUsed

    def run_trial(self, trial: keras_tuner.engine.trial.Trial, *_: Any, **__: Any) -> dict[str, float]:
        """Train one proposal, or take what an earlier call left; the objective by its name.

        Of a trial that failed in one of the ways of `FAILURES` it is infinite, and `on_trial_end` says that it failed:
        for keras-tuner's own FailedTrialError it prints a traceback.

        Raises:
            FatalError: the training failed in any other way.
        """
        folder = trial_folder(self.folder, trial)
        values = decoded(self.settings.space, trial.hyperparameters.values)
        if failure(folder):
            return {self.settings.objective: math.inf}
        started = time.perf_counter()
        try:
            epochs = trial.hyperparameters.values.get("tuner/epochs")
            config = trial_config(self.config, int(trial.trial_id), values, folder.name, epochs)
            value = self.train_trial(config, folder).training[_MEASURED[self.settings.objective]]
            if not math.isfinite(value):
                raise DivergedError(f"{self.settings.objective} is {value}")
        except FAILURES as error:
            reason = str(error).splitlines()[0]
            log.warning("%s failed, the search goes on: %s", folder.name, reason)
            write_json(folder / "failed.json", {"reason": reason, "seconds": time.perf_counter() - started})
            return {self.settings.objective: math.inf}
        except Exception as error:
            raise keras_tuner.errors.FatalError(str(error)) from error  # any other class would be swallowed
        return {self.settings.objective: value}

    def on_trial_end(self, trial: keras_tuner.engine.trial.Trial) -> None:
        """Tell keras-tuner whether the trial failed."""
        if reason := failure(trial_folder(self.folder, trial)):
            trial.status, trial.message = "FAILED", reason
        super().on_trial_end(trial)


def trial_folder(folder: Path, trial: keras_tuner.engine.trial.Trial) -> Path:
    """`trial-0007` below the folder of the search."""
    return folder / f"trial-{int(trial.trial_id):04d}"


def failure(folder: Path) -> str | None:
    """Why the trial of this folder failed; None if it did not."""
    path = folder / "failed.json"
    return str(read_json(path)["reason"]) if path.is_file() else None


def seconds_used(folder: Path) -> float:
    """Of all trials, finished and failed."""
    written = [*folder.glob("trial-*/training.json"), *folder.glob("trial-*/failed.json")]
    return float(sum(read_json(path)["seconds"] for path in written))
