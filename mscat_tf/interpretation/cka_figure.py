"""Alignment of the layers of two networks as maps."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from mscat_tf.interpretation.figures import Grid, figure_of, panels

TITLES = {"linear": "linear CKA", "rbf": "CKA, Gaussian kernel"}
CELL, LEAST = 0.33, 2.6
"""Inches."""
MOST_WRITTEN = 30
"""Layers up to which numbers stand in the cells."""


def layer_label(name: str) -> str:
    """As it is written in figures.

    >>> layer_label("constituents_1_block_2")
    'constituents 1 block 2'
    """
    return name.replace("_", " ")


def draw_cka(found: Mapping[str, Any]) -> Grid:
    """One map for each kernel: layers of the first network downwards, of the second to the right, input side first.

    Args:
        found: what `cka/<name>.json` holds.

    Returns:
        Axes `(1, kernels)`.
    """
    first, second = found["runs"]
    rows, columns = ([layer_label(name) for name in run["layers"]] for run in (first, second))
    axes = panels(1, len(TITLES), max(CELL * len(columns), LEAST) + 0.9, max(CELL * len(rows), LEAST) + 1.8)
    for place, (kernel, title) in zip(axes[0], TITLES.items(), strict=True):
        values = np.array(found[kernel]["value"], float)
        place.set_facecolor("0.85")
        image = place.imshow(values, cmap="viridis", vmin=0, vmax=1, aspect="auto", interpolation="nearest")
        if max(values.shape) <= MOST_WRITTEN:
            for row, column in np.argwhere(np.isfinite(values)):
                value = values[row, column]
                colour = "white" if value < 0.6 else "black"
                number = f"{value:.2f}".replace("-0.00", "0.00")
                place.text(column, row, number, ha="center", va="center", color=colour, fontsize=6.5)
        place.set_title(title)
        place.set_xticks(range(len(columns)), columns, rotation=90, fontsize=8)
        place.set_yticks(range(len(rows)), rows if place is axes[0, 0] else [""] * len(rows), fontsize=8)
        place.set_xlabel(f"layers of {second['name']}")
    axes[0, 0].set_ylabel(f"layers of {first['name']}")
    figure_of(axes).colorbar(image, ax=axes, label="CKA", pad=0.01)
    return axes
