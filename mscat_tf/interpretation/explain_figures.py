"""Which figures an explanation draws from its arrays."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mscat_tf.interpretation.figures import (
    Grid,
    draw_cross_attention,
    draw_grad_cam,
    draw_joint_attention,
    draw_kinematic_attention,
    draw_self_attention,
    plane_density,
    save_figure,
)
from mscat_tf.interpretation.grad_cam import shares

Arrays = dict[str, NDArray[Any]]
Figures = dict[str, Grid]
ORDERS = {"constituents": r"ordered by $p_\mathrm{T}$", "lund": "parents first"}
"""How the tokens of each low-scale stream are ordered."""
NAMES = {"constituents": "constituent", "lund": "declustering"}


def draw_all(
    maps: Arrays,
    cams: Arrays,
    used: NDArray[np.int64],
    process_names: Sequence[str],
    folder: Path,
    labels: Sequence[str] = (),
) -> list[str]:
    """Draw the figures that these arrays allow; processes without events are left out.

    Args:
        maps: arrays of `AttentionMaps`. cams: arrays of `GradCamMaps`. used: events of each process.
        process_names: by index. folder: where the figures go. labels: of the tokens of the high scale.

    Returns:
        Paths of the PNG and PDF files.
    """
    shown = np.flatnonzero(used).tolist()
    names = [process_names[index] for index in shown]
    means = {name.removesuffix("/mean"): array[shown] for name, array in maps.items() if name.endswith("/mean")}
    drawn = {
        f"attention_{block}": draw_kinematic_attention(means[block], names, labels)
        for block in [*_series(means, "kinematics"), *(["kinematics_pooled"] if "kinematics_pooled" in means else [])]
    }
    seen = sorted({int(match[1]) for match in (re.fullmatch(r"jet_(\d+)/maps", name) for name in cams) if match})
    drawn |= _inside_jets(means, names) | draw_across_scales(means, names, labels)
    for block in _series(means, "joint"):
        constituents = {f"jet {jet}": cams[f"jet_{jet}/maps"].shape[1] for jet in seen}
        drawn[f"attention_{block}"] = draw_joint_attention(means[block], names, constituents)
    if seen and f"jet_{seen[0]}/eta" in cams and f"jet_{seen[0]}/phi" in cams:
        drawn["gradcam"] = draw_grad_cam(_densities(cams, seen, shown), names)
    return [str(path) for name, axes in drawn.items() for path in save_figure(axes, folder, name)]


def _inside_jets(means: Arrays, names: Sequence[str]) -> Figures:
    drawn: Figures = {}
    for stream, order in ORDERS.items():
        for number in _numbers(means, f"{stream}_1"):
            per_jet = [means[f"{stream}_{jet}_block_{number}"] for jet in range(1, _jets(means, stream) + 1)]
            drawn[f"attention_{stream}_block_{number}"] = draw_self_attention(per_jet, names, order)
    return drawn


def draw_across_scales(means: Arrays, names: Sequence[str], labels: Sequence[str] = ()) -> Figures:
    """Cross-attention of `mscat`: a figure for each stream among its keys.

    Args:
        means: `(processes, queries, keys)` by block. names: of the processes. labels: of the tokens of the high scale.

    Returns:
        Axes by the name of the figure.
    """
    drawn: Figures = {}
    sizes = {name: means[f"{name}_1_block_1"].shape[-1] for name in ORDERS if f"{name}_1_block_1" in means}
    for block in _series(means, "cross"):
        added, start = means[block].shape[-1] == sum(sizes.values()), 0
        for stream, size in sizes.items():
            jets = 1 if added else _jets(means, stream)
            part = means[block][..., start : start + jets * size]
            start += jets * size
            name = f"attention_{block}" if len(sizes) == 1 else f"attention_{block}_{stream}"
            drawn[name] = draw_cross_attention(part, names, jets, labels, f"{NAMES[stream]}, {ORDERS[stream]}")
    return drawn


def _jets(means: Arrays, stream: str) -> int:
    return sum(re.fullmatch(rf"{stream}_\d+_block_1", name) is not None for name in means)


def _numbers(means: Arrays, prefix: str) -> list[int]:
    found = (re.fullmatch(prefix + r"_block_(\d+)", name) for name in means)
    return sorted(int(match[1]) for match in found if match)


def _series(means: Arrays, prefix: str) -> list[str]:
    return [f"{prefix}_block_{number}" for number in _numbers(means, prefix)]


def _densities(cams: Arrays, jets: Sequence[int], shown: list[int]) -> NDArray[np.float64]:
    def one(jet: int, process: int) -> NDArray[np.float64]:
        rows = cams["process"] == process
        maps, eta, phi = (cams[f"jet_{jet}/{name}"][rows] for name in ("maps", "eta", "phi"))
        return plane_density(eta, phi, shares(maps))

    return np.stack([[one(jet, process) for process in shown] for jet in jets])
