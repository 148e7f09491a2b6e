"""Whether explanations can be believed, and what each input is worth: figures of the studies in `explanation.json`."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from mscat_tf.evaluation.style import COLOURS, label_axes
from mscat_tf.interpretation.figures import Grid, panels

METHODS = {
    "grad_cam": "Grad-CAM",
    "grad_cam_plus_plus": "Grad-CAM++",
    "score_cam": "Score-CAM",
    "integrated_gradients": "integrated gradients",
    "attention_rollout": "attention rollout",
}
"""As they are written in figures."""
MARKERS = ("o", "s", "^", "D", "v", "P")
COLOUR_OF = dict(zip((*METHODS, "transverse momentum"), COLOURS, strict=True)) | {"random": "black"}


def method_label(name: str) -> str:
    """How a method, or an order without one, is written."""
    return METHODS.get(name, name)


def draw_insertion_deletion(found: Mapping[str, Any]) -> Grid:
    """Mean logit of signal while constituents are removed, or brought in, in the order of each method.

    Args:
        found: `insertion_deletion` of `explanation.json`.

    Returns:
        Axes `(1, 2)`.
    """
    axes = panels(1, 2, 5.0, 3.9, maps=False)
    fractions = np.array(found["fractions"])
    titles = {"deletion": "most important first removed", "insertion": "most important first brought in"}
    for place, (kind, title) in zip(axes[0], titles.items(), strict=True):
        for (name, method), marker in zip(found["methods"].items(), MARKERS, strict=False):
            dashes = "--" if name in ("random", "transverse momentum") else "-"
            value, error = (np.array(method[kind][key], dtype=np.float64) for key in ("logit", "error"))
            place.errorbar(
                fractions, value, error,
                color=COLOUR_OF.get(name), marker=marker, linestyle=dashes, linewidth=1.2, label=method_label(name),
            )  # fmt: skip
        what = "removed" if kind == "deletion" else "brought in"
        label_axes(place, f"share of constituents {what}", "mean logit of signal", title)
        low, high = place.get_ylim()
        place.set_ylim(low, high + 0.35 * (high - low))
    axes[0, 1].legend(ncols=2, loc="upper right")
    return axes


def draw_randomisation(found: Mapping[str, Any]) -> Grid:
    """Rank correlation with the map of the trained network, while layers get random weights from the top down.

    Args:
        found: `randomisation` of `explanation.json`.

    Returns:
        Axes `(1, 1)`.
    """
    layers = found["layers"]
    axes = panels(1, 1, max(0.36 * len(layers) + 1.5, 5.0), 4.4, maps=False)
    place, x = axes[0, 0], np.arange(len(layers))
    for (name, stages), marker in zip(found["methods"].items(), MARKERS, strict=False):
        value, error = (np.array([stage[key] for stage in stages], dtype=np.float64) for key in ("value", "error"))
        place.errorbar(x, value, error, color=COLOUR_OF.get(name), marker=marker, label=method_label(name))
    place.axhline(0.0, color="grey", linewidth=0.8)
    place.set_xticks(x, [name.replace("_", " ") for name in layers], rotation=40, ha="right", fontsize=10)
    place.tick_params(axis="x", which="minor", length=0)
    place.set_xlim(-0.5, len(layers) - 0.5)
    low, _ = place.get_ylim()
    place.set_ylim(min(low, -0.1), 1.1)
    place.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=len(found["methods"]))
    label_axes(place, "random down to this layer", "rank correlation")
    return axes


def draw_importance(found: Mapping[str, Any]) -> Grid:
    """AUC that is lost when an input is dealt among the events: streams, then single columns, each largest first.

    Args:
        found: `importance` of `explanation.json`.

    Returns:
        Axes `(1, 1)`.
    """
    streams = found["streams"]

    def largest_first(names: list[str]) -> list[str]:
        return sorted(names, key=lambda name: -streams[name]["lost"])

    order = largest_first([name for name in streams if ": " not in name])
    whole = len(order)
    order += largest_first([name for name in streams if ": " in name])
    axes = panels(1, 1, 5.6, 0.9 + 0.27 * len(order), maps=False)
    place, y = axes[0, 0], -np.arange(len(order), dtype=np.float64)
    colours = [COLOURS[1] if number < whole else COLOURS[2] for number in range(len(order))]
    lost, error = (np.array([streams[name][key] for name in order]) for key in ("lost", "error"))
    place.barh(y, lost, 0.7, color=colours)
    place.errorbar(lost, y, xerr=error, fmt="none", ecolor="black", capsize=2, elinewidth=1)
    place.axvline(0.0, color="black", linewidth=0.8)
    if 0 < whole < len(order):
        place.axhline(0.5 - whole, color="0.7", linewidth=0.8)
    place.set_yticks(y, [name.replace("_", " ") for name in order])
    place.tick_params(axis="y", which="both", length=0)
    place.set_ylim(0.6 - len(order), 0.6)
    label_axes(place, "AUC lost when the input is dealt anew", "", f"AUC {found['auc']:.4f} with all inputs")
    return axes
