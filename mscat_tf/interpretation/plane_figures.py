"""Shares in the (eta, phi) plane of the jet frame: Grad-CAM, cross-attention, differences, signed attributions."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.colors import LogNorm, Normalize, SymLogNorm
from numpy.typing import NDArray

from mscat_tf.interpretation.figures import PLANE, Array, Grid, figure_of, filled_plane, panels

DECADES = 3.0
"""Of a logarithmic scale; what is below is drawn as its lower end."""
SIGNED_DECADES = 2.0
SIZE = 2.6
"""Of one panel [inches]."""


def shares(values: Array) -> NDArray[np.float64]:
    """Size of each event's values divided by their sum, `(events, constituents)`; events of zeros alone stay 0."""
    sizes = np.abs(values, dtype=np.float64)
    total = sizes.sum(axis=1, keepdims=True)
    return np.divide(sizes, total, out=np.zeros(values.shape), where=total > 0)


def signed_density(eta: Array, phi: Array, values: Array) -> NDArray[np.float64]:
    """Mean over all events of signed `values` per unit area, `(BINS, BINS)` with eta first [their unit / rad].

    Args:
        eta, phi: `(events, constituents)` in the jet frame. values: same shape.
    """
    return filled_plane(eta, phi, values) / max(len(values), 1)


def draw_planes(densities: Array, rows: Sequence[str], columns: Sequence[str], what: str, signed: bool = False) -> Grid:
    """A panel for each row and column, all on one logarithmic scale of colours.

    Args:
        densities: `(rows, columns, bins, bins)`, eta before phi, over -PLANE to PLANE. rows, columns: their titles.
        what: is drawn, with its unit. signed: values of both signs, red above and blue below zero.

    Returns:
        Axes `(rows, columns)`.
    """
    norm, colours, floor = _scale(densities, signed)
    axes = panels(len(rows), len(columns), SIZE, SIZE + 0.35)
    for (row, column), place in np.ndenumerate(axes):
        image = place.imshow(
            np.maximum(densities[row, column].T, floor),
            **{"norm": norm, "cmap": colours, "origin": "lower", "extent": (-PLANE, PLANE, -PLANE, PLANE)},
        )
        place.set_title(f"{columns[column]}\n{rows[row]}")
        place.set_xticks((-PLANE, 0, PLANE))
        place.set_yticks((-PLANE, 0, PLANE))
        if column == 0:
            place.set_ylabel(r"$\phi$ in the jet frame [rad]")
        if row == len(rows) - 1:
            place.set_xlabel(r"$\eta$ in the jet frame")
    figure_of(axes).colorbar(image, ax=axes, label=what, pad=0.01, extend="neither" if signed else "min")
    return axes


def _scale(densities: Array, signed: bool) -> tuple[Normalize, str, float]:
    """Norm, map of colours, and the least value that is drawn."""
    top: Any = max(float(np.abs(densities).max(initial=0.0)), 1e-12)
    if signed:
        return SymLogNorm(top / 10**SIGNED_DECADES, vmin=-top, vmax=top), "RdBu_r", -np.inf
    return LogNorm(top / 10**DECADES, top), "magma", top / 10**DECADES
