"""Which figures an explanation draws from its arrays."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mscat_tf.interpretation.figures import (
    draw_cross_attention,
    draw_grad_cam,
    draw_kinematic_attention,
    draw_self_attention,
    plane_density,
    save_figure,
)
from mscat_tf.interpretation.grad_cam import shares

Arrays = dict[str, NDArray[Any]]


def draw_all(
    maps: Arrays, cams: Arrays, used: NDArray[np.int64], process_names: Sequence[str], folder: Path
) -> list[str]:
    """Draw the figures that these arrays allow; processes without events are left out.

    Args:
        maps: arrays of `AttentionMaps`. cams: arrays of `GradCamMaps`. used: events of each process.
        process_names: by index. folder: where the figures go.

    Returns:
        Paths of the PNG and PDF files.
    """
    shown = np.flatnonzero(used).tolist()
    names = [process_names[index] for index in shown]
    means = {name.removesuffix("/mean"): array[shown] for name, array in maps.items() if name.endswith("/mean")}
    drawn = {
        f"attention_{block}": draw_kinematic_attention(means[block], names) for block in _series(means, "kinematics")
    }
    jets = sorted({int(name.split("_")[1]) for name in means if name.startswith("constituents_")})
    for number in _numbers(means, "constituents_1"):
        per_jet = [means[f"constituents_{jet}_block_{number}"] for jet in jets]
        drawn[f"attention_constituents_block_{number}"] = draw_self_attention(per_jet, names)
    for block in _series(means, "cross"):
        together = means["constituents_1_block_1"].shape[-1] == means[block].shape[-1]
        drawn[f"attention_{block}"] = draw_cross_attention(means[block], names, 1 if together else len(jets))
    seen = sorted({int(match[1]) for match in (re.fullmatch(r"jet_(\d+)/maps", name) for name in cams) if match})
    if seen and f"jet_{seen[0]}/eta" in cams and f"jet_{seen[0]}/phi" in cams:
        drawn["gradcam"] = draw_grad_cam(_densities(cams, seen, shown), names)
    return [str(path) for name, axes in drawn.items() for path in save_figure(axes, folder, name)]


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
