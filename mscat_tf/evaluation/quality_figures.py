"""Errors on a ROC curve, and the reliability diagram."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes

from mscat_tf.evaluation.style import COLOURS, label_axes


def draw_roc_errors(axes: Axes, entry: dict[str, Any], colour: str = COLOURS[0]) -> Axes:
    """Add the 68 % band of the bootstrap, and each working point with its error or its lower limit at 95 %.

    Args:
        axes: of `draw_roc`. entry: of one selection in `metrics.json`.
    """
    curve = entry["roc"]
    low, high = (np.array(curve[name]) for name in ("low", "high"))
    some = low > 0
    efficiency = np.array(curve["signal_efficiency"])
    axes.fill_between(efficiency[some], 1 / high[some], 1 / low[some], color=colour, alpha=0.25, linewidth=0)
    for name, point in entry["rejection"].items():
        if point["quote_lower_limit"]:
            limit = point["lower_limit"]
            axes.errorbar(float(name), limit, limit, lolims=True, fmt="none", color=colour)  # an arrow upwards
        else:
            axes.errorbar(float(name), point["value"], point["error"], fmt="o", markersize=3, capsize=2, color=colour)
    return axes


def draw_calibration(axes: Axes, calibration: dict[str, Any]) -> Axes:
    """Observed share of signal against the score, with Wilson errors, as it is and after temperature scaling.

    Args:
        axes: to draw on. calibration: as in `metrics.json`.
    """
    axes.plot([0, 1], [0, 1], color="grey", linestyle="--", linewidth=1)
    temperature = calibration["temperature"]
    _diagram(axes, calibration, COLOURS[0], "o", "as it is")
    if temperature:
        scale = f"temperature {temperature['value']:.3f} ± {temperature['error']:.3f}"
        _diagram(axes, calibration["scaled"], COLOURS[1], "s", scale)
    axes.set_xlim(0, 1)
    axes.set_ylim(-0.02, 1.25)
    axes.legend(fontsize=10, loc="upper left")
    return label_axes(axes, "mean score", "observed share of signal")


def _diagram(axes: Axes, entry: dict[str, Any], colour: str, marker: str, name: str) -> None:
    columns = ("predicted", "observed", "low", "high")
    predicted, observed, low, high = (np.array(entry["bins"][column]) for column in columns)
    ece = f"{name}: ECE {entry['expected_calibration_error']:.4f} ({entry['expected_if_calibrated']:.4f} by chance)"
    axes.errorbar(
        predicted, observed, (observed - low, high - observed),
        fmt=marker, markersize=3, capsize=2, color=colour, label=ece,
    )  # fmt: skip
