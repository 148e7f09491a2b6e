"""Attention maps as images; every function returns the Matplotlib axes it drew on."""

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from mscat_tf.evaluation.style import new_grid, save
from mscat_tf.interpretation.attention_plane import HALF_WIDTH

Grid = NDArray[Any]
Array = NDArray[np.floating[Any]]

TOKEN_LABELS = ("leading jet", "subleading jet", "sum")
JET_LABELS = ("leading jet", "subleading jet")
PLANE = HALF_WIDTH
"""Half width of the drawn (eta, phi) plane of the jet frame [rad]."""
BINS = 40


def names_of(known: Sequence[str], number: int, other: str) -> list[str]:
    """The known names where they are so many, else `other 1`, `other 2`, ..."""
    return list(known) if number == len(known) else [f"{other} {index + 1}" for index in range(number)]


def panels(rows: int, columns: int, width: float, height: float, maps: bool = True) -> Grid:
    """Axes `(rows, columns)` of this size each [inches], with room for a colour bar."""
    _, grid = new_grid(rows, columns, (width * columns + 1.2, height * rows + 0.6), maps=maps)
    return np.array(grid, dtype=object)


def figure_of(axes: Grid) -> Any:
    """The figure that holds these axes."""
    return axes.flat[0].figure


def _image(axes: Axes, values: Array, everything: Array, **options: Any) -> Any:
    """Draw scores on a scale that holds `everything`; a row that no event has (all of it is 0) stays grey."""
    axes.set_facecolor("0.85")
    shown = np.where((values != 0).any(axis=-1, keepdims=True), values, np.nan)
    scale = {"vmin": min(0.0, everything.min()), "vmax": everything.max()}
    return axes.imshow(shown, cmap="viridis", aspect="auto", interpolation="nearest", **scale, **options)


def draw_cross_attention(
    mean: Array,
    processes: Sequence[str],
    jets: int = 2,
    labels: Sequence[str] = (),
    what: str = r"constituent, ordered by $p_\mathrm{T}$",
    value: str = "mean cross-attention",
) -> Grid:
    """Mean cross-attention: one row of panels for each process, one column for each jet.

    Args:
        mean: `(processes, tokens, keys)`, mean over events and heads; the keys are the constituents of jet 1, jet 2,
            ..., each ordered by pT, or those of the summed jets (as many keys as constituents).
        processes: their names. jets: sets of constituents among the keys; 1 for summed jets.
        labels: of the tokens. what: a key is. value: what is drawn.

    Returns:
        Axes `(processes, jets)`.
    """
    tokens, keys = mean.shape[1], mean.shape[2] // jets
    titles = ["sum of jets"] if jets == 1 else names_of(JET_LABELS, jets, "jet")
    labels = labels or names_of(TOKEN_LABELS, tokens, "token")
    axes = panels(len(processes), jets, 4.2, 1.5)
    for row, process in enumerate(processes):
        for jet in range(jets):
            place = axes[row, jet]
            part = mean[row, :, jet * keys : (jet + 1) * keys]
            image = _image(place, part, mean, extent=(0.5, keys + 0.5, tokens - 0.5, -0.5))
            place.set_title(f"{process}: {titles[jet]}")
            place.set_yticks(range(tokens), labels if jet == 0 else [""] * tokens)
            if row == len(processes) - 1:
                place.set_xlabel(what)
    figure_of(axes).colorbar(image, ax=axes, label=value, pad=0.01)
    return axes


def draw_self_attention(
    means: Sequence[Array], processes: Sequence[str], what: str = r"ordered by $p_\mathrm{T}$"
) -> Grid:
    """Mean self-attention of the constituents: one row of panels for each jet, one column for each process.

    Args:
        means: for each jet `(processes, queries, keys)`. processes: their names. what: the tokens are, or their order.

    Returns:
        Axes `(jets, processes)`.
    """
    jets, keys = len(means), means[0].shape[-1]
    everything = np.stack(means)
    axes = panels(jets, len(processes), 3.1, 3.0)
    for jet, mean in enumerate(means):
        for column, process in enumerate(processes):
            place = axes[jet, column]
            image = _image(place, mean[column], everything, extent=(0.5, keys + 0.5, keys + 0.5, 0.5))
            place.set_title(f"{process}: {names_of(JET_LABELS, jets, 'jet')[jet]}")
            if column == 0:
                place.set_ylabel(f"query, {what}")
            if jet == jets - 1:
                place.set_xlabel(f"key, {what}")
    figure_of(axes).colorbar(image, ax=axes, label="mean self-attention", pad=0.01)
    return axes


def draw_kinematic_attention(mean: Array, processes: Sequence[str], labels: Sequence[str] = ()) -> Grid:
    """Mean self-attention of the kinematic tokens with its values written in.

    Args:
        mean: `(processes, queries, tokens)`: the tokens are the queries, or there is one, which pools them.
        processes: their names. labels: of the tokens.

    Returns:
        Axes `(1, processes)`.
    """
    queries, tokens = mean.shape[1:]
    labels = labels or names_of(TOKEN_LABELS, tokens, "token")
    asking = labels if queries == tokens else ["learned query"]
    axes = panels(1, len(processes), 2.7, 3.0)
    for place, values, process in zip(axes[0], mean, processes, strict=True):
        image = _image(place, values, mean)
        for query, key in np.ndindex(queries, tokens):
            colour = "white" if values[query, key] < 0.6 * mean.max() else "black"
            place.text(key, query, f"{values[query, key]:.2f}", ha="center", va="center", color=colour)
        place.set_title(process)
        place.set_xticks(range(tokens), labels, rotation=35, ha="right", rotation_mode="anchor")
        place.set_yticks(range(queries), asking if place is axes[0, 0] else [""] * queries)
        place.set_xlabel("key")
    axes[0, 0].set_ylabel("query")
    figure_of(axes).colorbar(image, ax=axes, label="mean self-attention", pad=0.01)
    return axes


def draw_joint_attention(mean: Array, processes: Sequence[str], constituents: dict[str, int]) -> Grid:
    """Mean attention among all tokens of both scales: one panel for each process, with lines between jets and scales.

    Args:
        mean: `(processes, tokens, tokens)`. processes: their names.
        constituents: of each jet, by its label; they are the first tokens, the rest are kinematic ones.

    Returns:
        Axes `(1, processes)`.
    """
    tokens = mean.shape[-1]
    ends = [*np.cumsum([0, *constituents.values()]).tolist(), tokens]
    middles, parts = [(first + last) / 2 for first, last in itertools.pairwise(ends)], [*constituents, "kinematics"]
    axes = panels(1, len(processes), 4.2, 4.2)
    for place, values, process in zip(axes[0], mean, processes, strict=True):
        image = _image(place, values, mean, extent=(0, tokens, tokens, 0))
        for end in ends[1:-1]:
            place.axhline(end, color="white", linewidth=0.6)
            place.axvline(end, color="white", linewidth=0.6)
        place.set_title(process)
        place.set_xticks(middles, parts)
        place.set_yticks(middles, parts if place is axes[0, 0] else [""] * len(parts))
        place.set_xlabel("key")
    axes[0, 0].set_ylabel("query")
    figure_of(axes).colorbar(image, ax=axes, label="mean attention", pad=0.01)
    return axes


def plane_density(eta: Array, phi: Array, shares: Array) -> NDArray[np.float64]:
    """Share of Grad-CAM per unit area of the (eta, phi) plane, `(BINS, BINS)` with eta first [1 / rad].

    Args:
        eta, phi: `(events, constituents)` in the jet frame. shares: same shape, each event summing to 1 or 0.

    Events without any share do not count; the integral over the plane is 1 when all constituents lie inside.
    """
    density: NDArray[np.float64] = filled_plane(eta, phi, shares) / max(int(np.count_nonzero(shares.sum(axis=1))), 1)
    return density


def filled_plane(eta: Array, phi: Array, weights: Array) -> NDArray[np.float64]:
    """Sum of weights per unit area of the plane, `(BINS, BINS)` with eta first."""
    edges = np.linspace(-PLANE, PLANE, BINS + 1)
    filled, _, _ = np.histogram2d(eta.ravel(), phi.ravel(), bins=(edges, edges), weights=weights.ravel())
    density: NDArray[np.float64] = filled / (edges[1] - edges[0]) ** 2
    return density


def save_figure(axes: Grid, folder: str | Path, name: str) -> list[Path]:
    """Write the figure of these axes as `name.png` and `name.pdf`.

    Raises:
        OutputError: they cannot be written.
    """
    path = save(figure_of(axes), folder, name)
    return [path, path.with_suffix(".pdf")]
