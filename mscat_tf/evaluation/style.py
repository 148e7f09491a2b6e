"""One look for every figure: mplhep's style, one colour per process, files written atomically."""

import logging
from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg", force=False)

import matplotlib.pyplot as plt
import mplhep
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mscat_tf.files import atomic_path

logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)  # it misses fonts that no figure uses

COLOURS = ("#e42536", "#5790fc", "#f89c20", "#964a8b", "#9c9ca1", "#7a21dd")
"""Palette for colour-blind readers: Petroff, arXiv:2107.02270."""


def process_colours(labels: Sequence[int]) -> list[str]:
    """A colour for each process: signals first, so that the first signal is always red.

    >>> process_colours([0, 1]) == [COLOURS[1], COLOURS[0]]
    True
    """
    rank = sorted(range(len(labels)), key=lambda index: (-labels[index], index))
    return [COLOURS[rank.index(index) % len(COLOURS)] for index in range(len(labels))]


def new_axes(columns: int = 1, size: tuple[float, float] = (6.0, 4.6)) -> tuple[Figure, list[Axes]]:
    """A figure with so many axes side by side."""
    figure, grid = new_grid(1, columns, (size[0] * columns, size[1]))
    return figure, grid[0]


def new_grid(
    rows: int, columns: int, size: tuple[float, float], heights: Sequence[float] | None = None
) -> tuple[Figure, list[list[Axes]]]:
    """A figure of this size [inches] with rows of axes, of these relative heights."""
    with plt.style.context(mplhep.style.ROOT), mpl.rc_context({"font.size": 12, "legend.frameon": False}):
        figure, axes = plt.subplots(
            rows, columns, figsize=size, squeeze=False, layout="constrained", height_ratios=heights
        )
    return figure, [list(row) for row in axes]


def save(figure: Figure, folder: Path, name: str) -> Path:
    """Write `<name>.png` and `<name>.pdf`, close the figure, return the PNG's path."""
    figure.draw_without_rendering()
    figure.set_layout_engine("none")  # laid out once, here; with an engine every saving does it twice
    for ending in ("pdf", "png"):
        with atomic_path(folder / f"{name}.{ending}") as temporary:
            metadata = {"CreationDate": None} if ending == "pdf" else None
            figure.savefig(temporary, dpi=150, metadata=metadata)
    plt.close(figure)
    return folder / f"{name}.png"


def label_axes(axes: Axes, x: str, y: str, title: str = "") -> Axes:
    """Name both axes at their far ends, as the field does, with an optional title."""
    axes.set_xlabel(x, loc="right")
    axes.set_ylabel(y, loc="top")
    if title:
        axes.set_title(title, loc="left", fontsize=11)
    return axes
