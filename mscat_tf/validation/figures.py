"""Figures of a validation: distributions per process, alone or beside a reference with ratios, and mean jet images."""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from numpy.typing import NDArray

from mscat_tf.data.sample import Sample
from mscat_tf.evaluation.process_labels import ProcessLabels, process_labels
from mscat_tf.evaluation.style import label_axes, new_axes, new_grid, process_colours, save
from mscat_tf.validation.compare import Comparison
from mscat_tf.validation.histograms import IMAGE_EDGES, Distributions, Histogram
from mscat_tf.validation.quantities import jet_name

Floats = NDArray[np.float64]

SMALL = 9
MAX_RATIO = 2.0


def draw(
    sample: Sample,
    found: Distributions,
    folder: Path,
    reference: Distributions | None = None,
    comparisons: list[Comparison] | None = None,
) -> list[Path]:
    """Every figure; returns the PNG paths.

    Args:
        sample: gives the labels of the processes. found, reference: what was filled.
        folder: where. comparisons: whose p-values are written into the panels.
    """
    colours = dict(zip(sample.header.processes, process_colours(sample.header.labels), strict=True))
    labels, paths = process_labels(sample.header.processes, sample.configuration), []
    for name in dict.fromkeys(histogram.quantity.figure for histogram in found.histograms.values()):
        panels = [histogram for histogram in found.histograms.values() if histogram.quantity.figure == name]
        if reference is None:
            paths.append(_draw_alone(name, panels, found.processes, colours, labels, folder))
        else:
            paths.append(_draw_pairs(name, panels, found, reference, colours, labels, comparisons or [], folder))
    paths.append(_draw_images(found, labels, folder))
    return paths


def shape(histogram: Histogram, process: int) -> tuple[Floats, Floats]:
    """Heights and errors `(bins,)` of the bins in range, as shares of all events, underflow and overflow included."""
    total = histogram.sums[process].sum()
    filled = histogram.of(process)
    return filled.values() / total, np.sqrt(filled.variances()) / total


def _draw_alone(
    name: str,
    panels: list[Histogram],
    processes: tuple[str, ...],
    colours: dict[str, str],
    labels: ProcessLabels,
    folder: Path,
) -> Path:
    figure, axes = new_axes(columns=len(panels))
    for panel, histogram in zip(axes, panels, strict=True):
        for index, process in enumerate(processes):
            if histogram.sums[index].sum() > 0.0:
                _outline(panel, histogram, *shape(histogram, index), colours[process], labels[process])
        _finish(panel, histogram)
        label_axes(panel, histogram.quantity.symbol, _fraction(histogram), histogram.quantity.title)
    return save(figure, folder, name)


def _draw_pairs(
    name: str,
    panels: list[Histogram],
    found: Distributions,
    reference: Distributions,
    colours: dict[str, str],
    labels: ProcessLabels,
    comparisons: list[Comparison],
    folder: Path,
) -> Path:
    """One column for each process; for each panel a row of distributions and a row of ratios."""
    known = {(c.quantity, c.process): c for c in comparisons}
    size = (4.6 * len(found.processes), 4.8 * len(panels))
    figure, grid = new_grid(2 * len(panels), len(found.processes), size, [3, 1.2] * len(panels))
    for row, histogram in enumerate(panels):
        other = reference.histograms[histogram.quantity.name]
        for column, process in enumerate(found.processes):
            above, below = grid[2 * row][column], grid[2 * row + 1][column]
            title = ", ".join(filter(None, (labels[process], histogram.quantity.title)))
            label_axes(above, "", _fraction(histogram), title)
            label_axes(below, histogram.quantity.symbol, "ratio")
            own = shape(histogram, column) if histogram.sums[column].sum() > 0.0 else None
            index = reference.processes.index(process) if process in reference.processes else -1
            theirs = shape(other, index) if index >= 0 and other.sums[index].sum() > 0.0 else None
            if theirs is not None:
                _outline(above, other, *theirs, "#909090", "reference", filled=True)
            if own is not None:
                _outline(above, histogram, *own, colours[process], "sample")
            if own is not None and theirs is not None:
                _ratio(below, histogram, own, theirs, colours[process])
            _finish(above, histogram, known.get((histogram.quantity.name, process)))
            _range(below, histogram)
            above.tick_params(labelbottom=False)
            for axes in (above, below):
                axes.minorticks_off()  # in so many panels they take most of the time of drawing
    return save(figure, folder, name)


def _outline(
    axes: Axes, histogram: Histogram, height: Floats, error: Floats, colour: str, label: str, filled: bool = False
) -> None:
    edges = np.asarray(histogram.quantity.edges)
    if filled:
        axes.stairs(height, edges, color="#d0d0d0", fill=True, label=label)
    else:
        axes.stairs(height, edges, color=colour, label=label, linewidth=1.5)
    axes.errorbar(_centres(histogram), height, error, fmt="none", ecolor=colour, elinewidth=1)


def _ratio(
    axes: Axes, histogram: Histogram, own: tuple[Floats, Floats], theirs: tuple[Floats, Floats], colour: str
) -> None:
    """Sample over reference with the sample's errors; the band is the reference's own error."""
    edges = np.asarray(histogram.quantity.edges)
    there = theirs[0] > 0.0
    divisor = np.where(there, theirs[0], 1.0)
    band = np.where(there, theirs[1] / divisor, 0.0)
    axes.stairs(1.0 + band, edges, baseline=1.0 - band, color="#909090", fill=True, alpha=0.4)
    value, error = own[0] / divisor, own[1] / divisor
    seen = there & (own[0] > 0.0)
    axes.errorbar(
        _centres(histogram)[seen], value[seen], error[seen], fmt="o", markersize=2.5, color=colour, elinewidth=1
    )
    axes.axhline(1.0, color="black", linewidth=0.8)


def _finish(axes: Axes, histogram: Histogram, comparison: Comparison | None = None) -> None:
    """Axes of a distribution: from zero, with head-room for the legend."""
    if histogram.quantity.log_x:
        axes.set_xscale("log")
    axes.set_xlim(histogram.quantity.edges[0], histogram.quantity.edges[-1])
    axes.tick_params(which="both", top=False)  # the legend stands there
    handles, _ = axes.get_legend_handles_labels()
    axes.set_ylim(0.0, 1.3 * max(axes.dataLim.y1, 1e-12))
    title = f"$\\chi^2$/ndf = {comparison.chi2:.1f}/{comparison.ndf}, p = {comparison.p:.2g}" if comparison else None
    if handles:
        axes.legend(
            fontsize=SMALL,
            ncols=min(len(handles), 4),
            loc="upper center",
            frameon=False,
            title=title,
            title_fontsize=SMALL,
        )


def _range(axes: Axes, histogram: Histogram) -> None:
    if histogram.quantity.log_x:
        axes.set_xscale("log")
    axes.set_xlim(histogram.quantity.edges[0], histogram.quantity.edges[-1])
    axes.set_ylim(0.0, MAX_RATIO)


def _centres(histogram: Histogram) -> Floats:
    edges = np.asarray(histogram.quantity.edges)
    middle = np.sqrt(edges[1:] * edges[:-1]) if histogram.quantity.log_x else 0.5 * (edges[1:] + edges[:-1])
    return np.asarray(middle)


def _fraction(histogram: Histogram) -> str:
    return "fraction of entries" if histogram.quantity.figure.startswith("constituent_") else "fraction of events"


def _draw_images(found: Distributions, labels: ProcessLabels, folder: Path) -> Path:
    """A row for each jet, a column for each process; the colours are the same in all."""
    jets, processes = found.images.sums.shape[1], len(found.processes)
    means = np.stack([found.images.mean(process) for process in range(processes)])
    top = max(float(means.max(initial=0.0)), 1e-9)
    figure, grid = new_grid(jets, processes, (4.2 * processes + 0.6, 3.9 * jets))
    for jet in range(jets):
        for process, name in enumerate(found.processes):
            axes = grid[jet][process]
            mesh = axes.pcolormesh(
                IMAGE_EDGES, IMAGE_EDGES, means[process, jet].T, norm=LogNorm(1e-5 * top, top, clip=True),
                cmap="viridis", rasterized=True,
            )  # fmt: skip
            axes.set_aspect("equal")
            axes.minorticks_off()
            label_axes(axes, r"$\eta$", r"$\phi$ [rad]", ", ".join(filter(None, (labels[name], jet_name(jet, jets)))))
            axes.label_outer()
    bar = figure.colorbar(mesh, ax=[axes for row in grid for axes in row], shrink=0.8)
    bar.set_label(r"mean $p_T$ per event and cell [GeV]")
    return save(figure, folder, "jet_image")
