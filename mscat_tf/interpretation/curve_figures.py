"""Numbers of attention as points and lines: entropy of every head, attention by rank and by distance to the truth."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes

from mscat_tf.evaluation.style import label_axes
from mscat_tf.interpretation.figures import JET_LABELS, Array, Grid, figure_of, names_of, panels

HEADS = {"entropy": "entropy / ln(keys)", "sparsity": "sparsity"}
GAP = 1.0
"""Between blocks, in heads."""


def draw_heads(numbers: Mapping[str, Mapping[str, Array]], processes: Sequence[str], colours: Sequence[str]) -> Grid:
    """How concentrated every head is: a row of points for each quantity, blocks side by side.

    Args:
        numbers: by block `entropy`, `entropy_error`, `sparsity`, `sparsity_error` `(processes, heads)`.
        processes: their names. colours: of each.

    Returns:
        Axes `(2, 1)`.
    """
    heads = {block: of["entropy"].shape[1] for block, of in numbers.items()}
    starts = np.cumsum([0.0, *(count + GAP for count in heads.values())])
    axes = panels(len(HEADS), 1, max(0.13 * starts[-1] + 2.0, 6.0), 2.6, maps=False)
    for (place,), (quantity, title) in zip(axes, HEADS.items(), strict=True):
        for block, start in zip(numbers, starts, strict=False):
            values, errors = numbers[block][quantity], numbers[block][f"{quantity}_error"]
            for index, colour in enumerate(colours):
                x = start + np.arange(heads[block]) + 0.22 * (index - (len(colours) - 1) / 2)
                label = processes[index] if start == 0 else None
                place.errorbar(x, values[index], errors[index], fmt="o", markersize=3, color=colour, label=label)
        for start in starts[1:-1]:
            place.axvline(start - (1 + GAP) / 2, color="0.8", linewidth=0.8)
        place.minorticks_off()
        place.set_xlim(-1.0, starts[-1] - GAP)
        place.set_ylim(-0.03, 1.06)
        place.set_ylabel(title, loc="top")
        place.tick_params(axis="x", which="both", length=0, labelbottom=False)
    last = axes[-1, 0]
    middles = [start + (count - 1) / 2 for start, count in zip(starts, heads.values(), strict=False)]
    last.set_xticks(middles, [block.replace("_", " ") for block in heads], rotation=25, ha="right", fontsize=10)
    last.tick_params(axis="x", labelbottom=True)
    last.set_xlabel("heads of each block", loc="right")
    axes[0, 0].legend(ncols=len(processes), loc="lower right", bbox_to_anchor=(1.0, 1.0))
    return axes


def draw_ranks(
    mean: Sequence[Array],
    error: Sequence[Array],
    even: Sequence[Array],
    processes: Sequence[str],
    readers: Sequence[str],
    colours: Sequence[str],
) -> Grid:
    """Attention to the constituent of each rank in pT: a row for each reader, a column for each jet.

    Args:
        mean, error, even: for each jet `(processes, readers, constituents)`; `even`, dashed, is what an even spread
            over the jet's constituents would give. processes, readers: their names. colours: of the processes.
    """
    jets = len(mean)
    axes = panels(len(readers), jets, 4.6, 2.6, maps=False)
    for (row, jet), place in np.ndenumerate(axes):
        rank = np.arange(1, mean[jet].shape[-1] + 1)
        for index, colour in enumerate(colours):
            value, off = mean[jet][index, row], np.nan_to_num(error[jet][index, row])
            place.fill_between(rank, value - off, value + off, color=colour, alpha=0.25, linewidth=0)
            place.plot(rank, value, color=colour, label=processes[index])
            place.plot(rank, even[jet][index, row], color=colour, linestyle="--", linewidth=1)
        place.set_ylim(0, 1.25 * max(float(values[:, row].max(initial=1e-9)) for values in mean))
        place.set_xlim(0.5, len(rank) + 0.5)
        place.minorticks_off()  # in so many panels they take most of the time of drawing
        _label_panel(axes, (row, jet), readers[row], r"rank of the constituent in $p_\mathrm{T}$", "attention")
    return _explained(axes, {"--": "evenly spread"})


def draw_truth(
    curves: Sequence[Mapping[str, tuple[Array, Array]]],
    edges: Array,
    processes: Sequence[str],
    readers: Sequence[str],
    colours: Sequence[str],
) -> Grid:
    """Share of the attention to a jet by distance to the nearest b hadron: a row for each reader, a column each jet.

    Args:
        curves: for each jet mean and error `(processes, readers, bins)` of `attention`, and of `momentum` and `number`
            (one reader), what a reader that follows transverse momentum, or counts constituents, would give.
        edges: `(bins + 1,)`; the last bin is open. processes, readers: their names. colours: of the processes.
    """
    jets = len(curves)
    axes = panels(len(readers), jets, 4.6, 2.6, maps=False)
    shown = np.append(edges[:-1], min(edges[-1], 2 * edges[-2] - edges[-3]))
    for (row, jet), place in np.ndenumerate(axes):
        value, error = curves[jet]["attention"]
        for index, colour in enumerate(colours):
            if not value[index].any():
                continue
            middle = 0.5 * (shown[1:] + shown[:-1])
            place.stairs(value[index, row], shown, color=colour, label=processes[index], linewidth=1.5)
            place.errorbar(middle, value[index, row], error[index, row], fmt="none", ecolor=colour, elinewidth=1)
            for name, dashes in (("momentum", "--"), ("number", ":")):
                place.stairs(curves[jet][name][0][index, 0], shown, color=colour, linestyle=dashes, linewidth=1)
        place.set_xlim(shown[0], shown[-1])
        place.minorticks_off()
        place.set_ylim(bottom=0)
        _label_panel(axes, (row, jet), readers[row], r"$\Delta R$ to the nearest b hadron", "share of attention")
    return _explained(axes, {"--": r"follows $p_\mathrm{T}$", ":": "counts constituents"})


def _label_panel(axes: Grid, where: tuple[int, int], reader: str, x: str, y: str) -> None:
    """Who reads which jet; names of the axes in the last row and the first column alone."""
    (row, jet), (rows, jets) = where, axes.shape
    title = f"{reader} reads the {names_of(JET_LABELS, jets, 'jet')[jet]}"
    label_axes(axes[where], x if row == rows - 1 else "", y if jet == 0 else "", title)


def _explained(axes: Grid, dashes: Mapping[str, str]) -> Grid:
    """One legend above the figure: the processes, and what dashes mean."""
    first: Axes = axes[0, 0]
    for style, text in dashes.items():
        first.plot([], [], color="grey", linestyle=style, linewidth=1, label=text)
    handles, labels = first.get_legend_handles_labels()
    figure_of(axes).legend(handles, labels, loc="outside upper center", ncols=len(labels), frameon=False, fontsize=10)
    return axes
