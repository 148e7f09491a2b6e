"""Which figures an explanation draws from its files."""

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mscat_tf.evaluation.process_labels import process_labels
from mscat_tf.evaluation.style import process_colours
from mscat_tf.explanation import ATTENTION_FILE, GRAD_CAM_FILE, STORED_AS, StoredMaps
from mscat_tf.interpretation.check_figures import (
    METHODS,
    draw_importance,
    draw_insertion_deletion,
    draw_randomisation,
)
from mscat_tf.interpretation.curve_figures import draw_heads, draw_ranks, draw_truth
from mscat_tf.interpretation.figures import (
    JET_LABELS,
    Grid,
    draw_cross_attention,
    draw_joint_attention,
    draw_kinematic_attention,
    draw_self_attention,
    names_of,
    plane_density,
    save_figure,
)
from mscat_tf.interpretation.plane_figures import draw_planes, shares, signed_density

Arrays = Mapping[str, NDArray[Any]]
Figures = dict[str, Grid]
BY_PT = r"ordered by $p_\mathrm{T}$"
ORDERS = {"constituents": BY_PT, "lund": "parents first", "subjets": BY_PT}
"""How the tokens of each low-scale stream are ordered."""
NAMES = {"constituents": "constituent", "lund": "declustering", "subjets": "subjet"}
VERDICTS = ("all", "right", "wrong")
LEAST_EVENTS = 20
"""Of a group on one side of the working point; fewer show the events, not the network."""
TRUTH = {"attention": "truth", "momentum": "truth_pt", "number": "truth_number"}
"""Curves of `draw_truth` by the arrays that hold them."""
STUDIES: dict[str, Callable[[Mapping[str, Any]], Grid]] = {
    "insertion_deletion": draw_insertion_deletion,
    "randomisation": draw_randomisation,
    "importance": draw_importance,
}
DRAWN_EVENTS = 5000
"""Of each process at most, in figures of attributions, so that memory is bounded."""


class Material:
    """What the files of an explanation hold, for the processes that have events.

    Args:
        folder: of the run. summary: `explanation.json`. configuration: of the sample.
    """

    def __init__(self, folder: Path, summary: Mapping[str, Any], configuration: Mapping[str, Any] | None) -> None:
        files, processes = summary["files"], list(summary["events"])
        stored = {name: StoredMaps(folder / name) for name in files}
        self.maps: Arrays = stored.get(ATTENTION_FILE, {})
        self.cams = stored.get(GRAD_CAM_FILE)
        self.about = stored[ATTENTION_FILE].attributes if ATTENTION_FILE in files else {}
        self.groups = summary["groups"]
        self.tokens: Sequence[str] = summary["tokens"]
        self.shown = [index for index, events in enumerate(summary["events"].values()) if events]
        labels = process_labels(processes, configuration)
        self.names = [labels[processes[index]] for index in self.shown]
        kinds = [group["name"] == "signal" for group in self.groups[: len(processes)]]
        self.signal = [kinds[index] for index in self.shown]
        colours = process_colours([int(kind) for kind in kinds])
        self.colours = [colours[index] for index in self.shown]

    @property
    def means(self) -> dict[str, NDArray[Any]]:
        """Mean attention `(shown processes, queries, keys)` by block."""
        names = [name for name in self.maps if name.endswith("/mean")]
        return {name.removesuffix("/mean"): self.maps[name][self.shown] for name in names}

    def per_jet(self, prefix: str, block: str = "") -> list[NDArray[Any]]:
        """Arrays `<prefix>/[<block>/]jet_j` of the shown processes, jet by jet; none where there are none.

        Of a block that each jet has for itself (`constituents_1_cross_2`) those of all jets.
        """
        start = re.sub(r"(constituents|subjets)_\d+", r"\1_\\d+", f"{prefix}/{block}/" if block else f"{prefix}/")
        found = {int(match[1]): name for name in self.maps if (match := re.fullmatch(start + r"jet_(\d+)", name))}
        return [self.maps[name][self.shown] for _, name in sorted(found.items())]

    @property
    def last_reading(self) -> str | None:
        """The last block that is projected onto constituents."""
        found = {name.split("/")[1] for name in self.maps if name.startswith("plane/")}
        numbers = {name: re.search(r"(\d+)$", name) for name in found}  # pooling has none: a block comes first
        return max(found, key=lambda name: (int(number[1]) if (number := numbers[name]) else 0, name), default=None)


def draw_all(folder: Path, summary: Mapping[str, Any], configuration: Mapping[str, Any] | None = None) -> list[str]:
    """Draw every figure that the files of a run folder allow; processes without events are left out.

    Args:
        folder: of the run, with `attention.h5` and `gradcam.h5`; the figures go to `figures/` in it.
        summary: what `explanation.json` holds, or will hold. configuration: of the sample, to name its processes.

    Returns:
        Paths of the PNG and PDF files.

    Raises:
        InputError: a file is missing or damaged. OutputError: a figure cannot be written.
    """
    material = Material(folder, summary, configuration)
    drawings: list[Callable[[], Figures]] = [
        lambda: draw_maps(material),
        lambda: draw_places(material),
        lambda: draw_attributions(material),
        lambda: {name: draw(summary[name]) for name, draw in STUDIES.items() if _done(summary.get(name))},
    ]
    return [
        str(path)
        for drawing in drawings
        for name, axes in drawing().items()
        for path in save_figure(axes, folder / "figures", name)
    ]


def _done(study: Mapping[str, Any] | None) -> bool:
    return study is not None and "refused" not in study


def draw_maps(material: Material) -> Figures:
    """Mean attention of every block, how concentrated its heads are, rollout."""
    means, names, labels = material.means, material.names, material.tokens
    pooled = ["kinematics_pooled"] if "kinematics_pooled" in means else []
    drawn = {
        f"attention_{block}": draw_kinematic_attention(means[block], names, labels)
        for block in [*_series(means, "kinematics"), *pooled]
    }
    drawn |= _inside_jets(means, names) | draw_across_scales(means, names, labels)
    for block in _series(means, "joint"):
        masks = sorted(name for name in material.maps if re.fullmatch(r"events/jet_\d+/mask", name))
        constituents = {f"jet {jet}": material.maps[name].shape[1] for jet, name in enumerate(masks, start=1)}
        drawn[f"attention_{block}"] = draw_joint_attention(means[block], names, constituents)
    if means:
        numbers = {
            block: {
                f"{quantity}{ending}": material.maps[f"{block}/{quantity}{ending}"][material.shown]
                for quantity in ("entropy", "sparsity")
                for ending in ("", "_error")
            }
            for block in means
        }
        drawn["attention_heads"] = draw_heads(numbers, names, material.colours)
    rollout = material.per_jet("rollout")
    if rollout and all(a.shape[1] == rollout[0].shape[1] for a in rollout):
        mean = np.concatenate(rollout, axis=-1)
        rows = material.about.get("rollout_rows", ())
        drawn["attention_rollout"] = draw_cross_attention(mean, names, len(rollout), rows, value="attention rollout")
    return drawn


def draw_places(material: Material) -> Figures:
    """Where in the jets the last block that reads constituents looks: plane, rank in pT, distance to b hadrons."""
    block = material.last_reading
    if block is None:
        return {}
    readers, names, colours = material.about["readers"][block], material.names, material.colours
    drawn: Figures = {}
    planes = material.per_jet("plane", block)
    for jet, plane in enumerate(planes):
        title = names_of(JET_LABELS, len(planes), "jet")[jet]
        rows = [f"{reader} reads {title}" for reader in readers]
        what = "attention per unit area [1/rad]"
        drawn[f"attention_plane_jet_{jet + 1}"] = draw_planes(plane.swapaxes(0, 1), rows, names, what)
        if any(material.signal) and not all(material.signal):
            less, pairs = differences(plane, names, material.signal)
            what = "difference of attention per unit area [1/rad]"
            drawn[f"attention_plane_difference_jet_{jet + 1}"] = draw_planes(less, rows, pairs, what, signed=True)
    rank, error, even = (material.per_jet(name, block) for name in ("rank", "rank_error", "rank_even"))
    if rank:
        drawn["attention_by_rank"] = draw_ranks(rank, error, even, names, readers, colours)
    truth = [material.per_jet(f"{name}{ending}", block) for name in TRUTH.values() for ending in ("", "_error")]
    if all(truth):
        curves = [
            {name: (truth[2 * place][jet], truth[2 * place + 1][jet]) for place, name in enumerate(TRUTH)}
            for jet in range(len(truth[0]))
        ]
        edges = np.array(material.about["truth_edges"])
        drawn["attention_by_b_distance"] = draw_truth(curves, edges, names, readers, colours)
    return drawn | _by_verdict(material, block, readers)


def differences(plane: NDArray[Any], names: Sequence[str], signal: Sequence[bool]) -> tuple[NDArray[Any], list[str]]:
    """First signal less each background, `(readers, backgrounds, bins, bins)`, and what to call it.

    Args:
        plane: `(processes, readers, bins, bins)`. names, signal: of the processes.
    """
    first = list(signal).index(True)
    backgrounds = [index for index, kind in enumerate(signal) if not kind]
    found = np.stack([plane[first] - plane[index] for index in backgrounds], axis=1)
    return found, [f"{names[first]} $-$ {names[index]}" for index in backgrounds]


def _by_verdict(material: Material, block: str, readers: Sequence[str]) -> Figures:
    """Attention of events on the right and on the wrong side of the working point, where there are enough of them."""
    processes = len(material.groups) // len(VERDICTS)
    chosen = [
        (verdict * processes + index, f"{name}, {VERDICTS[verdict]}")
        for index, name in zip(material.shown, material.names, strict=True)
        for verdict in (1, 2)
    ]
    mean = material.maps.get(f"{block}/mean")
    if mean is None or not block.startswith("cross_"):
        return {}
    events = material.maps[f"{block}/real_queries"].max(axis=1)
    chosen = [(group, name) for group, name in chosen if events[group] >= LEAST_EVENTS]
    groups, names = [group for group, _ in chosen], [name for _, name in chosen]
    if not groups:
        return {}
    drawn = draw_across_scales(material.means | {block: mean[groups]}, names, readers, (block,))
    return {f"{name}_right_and_wrong": axes for name, axes in drawn.items()}


def draw_attributions(material: Material) -> Figures:
    """Class activation maps and integrated gradients in the plane of each jet."""
    cams, names = material.cams, material.names
    if cams is None:
        return {}
    jets = sorted(name.removesuffix("/eta") for name in cams if re.fullmatch(r"jet_\d+/eta", name))
    if not jets or any(f"{jet}/phi" not in cams for jet in jets):
        return {}
    titles = names_of(JET_LABELS, len(jets), "jet")
    drawn: Figures = {}
    for method, what in METHODS.items():
        stored = STORED_AS.get(method, method)
        if any(f"{jet}/{stored}" not in cams for jet in jets):
            continue
        signed = method == "integrated_gradients"
        densities = np.stack([[_density(cams, jet, stored, index, signed) for index in material.shown] for jet in jets])
        unit = "logit per unit area [1/rad]" if signed else f"share of {what} per unit area [1/rad]"
        text = f"{what}: {unit}" if signed else unit
        drawn[method.replace("grad_cam", "gradcam")] = draw_planes(densities, titles, names, text, signed)
    return drawn


def _density(cams: StoredMaps, jet: str, stored: str, process: int, signed: bool) -> NDArray[np.float64]:
    rows = np.flatnonzero(cams["process"] == process)[:DRAWN_EVENTS]
    piece = slice(rows[0], rows[-1] + 1)  # a list of rows HDF5 reads a hundred times slower
    values, eta, phi = (cams.read(f"{jet}/{name}", piece)[rows - rows[0]] for name in (stored, "eta", "phi"))
    return signed_density(eta, phi, values) if signed else plane_density(eta, phi, shares(values))


def _inside_jets(means: Arrays, names: Sequence[str]) -> Figures:
    drawn: Figures = {}
    for stream, order in ORDERS.items():
        for number in _numbers(means, f"{stream}_1"):
            per_jet = [means[f"{stream}_{jet}_block_{number}"] for jet in range(1, _jets(means, stream) + 1)]
            drawn[f"attention_{stream}_block_{number}"] = draw_self_attention(per_jet, names, order)
    return drawn


def draw_across_scales(
    means: Arrays, names: Sequence[str], labels: Sequence[str] = (), blocks: Sequence[str] = ()
) -> Figures:
    """Cross-attention of `mscat`: a figure for each stream among its keys.

    Args:
        means: `(processes, queries, keys)` by block. names: of the processes. labels: of the tokens of the high scale.
        blocks: which; all by default.

    Returns:
        Axes by the name of the figure.
    """
    drawn: Figures = {}
    sizes = {name: means[f"{name}_1_block_1"].shape[-1] for name in ORDERS if f"{name}_1_block_1" in means}
    if "subjets_1_cross_1" in means:  # then the kinematics read the subjets of `mixer` alone
        sizes = {"subjets": means["subjets_1_cross_1"].shape[-2]}
    for block in blocks or _series(means, "cross"):
        added, start = means[block].shape[-1] == sum(sizes.values()), 0
        for stream, size in sizes.items():
            jets = 1 if added else _jets(means, stream)
            part = means[block][..., start : start + jets * size]
            start += jets * size
            name = f"attention_{block}" if len(sizes) == 1 else f"attention_{block}_{stream}"
            drawn[name] = draw_cross_attention(part, names, jets, labels, f"{NAMES[stream]}, {ORDERS[stream]}")
    return drawn


def _jets(means: Arrays, stream: str) -> int:
    return len({match[1] for name in means if (match := re.fullmatch(rf"{stream}_(\d+)_(block|cross)_1", name))})


def _numbers(means: Arrays, prefix: str) -> list[int]:
    found = (re.fullmatch(prefix + r"_block_(\d+)", name) for name in means)
    return sorted(int(match[1]) for match in found if match)


def _series(means: Arrays, prefix: str) -> list[str]:
    return [f"{prefix}_block_{number}" for number in _numbers(means, prefix)]
