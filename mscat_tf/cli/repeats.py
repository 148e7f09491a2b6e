"""What a training with several seeds found, on the terminal."""

from typing import Any

from mscat_tf.cli.console import out, table
from mscat_tf.files import read_json
from mscat_tf.number_text import limit_text
from mscat_tf.run_folder import Run

_TITLES = {
    "best_validation_loss": "validation loss",
    "best_validation_auc": "validation AUC",
    "best_epoch": "best epoch",
    "epochs_trained": "epochs",
    "seconds": "seconds",
    "events_per_second": "events/s",
}
_COLUMNS = ["mean", "spread", "least", "most"]


def print_repeats(run: Run) -> None:
    """Mean and spread of the members' trainings."""
    found = read_json(run.path / "repeats.json")
    rows = [[_TITLES[name], *spread_cells(figure)] for name, figure in found["spread"].items()]
    seeds = found["seeds"]
    table(f"{run.path}: {len(seeds)} trainings, seeds {seeds[0]} to {seeds[-1]}", ["per training", *_COLUMNS], rows)


def print_members(members: dict[str, Any]) -> None:
    """Spread of the members on the test split: AUC against each background, rejections against all together.

    `metrics.json`, where it comes from, has the rejections of each background too.
    """
    rows = [[f"AUC, {name}", *spread_cells(entry["auc"])] for name, entry in members.items()]
    together = next(iter(members.values()))
    for efficiency, figure in together["rejection"].items():
        few = figure.get("quote_lower_limit")  # evaluations before version 0.2 do not say
        cells = [limit_text(figure), "", "", ""] if few else spread_cells(figure)
        rows.append([f"1/eff_B at {float(efficiency):.0%}", *cells])
    table(f"the {len(together['auc']['values'])} members one by one", ["test split", *_COLUMNS], rows)
    out.print(
        "The table before this one is that of the mean of their scores. The spread (standard deviation from seed to "
        "seed) holds start weights and order of events, not the number of test events: the errors there hold that.",
        soft_wrap=True,
    )


def spread_cells(figure: dict[str, Any]) -> list[str]:
    """Mean and standard deviation, each with its error, and the extremes."""
    pairs = (("mean", "error"), ("standard_deviation", "standard_deviation_error"))
    with_errors = [f"{_digits(figure[value])} ± {_digits(figure[error])}" for value, error in pairs]
    return [*with_errors, _digits(figure["least"]), _digits(figure["greatest"])]


def _digits(value: float) -> str:
    return f"{value:.4f}" if abs(value) < 10 else f"{value:.4g}"
