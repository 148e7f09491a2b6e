"""What a training with several seeds found, on the terminal."""

import json
from typing import Any

from mscat_tf.cli.console import out, table
from mscat_tf.run_folder import Run

_TITLES = {
    "best_validation_loss": "validation loss",
    "best_validation_auc": "validation AUC",
    "best_epoch": "best epoch",
    "epochs_trained": "epochs",
    "seconds": "seconds",
    "events_per_second": "events/s",
}
_COLUMNS = ["mean", "standard deviation", "least", "greatest"]


def print_repeats(run: Run) -> None:
    """Mean and spread of the members' trainings."""
    found = json.loads((run.path / "repeats.json").read_text())
    rows = [[_TITLES[name], *spread_cells(figure)] for name, figure in found["spread"].items()]
    seeds = found["seeds"]
    table(f"{run.path}: {len(seeds)} trainings, seeds {seeds[0]} to {seeds[-1]}", ["per training", *_COLUMNS], rows)


def print_members(members: dict[str, Any]) -> None:
    """Spread of the members' AUC and rejections on the test split, from `metrics.json`."""
    rows = []
    for name, entry in members.items():
        rows.append([f"AUC, {name}", *spread_cells(entry["auc"])])
        for efficiency, figure in entry["rejection"].items():
            rows.append([f"1/eff_B at eff_S = {float(efficiency):.0%}, {name}", *spread_cells(figure)])
    count = len(next(iter(members.values()))["auc"]["values"])
    table(f"the {count} members one by one", ["test split, same events", *_COLUMNS], rows)
    out.print(
        "The table above this one is that of their mean score. The standard deviation holds the start weights and the "
        "order of the events, not the number of test events: that is what the errors of the first table hold.",
        soft_wrap=True,
    )


def spread_cells(figure: dict[str, Any]) -> list[str]:
    """Mean and standard deviation, each with its error, and the extremes."""
    pairs = (("mean", "error"), ("standard_deviation", "standard_deviation_error"))
    with_errors = [f"{_digits(figure[value])} ± {_digits(figure[error])}" for value, error in pairs]
    return [*with_errors, _digits(figure["least"]), _digits(figure["greatest"])]


def _digits(value: float) -> str:
    return f"{value:.4f}" if abs(value) < 10 else f"{value:.4g}"
