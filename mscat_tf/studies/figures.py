"""Figures of a study, drawn from its JSON alone."""

from collections.abc import Callable
from itertools import cycle, product
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mscat_tf.evaluation.selection_figures import draw_efficiencies, middle
from mscat_tf.evaluation.style import COLOURS, label_axes, new_axes, new_grid, process_colours, save
from mscat_tf.studies.pictures import CURVE, FOREST, LIMIT, ROC, SELECTION, Found, limited, mean_auc, pictures, points

DASHES = ("-", "--")
MARKERS = ("o", "s", "^", "D", "v", "P")
BANDS_UP_TO = 3
"""Rows of which all bands are drawn; more would hide each other."""
FEWEST = 10.0
"""Effective background events without which a rejection is not drawn: a few light ones make it look high."""
SINGLE, ENSEMBLE, REFERENCE = COLOURS[1], COLOURS[0], COLOURS[4]


def draw_study(found: Found, folder: Path) -> list[Path]:
    """All figures of a study as PNG and PDF; returns the PNG paths.

    Args:
        found: as in its JSON. folder: gets them.
    """
    return [save(_DRAWN_BY[name](found), folder, name) for name in pictures(found)]


def forest(found: Found) -> Figure:
    """AUC of every row: single trainings, mean with spread, ensemble with the error of the events, reference band."""
    rows = found["rows"]
    figure, (axes,) = new_axes(size=(8.0, 1.5 + 0.42 * len(rows)))
    reference = rows.get(found["reference"])
    if reference:
        middle, error = mean_auc(reference)
        if np.isfinite(error):
            axes.axvspan(middle - error, middle + error, color=REFERENCE, alpha=0.3, linewidth=0)
        axes.axvline(middle, color=REFERENCE, linewidth=1)
    for place, row in enumerate(rows.values()):
        _forest_row(axes, -float(place), row)
    axes.set_yticks(-np.arange(len(rows)), list(rows))
    axes.tick_params(axis="y", which="both", length=0, labelsize=10)
    axes.minorticks_off()
    axes.set_ylim(0.6 - len(rows), 0.6)
    _forest_legend(axes, found["reference"] if reference else None)
    return _with_x_label(figure, axes, "AUC")


def _forest_row(axes: Axes, y: float, row: Found) -> None:
    single, auc = row["single"], row["auc"]
    if single:
        axes.plot(
            single["values"], np.full(len(single["values"]), y + 0.27), ".", color=SINGLE, alpha=0.6, markersize=6
        )
        axes.errorbar(
            single["mean"], y + 0.1, xerr=single["standard_deviation"], fmt="o", color=SINGLE, capsize=3, markersize=6
        )
    axes.errorbar(auc["value"], y - 0.16, xerr=auc["error"], fmt="s", color=ENSEMBLE, capsize=3, markersize=5)


def _forest_legend(axes: Axes, reference: str | None) -> None:
    axes.errorbar([], [], xerr=[], fmt="o", color=SINGLE, capsize=3, label="single trainings, mean and spread")
    axes.errorbar([], [], xerr=[], fmt="s", color=ENSEMBLE, capsize=3, label="ensemble, error of the events")
    if reference:
        axes.fill_between([], [], color=REFERENCE, alpha=0.3, label=f"{reference}, error of the mean")
    axes.legend(
        fontsize=9,
        ncols=3,
        frameon=False,
        loc="lower right",
        bbox_to_anchor=(1.0, 1.0),
        columnspacing=1.0,
        handletextpad=0.4,
    )


def _with_x_label(figure: Figure, axes: Axes, text: str) -> Figure:
    axes.set_xlabel(text, loc="right")
    return figure


def curve(found: Found) -> Figure:
    """AUC against the axis of the study: mean and spread of single trainings, a line for each series."""
    figure, (axes,) = new_axes(size=(7.0, 5.0))
    for (name, rows), (colour, marker) in zip(points(found).items(), _looks(), strict=False):
        middle = [row["single"]["mean"] if row["single"] else row["auc"]["value"] for row in rows]
        error = [row["single"]["standard_deviation"] if row["single"] else row["auc"]["error"] for row in rows]
        x = [row["x"] for row in rows]
        axes.errorbar(x, middle, error, color=colour, marker=marker, markersize=5, capsize=3, linewidth=1.2, label=name)
    _along(axes, found["x_axis"])
    axes.legend(fontsize=10, frameon=False)
    return _labelled(figure, axes, found["x_axis"], "AUC, mean and spread of trainings")


def limit(found: Found) -> Figure:
    """Expected limit against the axis: median with the band of 68 % of experiments; dashed without simulation error."""
    figure, (axes,) = new_axes(size=(7.0, 5.0))
    for (name, rows), (colour, marker) in zip(limited(found).items(), _looks(), strict=False):
        x = [row["x"] for row in rows]
        full, endless = ([of["limit_fb"] for of in column] for column in _both_limits(rows))
        axes.fill_between(x, [v["-1"] for v in full], [v["+1"] for v in full], color=colour, alpha=0.2, linewidth=0)
        axes.plot(x, [v["0"] for v in full], color=colour, marker=marker, markersize=5, label=name)
        axes.plot(x, [v["0"] for v in endless], color=colour, marker=marker, markersize=4, linestyle="--")
    axes.plot([], [], color="grey", linestyle="--", label="endless simulation")
    axes.set_yscale("log")
    _along(axes, found["x_axis"])
    axes.legend(fontsize=10, frameon=False)
    return _labelled(figure, axes, found["x_axis"], "95 % limit on cross-section x BR [fb]")


def _both_limits(rows: list[Found]) -> tuple[list[Found], list[Found]]:
    return [row["reach"] for row in rows], [row["reach"]["endless_simulation"] for row in rows]


def _along(axes: Axes, axis: Found) -> None:
    if axis["logarithmic"]:
        axes.set_xscale("log")


def _labelled(figure: Figure, axes: Axes, axis: Found, y: str) -> Figure:
    label_axes(axes, axis["title"] + (f" [{axis['unit']}]" if axis["unit"] else ""), y)
    return figure


def roc(found: Found) -> Figure:
    """Background rejection of the ensembles, with the band of the reference, or all bands where rows are few.

    Below stands the ratio to the reference.
    """
    rows = {name: row for name, row in found["rows"].items() if row["roc"]}
    reference = found["reference"] if found["reference"] in rows else next(iter(rows))
    figure, ((above,), (below,)) = new_grid(2, 1, (7.5, 7.0), heights=(3, 1))
    divisor = _rejections(rows[reference])
    for (dashes, colour), (name, row) in zip(product(DASHES, COLOURS), rows.items(), strict=False):
        efficiency, middle, low, high = _rejections(row)
        label = f"{name}: {row['auc']['value']:.4f}"
        above.plot(efficiency, middle, color=colour, linestyle=dashes, linewidth=1.5, label=label)
        known = len(divisor[0]) > 0  # else too few events even for one point of the reference
        at_same = np.interp(efficiency, *divisor[:2], left=np.nan, right=np.nan) if known else np.nan
        below.plot(efficiency, middle / at_same, color=colour, linestyle=dashes, linewidth=1.5)
        if name == reference or len(rows) <= BANDS_UP_TO:
            above.fill_between(efficiency, low, high, color=colour, alpha=0.2, linewidth=0)
        if name == reference:
            below.fill_between(efficiency, low / middle, high / middle, color=colour, alpha=0.2, linewidth=0)
    above.set_yscale("log")
    above.set_ylim(bottom=0.6)
    for axes in (above, below):
        axes.set_xlim(0, 1)
    below.set_ylim(0.0, 2.0)
    above.tick_params(axis="x", labelbottom=False)
    bands = "68 % bands" if len(rows) <= BANDS_UP_TO else f"68 % band of {reference}"
    above.legend(
        fontsize=10,
        ncols=2,
        title=f"AUC of ensembles; {bands}, from {FEWEST:g} effective events on",
        title_fontsize=10,
        frameon=False,
    )
    above.set_ylabel(r"background rejection $1/\epsilon_B$", loc="top")
    below.set_ylabel(f"ratio to\n{reference}", fontsize=10)
    return _with_x_label(figure, below, "signal efficiency")


def selection(found: Found) -> Figure:
    """Share of every process that passes a cut of the reference, against the kinematics."""
    of = found["further"]["selection"]
    labels = next(iter(of["rows"][found["reference"]]["passing"].values()))
    colours = process_colours([entry["label"] for entry in labels.values()])
    point = middle(list(of["rows"][found["reference"]]["passing"]))
    return draw_efficiencies(of["efficiency"], point, dict(zip(labels, colours, strict=True)))


def _rejections(row: Found) -> tuple[Any, Any, Any, Any]:
    """Signal efficiency, rejection and its band where enough background passes, `(points,)` each."""
    names = ("signal_efficiency", "background_efficiency", "low", "high", "effective_background")
    columns = [np.array(row["roc"][name], dtype=np.float64) for name in names]
    enough = (columns[-1] >= FEWEST) & (columns[2] > 0)
    efficiency, background, low, high, _ = (column[enough] for column in columns)
    return efficiency, 1 / background, 1 / high, 1 / low


def _looks() -> Any:
    return zip(cycle(COLOURS), cycle(MARKERS), strict=False)


_DRAWN_BY: dict[str, Callable[[Found], Figure]] = {
    FOREST: forest,
    CURVE: curve,
    LIMIT: limit,
    ROC: roc,
    SELECTION: selection,
}
