"""Publication-ready figures of attention maps and Grad-CAM; every function returns the Matplotlib axes it drew on."""

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import mplhep
import numpy as np
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from numpy.typing import NDArray

from mscat_tf.files import atomic_path

Grid = NDArray[Any]
Array = NDArray[np.floating[Any]]

STYLE = [
    mplhep.style.ATLAS,
    {"font.size": 11, "axes.labelsize": 11, "axes.titlesize": 11, "xtick.labelsize": 9, "ytick.labelsize": 9}
    | {"xtick.minor.visible": False, "ytick.minor.visible": False, "savefig.dpi": 200, "figure.facecolor": "white"}
    | {"xtick.direction": "out", "ytick.direction": "out", "xtick.top": False, "ytick.right": False}
    | {"xtick.major.size": 3, "ytick.major.size": 3, "ytick.minor.size": 2}
    | {"xaxis.labellocation": "center", "yaxis.labellocation": "center"},
]
TOKEN_LABELS = ("leading jet", "subleading jet", "sum")
JET_LABELS = ("leading jet", "subleading jet")
PLANE = 1.0
"""Half width of the drawn (eta, phi) plane of the jet frame: the radius of the fat jets."""
BINS = 40


def _labels(known: Sequence[str], number: int, other: str) -> list[str]:
    return list(known) if number == len(known) else [f"{other} {index + 1}" for index in range(number)]


def _panels(rows: int, columns: int, width: float, height: float) -> tuple[Figure, Grid]:
    figure = Figure(figsize=(width * columns + 1.2, height * rows + 0.6), layout="constrained")
    return figure, figure.subplots(rows, columns, squeeze=False)


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
) -> Grid:
    """Mean cross-attention: one row of panels for each process, one column for each jet.

    Args:
        mean: `(processes, tokens, keys)`, mean over events and heads; the keys are the constituents of jet 1, jet 2,
            ..., each ordered by pT, or those of the summed jets (as many keys as constituents).
        processes: their names. jets: sets of constituents among the keys; 1 for summed jets.
        labels: of the tokens. what: a key is.

    Returns:
        Axes `(processes, jets)`.
    """
    tokens, keys = mean.shape[1], mean.shape[2] // jets
    titles = ["sum of jets"] if jets == 1 else _labels(JET_LABELS, jets, "jet")
    labels = labels or _labels(TOKEN_LABELS, tokens, "token")
    with style.context(STYLE):
        figure, axes = _panels(len(processes), jets, 4.2, 1.5)
        for row, process in enumerate(processes):
            for jet in range(jets):
                place = axes[row, jet]
                part = mean[row, :, jet * keys : (jet + 1) * keys]
                image = _image(place, part, mean, extent=(0.5, keys + 0.5, tokens - 0.5, -0.5))
                place.set_title(f"{process}: {titles[jet]}")
                place.set_yticks(range(tokens), labels if jet == 0 else [""] * tokens)
                if row == len(processes) - 1:
                    place.set_xlabel(what)
        figure.colorbar(image, ax=axes, label="mean cross-attention", pad=0.01)
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
    with style.context(STYLE):
        figure, axes = _panels(jets, len(processes), 3.1, 3.0)
        for jet, mean in enumerate(means):
            for column, process in enumerate(processes):
                place = axes[jet, column]
                image = _image(place, mean[column], everything, extent=(0.5, keys + 0.5, keys + 0.5, 0.5))
                place.set_title(f"{process}: {_labels(JET_LABELS, jets, 'jet')[jet]}")
                if column == 0:
                    place.set_ylabel(f"query, {what}")
                if jet == jets - 1:
                    place.set_xlabel(f"key, {what}")
        figure.colorbar(image, ax=axes, label="mean self-attention", pad=0.01)
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
    labels = labels or _labels(TOKEN_LABELS, tokens, "token")
    asking = labels if queries == tokens else ["learned query"]
    with style.context(STYLE):
        figure, axes = _panels(1, len(processes), 2.7, 3.0)
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
        figure.colorbar(image, ax=axes, label="mean self-attention", pad=0.01)
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
    with style.context(STYLE):
        figure, axes = _panels(1, len(processes), 4.2, 4.2)
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
        figure.colorbar(image, ax=axes, label="mean attention", pad=0.01)
    return axes


def plane_density(eta: Array, phi: Array, shares: Array) -> NDArray[np.float64]:
    """Share of Grad-CAM per unit area of the (eta, phi) plane, `(BINS, BINS)` with eta first [1 / rad].

    Args:
        eta, phi: `(events, constituents)` in the jet frame. shares: same shape, each event summing to 1 or 0.

    Events without any share do not count; the integral over the plane is 1 when all constituents lie inside.
    """
    edges = np.linspace(-PLANE, PLANE, BINS + 1)
    counted = max(int(np.count_nonzero(shares.sum(axis=1))), 1)
    filled, _, _ = np.histogram2d(eta.ravel(), phi.ravel(), bins=(edges, edges), weights=shares.ravel())
    density: NDArray[np.float64] = filled / counted / (edges[1] - edges[0]) ** 2
    return density


def draw_grad_cam(densities: Array, processes: Sequence[str]) -> Grid:
    """Grad-CAM in the (eta, phi) plane of the jet frame: one row of panels for each jet, one column for each process.

    Args:
        densities: `(jets, processes, BINS, BINS)` from `plane_density`. processes: their names.

    Returns:
        Axes `(jets, processes)`.
    """
    jets, top = len(densities), max(float(densities.max()), 1e-12)
    norm, colours = LogNorm(top / 1e3, top), "magma"
    with style.context(STYLE):
        figure, axes = _panels(jets, len(processes), 2.8, 2.8)
        for (jet, column), place in np.ndenumerate(axes):
            image = place.imshow(
                np.maximum(densities[jet, column].T, top / 1e3),
                **{"norm": norm, "cmap": colours, "origin": "lower", "extent": (-PLANE, PLANE, -PLANE, PLANE)},
            )
            place.set_title(f"{processes[column]}: {_labels(JET_LABELS, jets, 'jet')[jet]}")
            place.set_xticks((-PLANE, 0, PLANE))
            place.set_yticks((-PLANE, 0, PLANE))
            if column == 0:
                place.set_ylabel(r"$\phi$ in the jet frame [rad]")
            if jet == jets - 1:
                place.set_xlabel(r"$\eta$ in the jet frame")
        figure.colorbar(image, ax=axes, label="share of Grad-CAM per unit area [1/rad]", pad=0.01, extend="min")
    return axes


def save_figure(axes: Grid, folder: str | Path, name: str) -> list[Path]:
    """Write the figure of these axes as `name.png` and `name.pdf`, atomically.

    Raises:
        OutputError: they cannot be written.
    """
    figure, paths = axes.flat[0].figure, []
    with style.context(STYLE):
        figure.draw_without_rendering()
    figure.set_layout_engine("none")  # laid out once, here; with an engine every saving does it twice
    for extension in ("png", "pdf"):
        path = Path(folder) / f"{name}.{extension}"
        metadata = {"CreationDate": None} if extension == "pdf" else None
        with atomic_path(path) as temporary, style.context(STYLE):
            figure.savefig(temporary, format=extension, metadata=metadata)
        paths.append(path)
    return paths
