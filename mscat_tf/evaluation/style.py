"""One look for every figure: mplhep's style, one colour per process, what was simulated, files written atomically."""

import logging
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl

if "ipykernel" not in sys.modules:  # Jupyter has a backend of its own, which shows figures in the page
    mpl.use("Agg", force=False)

import matplotlib.pyplot as plt
import mplhep
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text

from mscat_tf.files import atomic_path

logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)  # it misses fonts that no figure uses
if "ipykernel" in sys.modules:
    plt.switch_backend(mpl.get_backend())  # now: what it switches on would not outlive the first style context

DPI = 150
STYLE: list[Any] = [
    mplhep.style.ATLAS,
    {"font.size": 12, "axes.labelsize": 12, "axes.titlesize": 11, "axes.labelpad": 4, "axes.autolimit_mode": "data"}
    | {"xtick.labelsize": 11, "ytick.labelsize": 11, "legend.fontsize": 10, "legend.title_fontsize": 10}
    | {"xtick.major.size": 8, "xtick.minor.size": 4, "ytick.major.size": 8, "ytick.minor.size": 4}
    | {
        "axes.xmargin": 0.03,
        "lines.linewidth": 1.5,
        "lines.markersize": 4,
        "legend.borderpad": 0.4,
        "mathtext.fontset": "stixsans",
        "mathtext.default": "it",
    }
    | {"axes.formatter.limits": (-5, 6), "figure.constrained_layout.use": True}
    | {"axes.formatter.use_mathtext": False}  # the same digits, but numbers of ticks needn't be parsed as formulas
    | {"figure.dpi": DPI, "savefig.dpi": "figure"},  # one resolution for layout and PNG: formulas are parsed once
]
"""For `matplotlib.style.use`, so that figures of one's own look alike."""
IMAGES = (
    {"xtick.minor.visible": False, "ytick.minor.visible": False, "xtick.direction": "out", "ytick.direction": "out"}
    | {"xtick.top": False, "ytick.right": False, "xtick.major.size": 3, "ytick.major.size": 3, "ytick.minor.size": 2}
    | {"xaxis.labellocation": "center", "yaxis.labellocation": "center", "xtick.labelsize": 10, "ytick.labelsize": 10}
)
"""Besides, for maps: ticks stand outside, as they would be lost on colours."""
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
    rows: int,
    columns: int,
    size: tuple[float, float],
    heights: Sequence[float] | None = None,
    maps: bool = False,
) -> tuple[Figure, list[list[Axes]]]:
    """A figure of this size [inches] with rows of axes, of these relative heights; `maps` if they hold images."""
    with plt.style.context([*STYLE, *([IMAGES] if maps else [])]):
        figure, axes = plt.subplots(
            rows, columns, figsize=size, squeeze=False, layout="constrained", height_ratios=heights
        )
    return figure, [list(row) for row in axes]


def save(figure: Figure, folder: str | Path, name: str) -> Path:
    """Write `<name>.png` and `<name>.pdf`, close the figure, return the PNG's path; the same figure, the same bytes.

    Raises:
        OutputError: they cannot be written.
    """
    with plt.style.context(STYLE):
        _one_font(figure)
        engine = figure.get_layout_engine()
        if engine is not None:
            engine.execute(figure)
        with mpl.rc_context({"figure.constrained_layout.use": False}):
            figure.set_layout_engine(None)  # laid out once, here; with any engine every saving draws twice
            for ending in ("pdf", "png"):  # inside: a saving sets the engine that there was, and None means the default
                with atomic_path(Path(folder) / f"{name}.{ending}") as temporary:
                    metadata = {"CreationDate": None} if ending == "pdf" else None
                    figure.savefig(temporary, metadata=metadata)
    plt.close(figure)
    return Path(folder) / f"{name}.png"


def _one_font(figure: Figure) -> None:
    """Texts and legends that were made outside the style get its look."""
    for text in figure.findobj(Text):
        text.set_fontfamily(mpl.rcParams["font.family"])
        text.set_math_fontfamily(mpl.rcParams["mathtext.fontset"])
    for axes in figure.axes:
        legend = axes.get_legend()
        if legend is not None:
            legend.set_frame_on(False)


def label_axes(axes: Axes, x: str, y: str, title: str = "") -> Axes:
    """Name both axes at their far ends, as the field does, with an optional title."""
    axes.set_xlabel(x, loc="right")
    axes.set_ylabel(y, loc="top")
    if title:
        axes.set_title(title, loc="left", fontsize=11)
    return axes


def label_collisions(axes: Axes, configuration: Mapping[str, Any] | None, luminosity_fb: float | None = None) -> Axes:
    """Say above the axes, on the right, what collides: the energy, and the luminosity where yields are shown.

    Args:
        configuration: of the sample (`Sample.configuration`); an energy that it doesn't know isn't written.
        luminosity_fb: to which events are scaled [1/fb].
    """
    energy = (configuration or {}).get("sqrt_s")
    parts = [rf"$\sqrt{{s}} = {energy / 1000:g}$ TeV"] if energy else []
    parts += [rf"${luminosity_fb:g}\,\mathrm{{fb}}^{{-1}}$"] if luminosity_fb else []
    if parts:
        axes.set_title(", ".join(["simulation", *parts]), loc="right", fontsize=11)
    return axes
