"""Attention maps, Grad-CAM and their figures of one trained network, streaming over events."""

import logging
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from mscat_tf.config import ExplanationSettings
from mscat_tf.errors import ConfigError, InputError
from mscat_tf.files import make_folder
from mscat_tf.interpretation.attention import (
    MeanAttention,
    attention_blocks,
    explanation_model,
    high_scale_labels,
    one_block,
    token_masks,
)
from mscat_tf.interpretation.explain_figures import draw_all
from mscat_tf.interpretation.grad_cam import GradCam, all_zero, gradcam_layers
from mscat_tf.interpretation.store import write_arrays

Arrays = dict[str, NDArray[Any]]
Batches = Callable[[int], Iterator[tuple[Any, ...]]]
log = logging.getLogger(__name__)


class AttentionMaps:
    """Mean scores of every attention block of a network, filled batch by batch.

    Args:
        model: a network of the registry. processes: number of processes.
    """

    def __init__(self, model: keras.Model, processes: int) -> None:
        self.names = [tensor.name for tensor in model.inputs]
        explained = explanation_model(model)
        outputs = {name: one_block(explained, name).output for name in attention_blocks(explained)}
        self.scores = tf.function(keras.Model(explained.inputs, outputs), reduce_retracing=True) if outputs else None
        self.maps = {name: MeanAttention(processes, *tensor.shape[1:]) for name, tensor in outputs.items()}

    def add(self, inputs: Arrays, process: NDArray[Any], weights: NDArray[Any] | None = None) -> None:
        """Add the events of one batch: inputs by name, index of each event's process, optional weights."""
        if self.scores is None:
            return
        inputs = {name: inputs[name] for name in self.names}
        scores = self.scores([tf.constant(values) for values in inputs.values()])
        for name, mean in self.maps.items():
            masks = token_masks(name, inputs, *scores[name].shape[2:])
            mean.add(scores[name].numpy(), *masks, process, weights)

    def arrays(self) -> Arrays:
        """`<block>/mean` `(processes, queries, keys)`, `<block>/per_head` with heads second, `<block>/real_queries`."""
        found: Arrays = {}
        for name, mean in self.maps.items():
            found |= {f"{name}/mean": mean.mean(), f"{name}/per_head": mean.per_head()}
            found[f"{name}/real_queries"] = mean.real_queries
        return found


class GradCamMaps:
    """Grad-CAM of every event and jet with the place of each constituent: 16 bytes a constituent, kept in memory.

    Args:
        model: a network of the registry. layer: see `gradcam_layers`.
    """

    def __init__(self, model: keras.Model, layer: str | None) -> None:
        self.layers = gradcam_layers(model, layer)
        self.columns = list(model.get_layer("constituents_normalisation").columns) if self.layers else []
        self.engine = GradCam(model) if self.layers else None
        self.parts: dict[str, list[NDArray[Any]]] = {}

    def add(self, inputs: Arrays, process: NDArray[Any]) -> None:
        """Add the events of one batch: inputs by name, index of each event's process."""
        if self.engine is None:
            return
        self.parts.setdefault("process", []).append(np.asarray(process, np.int32))
        for jet, layer in self.layers.items():
            mask = np.asarray(inputs[f"mask_{jet}"])
            found = {"maps": self.engine(inputs, layer, mask), "mask": mask}
            for name in ("eta", "phi"):
                if name in self.columns:
                    found[name] = np.where(mask, inputs[f"constituents_{jet}"][..., self.columns.index(name)], 0)
            for name, values in found.items():
                self.parts.setdefault(f"jet_{jet}/{name}", []).append(values)

    def arrays(self) -> Arrays:
        """`process` `(events,)`; for each jet `jet_j/maps`, `mask`, `eta`, `phi` `(events, constituents)`."""
        return {name: np.concatenate(parts) for name, parts in self.parts.items()}


def explain(
    model: keras.Model,
    batches: Batches,
    process_names: Sequence[str],
    settings: ExplanationSettings,
    folder: Path,
    provenance: dict[str, Any],
    progress: Callable[[int, int], None] | None = None,
    token_names: Sequence[str] = (),
) -> dict[str, Any]:
    """Write `attention.h5`, `gradcam.h5` and `figures/*.png|pdf` of a trained network.

    Args:
        model: a network of the registry, trained.
        batches: gives, for a batch size, an iterator over (inputs by name, index of the process `(events,)`), and
            optionally a third item, the weights `(events,)` that the mean attention uses.
        process_names: by index. settings: how many events of each process, how many at once, which layer.
        folder: the run folder. provenance: configuration, seed, versions; written into both files.
        progress: called with (events done, events wanted) after each batch.
        token_names: of the kinematic tokens, for the figures.

    Returns:
        Events used by process name, share of all-zero Grad-CAM maps by jet and process name (None without events),
        attention blocks, labels of the high scale's tokens, paths of the figures.

    Raises:
        InputError: there are no events. OutputError: cannot be written.
        ConfigError: `gradcam_layer` does not exist, or the network has neither attention nor constituents.
    """
    attention, grad_cam = AttentionMaps(model, len(process_names)), GradCamMaps(model, settings.gradcam_layer)
    if not attention.maps and not grad_cam.layers:
        raise ConfigError(
            f"{folder}: network '{model.name}' has neither attention nor constituents, so there are no maps to make; "
            "explain a run of another network, such as mscat"
        )
    make_folder(folder)
    used, wanted = np.zeros(len(process_names), dtype=int), settings.events * len(process_names)
    for inputs, process, weights in _limited(batches(settings.batch_size), len(process_names), settings.events):
        attention.add(inputs, process, weights)
        grad_cam.add(inputs, process)
        used += np.bincount(process, minlength=len(process_names))
        if progress:
            progress(int(used.sum()), wanted)
    if not used.any():
        raise InputError(f"{folder}: the test split holds no events to explain; generate more, or read another sample")
    summary: dict[str, Any] = {"events": dict(zip(process_names, used.tolist(), strict=True))}
    maps, cams = attention.arrays(), grad_cam.arrays()
    summary |= {"blocks": list(attention.maps), "gradcam_layers": grad_cam.layers}
    summary["tokens"] = high_scale_labels(model, token_names)
    summary["all_zero"] = zero_shares(cams, grad_cam.layers, process_names)
    attributes = {**provenance, "processes": list(process_names), **summary}
    write_arrays(folder / "attention.h5", maps, attributes)
    if cams:
        write_arrays(folder / "gradcam.h5", cams, attributes)
    summary["figures"] = draw_all(maps, cams, used, process_names, folder / "figures", summary["tokens"])
    log.info("explained %d events: %s", used.sum(), summary["events"])
    return summary


def zero_shares(
    cams: Arrays, jets: Sequence[int] | dict[int, str], names: Sequence[str]
) -> dict[str, dict[str, float | None]]:
    """Share of events whose Grad-CAM is zero everywhere, by jet and process name; None for a process without events."""
    found: dict[str, dict[str, float | None]] = {}
    for jet in jets:
        empty = all_zero(cams[f"jet_{jet}/maps"])
        chosen = [cams["process"] == index for index in range(len(names))]
        values = [float(empty[rows].mean()) if rows.any() else None for rows in chosen]
        found[f"jet_{jet}"] = dict(zip(names, values, strict=True))
    return found


def _limited(batches: Iterator[tuple[Any, ...]], processes: int, limit: int) -> Iterator[tuple[Arrays, Any, Any]]:
    """Pass on the first `limit` events of each process, and stop reading when all are complete."""
    left = np.full(processes, limit)
    for inputs, process, *weights in batches:
        process = np.asarray(process)
        kept = np.zeros(len(process), dtype=bool)
        for index in range(processes):
            rows = np.flatnonzero(process == index)[: left[index]]
            kept[rows] = True
            left[index] -= len(rows)
        if kept.any():
            chosen = {name: np.asarray(values)[kept] for name, values in inputs.items()}
            yield chosen, process[kept], np.asarray(weights[0])[kept] if weights else None
        if not left.any():
            return
