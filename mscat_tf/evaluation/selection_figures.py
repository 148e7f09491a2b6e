"""Figures of `selection.json`, and of the masses of the background that passes."""

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mscat_tf.evaluation.efficiency import Floats, columns_of
from mscat_tf.evaluation.process_labels import PLAIN, ProcessLabels
from mscat_tf.evaluation.scores import Scores
from mscat_tf.evaluation.style import COLOURS, label_axes, new_grid, process_colours, save
from mscat_tf.run_metrics import ALL

SYMBOLS = {
    "m_J1": r"$m_{J_1}$ [GeV]",
    "m_J2": r"$m_{J_2}$ [GeV]",
    "m_JJ": r"$m_{JJ}$ [GeV]",
    "pt_J1": r"$p_{T,J_1}$ [GeV]",
    "pt_JJ": r"$p_{T,JJ}$ [GeV]",
}
PANEL = (4.6, 3.8)
"""Of one axes [inches]."""
BINS = 15
MARKERS = ("o", "s", "^", "D")
LEAST_SHARE = 2e-3
FEWEST = 10.0
"""Effective events without which no shape is drawn."""


def draw_selection(
    scores: Scores, selection: dict[str, Any], folder: Path, labels: ProcessLabels = PLAIN
) -> list[Path]:
    """Both figures; returns the PNG paths.

    Args:
        scores: of the test events. selection: `selection.json`. labels: of the processes.
    """
    colours = dict(zip(scores.processes, process_colours(scores.process_labels), strict=True))
    efficiencies = draw_efficiencies(selection["efficiency"], middle(list(selection["thresholds"])), colours, labels)
    return [save(efficiencies, folder, "selection"), _masses(scores, selection, folder)]


def draw_efficiencies(
    efficiency: dict[str, Any], point: str, colours: dict[str, str], labels: ProcessLabels = PLAIN
) -> Figure:
    """A panel for each variable, with the share of every process that passes.

    Args:
        efficiency: of `selection.json`. point: which working point. colours, labels: by process.
    """
    names = list(efficiency)
    columns = min(len(names), 3)
    rows = -(-len(names) // columns)
    figure, grid = new_grid(rows, columns, (PANEL[0] * columns, PANEL[1] * rows))
    panels = [axes for line in grid for axes in line]
    for axes, name in zip(panels, names, strict=False):
        draw_shares(axes, np.array(efficiency[name]["edges"]), efficiency[name][point], colours, labels)
        label_axes(axes, SYMBOLS[name], "efficiency", f"cut at {100 * float(point):g} % signal efficiency")
    for axes in panels[len(names) :]:
        axes.set_axis_off()
    panels[0].legend(fontsize=10, frameon=False)
    return figure


def middle(points: list[str]) -> str:
    """The working point in the middle of those that there are."""
    return sorted(points, key=float)[len(points) // 2]


def draw_shares(
    axes: Axes,
    edges: Floats,
    by_process: dict[str, Any],
    colours: dict[str, str],
    labels: ProcessLabels = PLAIN,
) -> Axes:
    """Share of each process that passes with its interval; a bar alone means that none did.

    The outer bins, which are long, are drawn shortened.
    """
    shown = edges.copy()
    if len(edges) > 3:
        shown[-1] = min(edges[-1], edges[-2] + 2 * np.median(np.diff(edges)))
        shown[0] = max(edges[0], edges[1] - 2 * np.median(np.diff(edges)))
    centres, widths = 0.5 * (shown[1:] + shown[:-1]), np.diff(shown) / 2
    for number, (name, entry) in enumerate(by_process.items()):
        shift = 0.3 * widths * (number - (len(by_process) - 1) / 2)  # so that errors do not hide each other
        share, low, high = (np.array(entry[column], dtype=np.float64) for column in ("share", "low", "high"))
        axes.errorbar(
            centres + shift, share, (share - low, high - share),
            fmt=MARKERS[number % len(MARKERS)], markersize=3.5, color=colours[name], label=labels[name],
        )  # fmt: skip
    axes.set_yscale("log")
    axes.set_ylim(LEAST_SHARE, 1.5)
    return axes


def _masses(scores: Scores, selection: dict[str, Any], folder: Path) -> Path:
    """A panel for each mass: all background, and what passes at each working point, normalised to one."""
    names = list(selection["sculpting"])
    figure, (panels,) = new_grid(1, len(names), (PANEL[0] * len(names), 1.25 * PANEL[1]))
    values = columns_of(scores, names)
    for axes, name in zip(panels, names, strict=True):
        draw_masses(axes, values[name], scores, selection["thresholds"], selection["sculpting"][name])
        label_axes(axes, SYMBOLS[name], "fraction of background")
    return save(figure, folder, "sculpting")


def draw_masses(
    axes: Axes, values: Floats, scores: Scores, thresholds: dict[str, float], sculpted: dict[str, Any]
) -> Axes:
    """Shapes with the errors of their weights; the legend has the Jensen-Shannon distances and those by chance."""
    background = scores.label == 0
    low, high = np.quantile(values[background], (0.005, 0.995))
    edges = np.linspace(low, high, BINS + 1)
    whole = np.histogram(values[background], edges, weights=scores.weight_fb[background])[0]
    axes.stairs(whole / scores.weight_fb[background].sum(), edges, color=COLOURS[4], alpha=0.5, fill=True, label="all")
    for (point, threshold), colour in zip(thresholds.items(), COLOURS, strict=False):
        entry, chosen = sculpted[point][ALL], background & (scores.logit >= threshold)
        if entry["distance"] is None or entry["effective_events"] < FEWEST:
            axes.plot([], [], color=colour, label=f"{_share(point)}: too few events")
            continue
        weight = scores.weight_fb[chosen]
        height = np.histogram(values[chosen], edges, weights=weight)[0] / weight.sum()
        error = np.sqrt(np.histogram(values[chosen], edges, weights=weight**2)[0]) / weight.sum()
        distance = f"{entry['distance']:.2f} ± {entry['error']:.2f} ({entry['by_chance']:.2f})"
        axes.stairs(height, edges, color=colour, linewidth=1.5, label=f"{_share(point)}: {distance}")
        axes.errorbar(0.5 * (edges[1:] + edges[:-1]), height, error, fmt="none", ecolor=colour, elinewidth=1)
    axes.set_ylim(0, 1.7 * axes.get_ylim()[1])
    title = "share of signal: Jensen-Shannon distance (by chance)"
    axes.legend(fontsize=9, frameon=False, loc="upper right", bbox_to_anchor=(1.0, 0.96), title=title, title_fontsize=8)
    return axes


def _share(point: str) -> str:
    return f"{100 * float(point):g} %"
