"""Traces and axes in the JSON of plotly.js; the script of the page adds what all figures share."""

from collections.abc import Sequence
from typing import Any

from numpy.typing import NDArray

from mscat_tf.report.arrays import rounded

Trace = dict[str, Any]
Values = Sequence[float | None] | NDArray[Any]
DASHES = ("solid", "dash", "dot", "dashdot")
SYMBOLS = ("circle", "square", "diamond", "cross", "triangle-up", "x")
"""Tell processes and runs apart where colours do not."""


def plotly_text(text: Any) -> str:
    """Plotly reads a few HTML elements in its texts: escape them."""
    return str(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def line(name: str, x: Values, y: Values, colour: str, dash: str = "solid", **options: Any) -> Trace:
    """A line through points."""
    style = {"color": colour, "dash": dash, "width": options.pop("width", 2)}
    found = {"type": "scatter", "mode": "lines", "name": plotly_text(name), "line": style}
    return {**found, "x": rounded(x), "y": rounded(y), **options}


def band(x: Values, low: Values, high: Values, colour: str, name: str) -> Trace:
    """The area between two lines, in the colour of a line."""
    around = rounded([*x, *list(x)[::-1]])
    return {
        "type": "scatter", "mode": "lines", "name": plotly_text(name), "x": around,
        "y": rounded([*high, *list(low)[::-1]]), "fill": "toself", "fillcolor": colour + "40",
        "line": {"width": 0, "color": colour}, "hoverinfo": "skip",
    }  # fmt: skip


def steps(name: str, edges: Values, heights: Values, colour: str, dash: str = "solid") -> Trace:
    """A histogram as an outline."""
    closed = [*heights, list(heights)[-1]]
    found = line(name, edges, closed, colour, dash)
    found["line"]["shape"] = "hv"
    return found


def points(name: str, x: Values, y: Values, low: Values, high: Values, colour: str, symbol: str) -> Trace:
    """Points with errors upwards and downwards; None leaves a point out."""
    up = [None if a is None or b is None else b - a for a, b in zip(y, high, strict=True)]
    down = [None if a is None or b is None else a - b for a, b in zip(y, low, strict=True)]
    errors = {"type": "data", "symmetric": False, "array": rounded(up), "arrayminus": rounded(down)}
    return {
        "type": "scatter", "mode": "markers", "name": plotly_text(name), "x": rounded(x), "y": rounded(y),
        "marker": {"color": colour, "symbol": symbol, "size": 7},
        "error_y": {**errors, "color": colour, "thickness": 1.5, "width": 3},
    }  # fmt: skip


def around(values: Sequence[float | None], errors: Sequence[float | None]) -> tuple[Values, Values]:
    """Ends of error bars; None where there is no value, the value itself where it has no error."""
    pairs = list(zip(values, errors, strict=True))
    low, high = ([None if v is None else v + sign * (e or 0.0) for v, e in pairs] for sign in (-1.0, 1.0))
    return low, high


def axes(x: str, y: str, **options: Any) -> dict[str, Any]:
    """Titles of both axes; `x_range`, `y_range`, `x_log`, `y_log` as in plotly."""
    found: dict[str, Any] = {}
    for name, title in (("x", x), ("y", y)):
        axis: dict[str, Any] = {"title": {"text": title}}
        if options.get(f"{name}_log"):
            axis |= {"type": "log", "dtick": 1, "exponentformat": "power"}
        if f"{name}_range" in options:
            axis["range"] = options[f"{name}_range"]
        found[f"{name}axis"] = axis
    return found


def variants(drawn: dict[str, tuple[list[Trace], dict[str, Any]]]) -> dict[str, Any]:
    """Data of a figure that is one of several, by the values of its choices joined by `|`."""
    return {"variants": {key: {"traces": traces, "layout": layout} for key, (traces, layout) in drawn.items()}}


def one(traces: list[Trace], layout: dict[str, Any]) -> dict[str, Any]:
    """Data of a figure without choices."""
    return variants({"": (traces, layout)})
