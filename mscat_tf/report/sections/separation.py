"""How well signal is separated: ROC with bands and working points, distributions of the score."""

from typing import Any

import numpy as np

from mscat_tf.evaluation.style import COLOURS, process_colours
from mscat_tf.number_text import rejection_text, with_error
from mscat_tf.report.arrays import rounded
from mscat_tf.report.material import Material, is_evaluated
from mscat_tf.report.numbers import grouped
from mscat_tf.report.plots import DASHES, Trace, axes, band, line, one, plotly_text, steps, variants
from mscat_tf.report.section import Choice, Figure, Part, Section, Table, Text

SCORE_EDGES = np.linspace(0.0, 1.0, 26)
Numbers = dict[str, Any]


def separation_section(material: Material) -> Section:
    """ROC against all backgrounds and each, working points, scores."""
    run = material.first
    if not is_evaluated(run):
        missing = f"No curves and no scores: `mscat evaluate {run.path}` makes them."
        return Section("separation", "Separation", [Text(missing, missing=True)])
    parts: list[Part] = [_roc(run.metrics), _working_points(run.metrics), _scores(material)]
    return Section("separation", "Separation", parts)


def backgrounds(metrics: Numbers) -> list[str]:
    """All backgrounds together, then each alone."""
    return [name for name, entry in metrics.items() if isinstance(entry, dict) and "auc" in entry]


def _roc(metrics: Numbers) -> Figure:
    least, names = metrics["settings"]["min_effective_background"], backgrounds(metrics)
    drawn = {name: (roc_traces("curve", metrics[name], least, COLOURS[0]), roc_axes([metrics[name]])) for name in names}
    rows = [[f"{point:.2f}", *_cells(metrics, names, number)] for number, point in enumerate(_curve(metrics, names[0]))]
    numbers = Table("Background rejection with its 68 % band", ["signal efficiency", *names], rows[4::5], folded=True)
    aucs = ", ".join(
        f"{name} {with_error(metrics[name]['auc']['value'], metrics[name]['auc']['error'])}" for name in names
    )
    return Figure(
        "roc", "variants",
        "Background rejection against signal efficiency of the test events, with the 68 % band of the bootstrap "
        "over parton-level events. Points: working points with their errors; triangles: lower limits at 95 % "
        f"confidence. The line is dotted where fewer than {least:g} effective background events pass.",
        f"Receiver operating characteristic. Area under the curve: {aucs}.",
        variants(drawn), [Choice("background", "Background", [(name, name) for name in names])], numbers,
    )  # fmt: skip


def roc_axes(entries: list[Numbers]) -> Numbers:
    """Rejections up to three times what the background could show, as in the figures of `mscat evaluate`."""
    top = np.log10(max(10.0, *(3 * entry["effective_events"]["background"] for entry in entries)))
    return axes(
        "signal efficiency",
        "background rejection 1/ε<sub>B</sub>",
        x_range=[0, 1],
        y_log=True,
        y_range=[-0.1, float(top)],
    )


def _curve(metrics: Numbers, name: str) -> list[float]:
    return list(metrics[name]["roc"]["signal_efficiency"])


def _cells(metrics: Numbers, names: list[str], number: int) -> list[str]:
    found = []
    for name in names:
        curve = metrics[name]["roc"]
        value, low, high = (curve[column][number] for column in ("background_efficiency", "low", "high"))
        text = f"{1 / value:.4g}" if value > 0 else "no background left"
        found.append(f"{text} ({1 / high:.3g} to {1 / low:.3g})" if value > 0 and low > 0 else text)
    return found


def roc_traces(name: str, entry: Numbers, least: float, colour: str, dash: str = "solid") -> list[Trace]:
    """Band, firm and thin part of the curve, and working points of one entry of `metrics.json`."""
    curve = entry["roc"]
    efficiency, background = np.array(curve["signal_efficiency"]), np.array(curve["background_efficiency"])
    low, high = np.array(curve["low"]), np.array(curve["high"])
    some = background > 0
    rejection = np.divide(1.0, background, out=np.full(len(background), np.nan), where=some)
    firm = some & (np.array(curve["effective_background"]) >= least)
    both = low > 0
    traces = [band(efficiency[both], 1 / high[both], 1 / low[both], colour, f"{name}: 68 % band")]
    thin = line(f"{name}: few events", efficiency, rejection, colour, "dot", width=1)
    thick = line(name, efficiency, np.where(firm, rejection, np.nan), colour, dash)
    return [*traces, thin, thick, *_points(name, entry["rejection"], colour)]


def _points(name: str, points: Numbers, colour: str) -> list[Trace]:
    found = []
    for limit, symbol in ((False, "circle"), (True, "triangle-up")):
        own = {float(at): point for at, point in points.items() if point["quote_lower_limit"] is limit}
        if own:
            marker = {"color": colour, "symbol": symbol, "size": 10, "line": {"width": 1, "color": "#808080"}}
            trace: Trace = {"type": "scatter", "mode": "markers", "x": list(own), "marker": marker}
            trace["y"] = rounded([point["lower_limit"] if limit else point["value"] for point in own.values()])
            trace["name"] = plotly_text(f"{name}: {'lower limits (95 %)' if limit else 'working points'}")
            if not limit:
                errors = rounded([point["error"] for point in own.values()])
                trace["error_y"] = {"type": "data", "array": errors, "color": colour}
            found.append(trace)
    return found


def _working_points(metrics: Numbers) -> Table:
    names = backgrounds(metrics)
    efficiencies = list(metrics[names[0]]["rejection"])
    columns = ["against", "events", "effective", "AUC", *(f"1/ε at {float(each):.0%}" for each in efficiencies)]
    rows = []
    for name in names:
        entry = metrics[name]
        numbers = grouped(entry["events"]["background"]), f"{entry['effective_events']['background']:.1f}"
        rejections = [rejection_text(entry["rejection"][each]) for each in efficiencies]
        rows.append([name, *numbers, with_error(entry["auc"]["value"], entry["auc"]["error"]), *rejections])
    return Table("Rejection 1/ε at signal efficiencies; “>” is a lower limit at 95 % confidence", columns, rows)


def _scores(material: Material) -> Figure:
    scores = material.scores
    traces, rows = [], [[f"{low:.2f} to {low + 0.04:.2f}"] for low in SCORE_EDGES[:-1]]
    names = []
    colours = process_colours(scores.process_labels)
    for index, name in enumerate(scores.processes):
        own = scores.process == index
        if not own.any():
            continue
        weight = scores.weight_fb[own]
        heights = np.histogram(scores.score[own], SCORE_EDGES, weights=weight)[0] / weight.sum()
        shown = np.where(heights > 0, heights, np.nan)
        traces.append(steps(name, SCORE_EDGES, shown, colours[index], DASHES[index % len(DASHES)]))
        rows = [[*row, f"{height:.4f}"] for row, height in zip(rows, heights, strict=True)]
        names.append(name)
    layout = axes("score", "fraction of events / 0.04", x_range=[0, 1], y_log=True)
    return Figure(
        "scores", "variants", "Distribution of the score in the test events, each process normalised to one.",
        f"Outlines of the score's distribution for {', '.join(names)}.", one(traces, layout),
        numbers=Table("Fraction of events in every bin", ["score", *names], rows, folded=True),
    )  # fmt: skip
