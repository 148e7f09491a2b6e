"""Drawing of a network from top to bottom, made from the network itself."""

from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import keras
import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch
from numpy.typing import NDArray

from mscat_tf.evaluation.style import new_axes, save
from mscat_tf.models.graph import Box, boxes, levels

BOX_WIDTH, BOX_HEIGHT, BEND_WIDTH = 1.0, 0.62, 0.2
GAP = 0.12
SWEEPS = 24
COLOURS = {"input": "#ffffff", "attention": "#9ecae1", "plain": "#e8e8e8", "learned": "#fdd0a2", "score": "#c7e9c0"}


@dataclass
class _Layout:
    """Boxes, and bends of arrows that pass by rows: of each its name, row, width, and what is above and below it."""

    names: list[str]
    rows: list[int]
    widths: list[float]
    above: list[list[int]] = field(default_factory=list)
    below: list[list[int]] = field(default_factory=list)
    paths: dict[tuple[int, int], list[int]] = field(default_factory=dict)

    def columns(self) -> NDArray[np.float64]:
        """Centre of each: arrows short, and nothing in a row touches its neighbour."""
        members = [np.flatnonzero(np.equal(self.rows, row)) for row in range(max(self.rows) + 1)]
        x = np.zeros(len(self.rows))
        for row in members:
            x[sorted(row, key=self.names.__getitem__)] = np.arange(len(row)) * (BOX_WIDTH + GAP)
        for sweep in range(SWEEPS):
            neighbours = self.above if sweep % 2 == 0 else self.below
            for row in members if sweep % 2 == 0 else members[::-1]:
                wanted = np.array([np.mean(x[neighbours[p]]) if neighbours[p] else x[p] for p in row])
                order = np.lexsort((x[row], wanted.round(6)))
                x[row[order]] = _apart(wanted[order], np.array(self.widths)[row[order]])
        return np.asarray(x - x.min())


def draw_network(model: keras.Model, folder: Path, name: str) -> Path:
    """Write `<name>.png` and `.pdf`: a box for every call of a layer with its shape and its number of weights.

    The second call of a shared layer has a dashed border; its weights count once. Masks are not drawn.

    Args:
        model: a functional model. folder: where. name: of the files.
    """
    found = boxes(model)
    layout = _layout(found)
    x = layout.columns()
    width, height = float(x.max()) + 1.4, max(layout.rows) + 1
    figure, (axes,) = new_axes(size=(1.75 * width, 0.62 * height + 0.5))
    for path in layout.paths.values():
        _draw_arrow(axes, [(x[place], layout.rows[place]) for place in path])
    for box, column, row in zip(found, x, layout.rows, strict=False):
        _draw_box(axes, box, column, row)
    axes.set_xlim(-0.7, width - 0.7)
    axes.set_ylim(height - 0.3, -0.7)
    axes.axis("off")
    axes.set_title(f"{name}: {_spaced(sum(box.weights for box in found if not box.again))} weights", fontsize=10)
    return save(figure, folder, name)


def _layout(found: list[Box]) -> _Layout:
    layout = _Layout([box.name for box in found], levels(found), [BOX_WIDTH] * len(found))
    for place, box in enumerate(found):
        for source in box.sources:
            path = [source]
            for row in range(layout.rows[source] + 1, layout.rows[place]):
                path.append(len(layout.rows))
                layout.names.append("")
                layout.rows.append(row)
                layout.widths.append(BEND_WIDTH)
            layout.paths[source, place] = [*path, place]
    layout.above, layout.below = [[] for _ in layout.rows], [[] for _ in layout.rows]
    for path in layout.paths.values():
        for upper, lower in pairwise(path):
            layout.above[lower].append(upper)
            layout.below[upper].append(lower)
    return layout


def _apart(wanted: NDArray[np.float64], widths: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rising positions at which boxes of these widths do not touch, near those wanted."""
    places = wanted.copy()
    for i in range(1, len(places)):
        places[i] = max(places[i], places[i - 1] + (widths[i - 1] + widths[i]) / 2 + GAP)
    return np.asarray(places + np.mean(wanted - places))


def _draw_arrow(axes: Axes, points: list[tuple[float, int]]) -> None:
    """Down the middle of the gap between rows, straight past the rows in between."""
    (x, y), *rest = points
    line = [(x, y + BOX_HEIGHT / 2)]
    for x, y in rest[:-1]:
        line += [(x, y - BOX_HEIGHT / 2), (x, y + BOX_HEIGHT / 2)]
    axes.plot(*zip(*line, strict=True), color="#555555", lw=0.7, zorder=1)
    x, y = rest[-1]
    arrow = {"arrowstyle": "-|>", "lw": 0.7, "color": "#555555", "shrinkA": 0, "shrinkB": 0}
    axes.annotate("", (x, y - BOX_HEIGHT / 2), line[-1], arrowprops=arrow)


def _draw_box(axes: Axes, box: Box, x: float, y: float) -> None:
    corner = (x - BOX_WIDTH / 2, y - BOX_HEIGHT / 2)
    patch = FancyBboxPatch(
        corner,
        BOX_WIDTH,
        BOX_HEIGHT,
        boxstyle="round,pad=0,rounding_size=0.08",
        facecolor=COLOURS[_kind(box)],
        edgecolor="#333333",
        linewidth=0.7,
        linestyle="--" if box.again else "-",
        zorder=2,
    )
    axes.add_patch(patch)
    size = " x ".join(str(length) for length in box.shape)
    weights = f"   ({_spaced(box.weights)})" if box.weights and not box.again else ""
    axes.text(x, y, f"{box.name}\n{size}{weights}", ha="center", va="center", fontsize=5.2, zorder=3)


def _kind(box: Box) -> str:
    if box.kind == "Input":
        return "input"
    if box.name in ("logit", "score"):
        return "score"
    if "Attention" in box.kind:
        return "attention"
    return "learned" if box.weights else "plain"


def _spaced(number: int) -> str:
    """1234567 as `1 234 567`."""
    return f"{number:,}".replace(",", " ")
