"""What each input is worth: permutation importance, and integrated gradients by column."""

from collections.abc import Sequence
from typing import Any

from mscat_tf.evaluation.style import COLOURS
from mscat_tf.number_text import with_error
from mscat_tf.report.arrays import rounded
from mscat_tf.report.numbers import significant
from mscat_tf.report.plots import axes, one, plotly_text, variants
from mscat_tf.report.section import Choice, Figure, Part, Table, Text

Numbers = dict[str, Any]


def importance(numbers: Numbers) -> list[Part]:
    """AUC that is lost when an input comes from another event, the largest first."""
    found = numbers["importance"]
    ordered = sorted(found["streams"].items(), key=lambda item: -item[1]["lost"])
    names = [plotly_text(name) for name, _ in ordered]
    trace = {
        "type": "scatter", "mode": "markers", "name": "AUC lost", "y": names,
        "x": rounded([entry["lost"] for _, entry in ordered]), "marker": {"color": COLOURS[1], "size": 8},
        "error_x": {"type": "data", "array": rounded([entry["error"] for _, entry in ordered]), "color": COLOURS[1]},
    }  # fmt: skip
    layout = axes("AUC that is lost", "")
    layout["yaxis"] |= {"autorange": "reversed", "title": None, "automargin": True}
    layout |= {"height": 120 + 24 * len(ordered), "showlegend": False}
    layout["shapes"] = [
        {"type": "line", "x0": 0, "x1": 0, "yref": "paper", "y0": 0, "y1": 1, "line": {"color": "#808080", "width": 1}}
    ]
    best = ", ".join(name for name, _ in ordered[:3])
    rows = [[name, with_error(entry["lost"], entry["error"])] for name, entry in ordered]
    events = f" of {found['events']} test events" if "events" in found else ""
    return [
        Figure(
            "importance", "variants",
            f"AUC that is lost when one input{events} is dealt anew among the events, with its standard error (AUC "
            f"with all inputs: {found['auc']:.4f}). Inputs that say the same protect each other: see the groups as "
            "well.",
            f"Loss of AUC for every input; the largest: {best}.", one([trace], layout),
            numbers=Table("AUC lost", ["input", "AUC lost"], rows, folded=True),
        )
    ]  # fmt: skip


def completeness(found: Numbers) -> list[Part]:
    """Whether integrated gradients sum to the difference of logits."""
    entry = found["completeness"]
    if entry["share_within_1_percent"] is None:
        return []
    return [
        Text(
            "Integrated gradients sum to the difference of the logit from that of the baseline (the mean of the "
            f"training events) to 1\N{NO-BREAK SPACE}% in {entry['share_within_1_percent']:.1%} of the events; the "
            f"greatest miss is {significant(entry['greatest_error'], 2)}."
        )
    ]


def mean_absolute(found: Numbers, tokens: Sequence[str], features: Sequence[str]) -> list[Part]:
    """Mean size of the attribution of every kinematic column."""
    sizes = {
        process: inputs["kinematics"] for process, inputs in found["mean_absolute"].items() if "kinematics" in inputs
    }
    if not sizes:
        return []
    drawn, rows = {}, []
    for process, values in sizes.items():
        labels = [tokens[row] if row < len(tokens) else f"token {row + 1}" for row in range(len(values))]
        columns = [features[c] if c < len(features) else f"column {c + 1}" for c in range(len(values[0]))]
        trace = {
            "type": "heatmap", "z": [rounded(row, 3) for row in values], "x": columns,
            "y": [plotly_text(label) for label in labels], "colorscale": "Viridis", "zmin": 0, "xgap": 2, "ygap": 2,
            "colorbar": {"title": {"text": "|logit|", "side": "right"}, "thickness": 14},
        }  # fmt: skip
        layout = axes("", "")
        layout |= {"height": 110 + 60 * len(labels), "margin": {"r": 80}}
        layout["yaxis"] |= {"autorange": "reversed", "title": None}
        drawn[process] = ([trace], layout)
        rows += [
            [process, label, *(significant(value, 3) for value in row)]
            for label, row in zip(labels, values, strict=True)
        ]
    numbers = Table("Mean absolute attributions", ["process", "token", *columns], rows, folded=True)
    return [
        Figure(
            "kinematic-attributions", "variants",
            "Integrated gradients of the kinematic columns: mean over events of their absolute value, in units of "
            "the logit.",
            "Heat map of mean absolute attributions, tokens downwards and columns to the right.", variants(drawn),
            [Choice("process", "Process", [(process, process) for process in sizes])], numbers,
        )
    ]  # fmt: skip
