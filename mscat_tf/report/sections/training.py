"""How the training went: loss and AUC after every epoch, of every seed and every run."""

import csv
from itertools import cycle

from mscat_tf.errors import InputError
from mscat_tf.evaluation.style import COLOURS
from mscat_tf.report.material import Material
from mscat_tf.report.numbers import significant
from mscat_tf.report.plots import DASHES, Trace, axes, line, one
from mscat_tf.report.section import Figure, Part, Section, Table, Text
from mscat_tf.run_folder import Run

Columns = dict[str, list[float]]


def training_section(material: Material) -> Section:
    """Loss of training and validation events, and validation AUC."""
    histories = [(name, *found) for run, name in zip(material.runs, material.names, strict=True) for found in _of(run)]
    if not histories:
        return Section("training", "Training", [Text("The runs hold no `history.csv`.", missing=True)])
    loss, auc = _curves(histories, ("loss", "val_loss")), _curves(histories, ("val_auc",))
    several = f" of {len(histories)} trainings" if len(histories) > 1 else ""
    parts: list[Part] = [
        Figure(
            "loss", "variants", "Loss after every epoch: of the training events (solid) and of the validation events "
            "(dashed); a star marks the best epoch.",
            f"Loss against epoch{several}; {_ends(histories, 'val_loss', 'validation loss')}.",
            one(loss, axes("epoch", "loss")), numbers=_table(histories),
        ),
        Figure(
            "validation-auc", "variants", "AUC of the validation events after every epoch.",
            f"Validation AUC against epoch{several}; {_ends(histories, 'val_auc', 'validation AUC')}.",
            one(auc, axes("epoch", "validation AUC")),
        ),
    ]  # fmt: skip
    return Section("training", "Training", parts)


def _of(run: Run) -> list[tuple[str, Columns, int]]:
    """Label of the seed, columns of `history.csv` and best epoch of every training of a run."""
    if run.repeated:
        return [(f", seed {one.config.seed}", *found[1:]) for one in run.members for found in _of(one)]
    path = run.path / "history.csv"
    if not path.is_file():
        return []
    try:
        with open(path, newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        columns = {name: [float(row[name]) for row in rows] for name in (rows[0] if rows else ()) if name is not None}
    except (OSError, ValueError, TypeError, csv.Error) as error:
        raise InputError(f"{path}: damaged ({error}); copy the run again, or train anew") from error
    return [("", columns, int(run.training["best_epoch"]))] if columns else []


def _curves(histories: list[tuple[str, str, Columns, int]], wanted: tuple[str, ...]) -> list[Trace]:
    traces = []
    for (name, seed, columns, best), colour in zip(histories, cycle(COLOURS), strict=False):
        for column, dash in zip((each for each in wanted if each in columns), DASHES, strict=False):
            text = {"loss": "training", "val_loss": "validation", "val_auc": ""}[column]
            trace = line(f"{name}{seed}{', ' if text else ''}{text}", columns["epoch"], columns[column], colour, dash)
            if column.startswith("val"):
                star = ["star" if epoch == best else "circle" for epoch in columns["epoch"]]
                trace |= {"mode": "lines+markers"}
                trace["marker"] = {"symbol": star, "size": [13 if s == "star" else 5 for s in star]}
            traces.append(trace)
    return traces


def _ends(histories: list[tuple[str, str, Columns, int]], column: str, words: str) -> str:
    return "; ".join(
        f"{name}{seed}: {words} from {columns[column][0]:.4g} to {columns[column][-1]:.4g}, best epoch {best}"
        for name, seed, columns, best in histories
        if column in columns
    )


def _table(histories: list[tuple[str, str, Columns, int]]) -> Table:
    wanted = {"loss": "training loss", "val_loss": "validation loss", "val_auc": "validation AUC", "seconds": "seconds"}
    rows = [
        [
            f"{name}{seed}",
            f"{epoch:g}",
            *(significant(columns[each][number]) if each in columns else "" for each in wanted),
        ]
        for name, seed, columns, _ in histories
        for number, epoch in enumerate(columns["epoch"])
    ]
    return Table("Every epoch", ["run", "epoch", *wanted.values()], rows, folded=True)
