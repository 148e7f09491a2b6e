"""Figures of a run's test split: ROC, scores, expected events, efficiency against fat-jet mass and momentum."""

from collections.abc import Mapping
from itertools import product
from pathlib import Path
from typing import Any

import hist
import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from mscat_tf.data.events import EventTable
from mscat_tf.evaluation.metrics import weighted_roc
from mscat_tf.evaluation.process_labels import PLAIN, ProcessLabels, process_labels
from mscat_tf.evaluation.quality_figures import draw_calibration, draw_roc_errors
from mscat_tf.evaluation.scores import Scores
from mscat_tf.evaluation.selection_figures import draw_selection
from mscat_tf.evaluation.style import COLOURS, label_axes, label_collisions, new_axes, process_colours, save
from mscat_tf.run_metrics import ALL
from mscat_tf.schema import KINEMATIC_COLUMNS

DASHES = ("-", "--", "-.", (0, (1, 1)))
"""Tell runs of one colour apart: up to 24 of them."""
SCORE_EDGES = np.linspace(0, 1, 26)


def draw_run(
    scores: Scores,
    metrics: dict[str, Any],
    network: str,
    folder: Path,
    selection: dict[str, Any] | None = None,
    configuration: Mapping[str, Any] | None = None,
) -> list[Path]:
    """All figures of one run; returns the PNG paths.

    Args:
        scores: of the test events. metrics, selection: as in the JSON of the same names. network: its name.
        configuration: of the sample, which knows what the processes are, and the energy.
    """
    labels = process_labels(scores.processes, configuration)
    paths = []
    figure, (axes,) = new_axes()
    label_collisions(axes, configuration)
    draw_roc(axes, {network: scores}, metrics["settings"]["min_effective_background"])
    draw_roc_errors(axes, metrics[ALL])
    paths.append(save(figure, folder, "roc"))
    figure, (axes,) = new_axes()
    draw_calibration(axes, metrics["calibration"])
    paths.append(save(figure, folder, "calibration"))
    figure, (axes,) = new_axes()
    draw_scores(axes, scores, labels)
    label_collisions(axes, configuration)
    paths.append(save(figure, folder, "scores"))
    figure, (axes,) = new_axes()
    draw_yields(axes, scores, metrics["yields"], labels)
    label_collisions(axes, configuration, metrics["settings"]["luminosity_fb"])
    paths.append(save(figure, folder, "yields"))
    figure, both = new_axes(columns=2)
    efficiency = float(next(reversed(metrics[ALL]["rejection"])))
    draw_efficiency(both[0], scores, "m", np.linspace(50, 250, 21), efficiency, labels)
    draw_efficiency(both[1], scores, "pt", np.linspace(450, 1200, 16), efficiency, labels)
    label_collisions(both[1], configuration)
    paths.append(save(figure, folder, "efficiency"))
    return [*paths, *(draw_selection(scores, selection, folder, labels) if selection else [])]


def draw_roc(axes: Axes, runs: dict[str, Scores], min_effective: float) -> Axes:
    """Background rejection against signal efficiency, one line per run.

    The line is faint and dotted where fewer than `min_effective` effective background events pass: a few events of
    small weight make a rejection look high there that the sample cannot establish. With more runs than colours these
    parts are left out, dashes tell runs of one colour apart, and the legend stands beside the axes.
    """
    top, many = 10.0, len(runs) > len(COLOURS)
    for (dashes, colour), (name, scores) in zip(product(DASHES, COLOURS), runs.items(), strict=False):
        curve = weighted_roc(scores.logit, scores.label, scores.weight)
        some = curve.background_efficiency > 0
        rejection = 1 / np.where(some, curve.background_efficiency, 1.0)
        firm = some & (curve.effective_background >= min_effective)
        if not many:
            axes.plot(curve.signal_efficiency[some], rejection[some], color=colour, ls=":", linewidth=0.8, alpha=0.6)
        label = f"{name}: AUC = {curve.auc:.4f}"
        axes.plot(curve.signal_efficiency[firm], rejection[firm], color=colour, linestyle=dashes, label=label)
        top = max(top, 3 * curve.effective_background[-1])
    diagonal = np.linspace(0.01, 1, 100)
    axes.plot(diagonal, 1 / diagonal, color="grey", linestyle=":" if many else "--", linewidth=1, label="random")
    axes.set_yscale("log")
    axes.set_xlim(0, 1)
    axes.set_ylim(0.8, top)
    title = f"{'not drawn' if many else 'dotted'}: < {min_effective:g} effective events"
    place = {"loc": "upper left", "bbox_to_anchor": (1.01, 1.0)} if many else {"loc": "upper right"}
    axes.legend(fontsize=10, title=title, title_fontsize=9, **place)
    return label_axes(axes, "signal efficiency", r"background rejection $1/\epsilon_B$")


def draw_scores(axes: Axes, scores: Scores, labels: ProcessLabels = PLAIN) -> Axes:
    """Distribution of the score per process, each normalised to one, with statistical errors of the weights."""
    edges = SCORE_EDGES
    colours = process_colours(scores.process_labels)
    for index, name in enumerate(scores.processes):
        chosen = scores.process == index
        if chosen.any():
            _outline(axes, scores.score[chosen], scores.weight_fb[chosen], edges, colours[index], labels[name])
    axes.set_yscale("log")
    axes.set_ylim(5e-4, 2.0)
    axes.legend(fontsize=10, ncols=len(scores.processes), loc="upper center")
    return label_axes(axes, "score", "fraction of events / 0.04")


def draw_yields(axes: Axes, scores: Scores, yields: Mapping[str, Any], labels: ProcessLabels = PLAIN) -> Axes:
    """Events that are expected in bins of the score: backgrounds on top of each other, signal as a line.

    The test events give the shape, all events the number; the hatched band is the statistical error of the simulation.

    Args:
        axes: to draw on. scores: of the test events. yields: of every process, as in `metrics.json`.
    """
    colours = process_colours(scores.process_labels)
    below, squares = np.zeros(len(SCORE_EDGES) - 1), np.zeros(len(SCORE_EDGES) - 1)
    by_size = sorted(range(len(scores.processes)), key=lambda index: yields[scores.processes[index]]["expected"])
    signals = []
    for index in by_size:
        name, chosen = scores.processes[index], scores.process == index
        total = scores.weight_fb[chosen].sum()
        if total <= 0:
            continue
        content = _histogram(scores.score[chosen], scores.weight_fb[chosen], SCORE_EDGES)
        scale = yields[name]["expected"] / total
        height = content.values() * scale
        if scores.process_labels[index]:
            signals.append((height, colours[index], labels[name]))
            continue
        axes.stairs(below + height, SCORE_EDGES, baseline=below, fill=True, color=colours[index], label=labels[name])
        below, squares = below + height, squares + content.variances() * scale**2
    error = np.sqrt(squares)
    axes.stairs(
        below + error, SCORE_EDGES, baseline=np.maximum(below - error, 0.0),
        fill=True, facecolor="none", edgecolor="0.3", hatch="////", linewidth=0, label="simulation statistics",
    )  # fmt: skip
    for height, colour, label in signals:
        axes.stairs(height, SCORE_EDGES, color=colour, linewidth=2, label=label)
    axes.set_yscale("log")
    heights = np.concatenate([below, *(height for height, *_ in signals)])
    axes.set_ylim(0.5 * heights.min(where=heights > 0, initial=np.inf), 30 * heights.max(initial=1.0))
    axes.legend(ncols=2, loc="upper center")
    return label_axes(axes, "score", "expected events / 0.04")


def draw_efficiency(
    axes: Axes,
    scores: Scores,
    column: str,
    edges: NDArray[np.float64],
    signal_efficiency: float,
    labels: ProcessLabels = PLAIN,
) -> Axes:
    """Share of each process that passes the cut at a working point, in bins of the leading jet's `m` or `pt`."""
    cut = weighted_roc(scores.logit, scores.label, scores.weight).threshold_at(signal_efficiency)
    values = scores.kinematics[:, 0, KINEMATIC_COLUMNS.index(column)]
    centres = 0.5 * (edges[1:] + edges[:-1])
    colours = process_colours(scores.process_labels)
    for index, name in enumerate(scores.processes):
        chosen = scores.process == index
        passed = chosen & (scores.logit >= cut)
        before = _histogram(values[chosen], scores.weight_fb[chosen], edges)
        after = _histogram(values[passed], scores.weight_fb[passed], edges)
        total, squares = before.values(), before.variances()
        enough = (total > 0) & (total**2 >= 3 * squares)
        share = np.divide(after.values(), total, out=np.zeros_like(total), where=enough)
        events = np.divide(total**2, squares, out=np.ones_like(total), where=enough)
        error = np.sqrt(np.clip(share * (1 - share), 0, None) / events + 0.25 / events**2)
        axes.errorbar(
            centres[enough], share[enough], error[enough], np.diff(edges)[enough] / 2,
            fmt="o", markersize=3, color=colours[index], label=labels[name],
        )  # fmt: skip
    axes.set_ylim(0, 1.3)
    axes.legend(fontsize=10, ncols=3)
    symbol = {"m": r"$m_{J_1}$ [GeV]", "pt": r"$p_{T,J_1}$ [GeV]"}[column]
    return label_axes(axes, symbol, "efficiency", f"{signal_efficiency:.0%} signal efficiency")


def draw_distribution(
    axes: Axes,
    values: NDArray[Any],
    table: EventTable,
    edges: NDArray[Any],
    weight: NDArray[Any] | None = None,
    labels: ProcessLabels = PLAIN,
) -> Axes:
    """One quantity `(n,)` per process, each normalised to one; weighted by `weight_fb` unless `weight` is given."""
    weight = table.weight_fb if weight is None else weight
    for index, (name, colour) in enumerate(zip(table.processes, process_colours(table.process_labels), strict=True)):
        chosen = table.process == index
        if chosen.any() and weight[chosen].sum() > 0:
            _outline(axes, values[chosen], weight[chosen], np.asarray(edges), colour, labels[name])
    axes.set_ylim(bottom=0)
    axes.legend(fontsize=10)
    return axes


def _histogram(values: NDArray[Any], weight: NDArray[Any], edges: NDArray[np.float64]) -> Any:
    return hist.Hist(hist.axis.Variable(list(edges)), storage=hist.storage.Weight()).fill(values, weight=weight)


def _outline(
    axes: Axes, values: NDArray[Any], weight: NDArray[Any], edges: NDArray[np.float64], colour: str, name: str
) -> None:
    content = _histogram(values, weight, edges)
    total = weight.sum()
    height, error = content.values() / total, np.sqrt(content.variances()) / total
    axes.stairs(height, edges, color=colour, label=name, linewidth=1.5)
    axes.errorbar(0.5 * (edges[1:] + edges[:-1]), height, error, fmt="none", ecolor=colour, elinewidth=1)
