"""What each constituent and each number of an event adds to its score: the parts that fill `gradcam.h5`.

The studies, which ask whether such maps can be believed, are in `attribution_studies`.
"""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from mscat_tf.config import ExplanationSettings
from mscat_tf.explanation import GRAD_CAM_FILE, STORED_AS
from mscat_tf.interpretation.attribution_studies import studies
from mscat_tf.interpretation.grad_cam import ENGINES, GradCam, all_zero, gradcam_layers
from mscat_tf.interpretation.integrated_gradients import (
    COMPLETE,
    Coordinates,
    IntegratedGradients,
    coordinates_of,
    coordinates_of_run,
    summed,
)
from mscat_tf.interpretation.part import Arrays, Batch, Context, Part, RowPart, SummingPart, event_rows
from mscat_tf.interpretation.score_cam import ScoreCam
from mscat_tf.models.inputs import InputSpecification, Statistics

__all__ = ["parts", "studies"]


def parts(model: keras.Model, settings: ExplanationSettings, context: Context) -> list[Part]:
    """Methods of `settings.methods` that this network allows; none where it allows none.

    Raises:
        ConfigError: a layer is asked for that the network does not have.
    """
    layers = gradcam_layers(model, settings.gradcam_layer)
    found: list[Part] = []
    asked = set(settings.methods)
    coordinates = _coordinates(model, context) if asked & {"integrated_gradients", "score_cam"} else {}
    for method in ENGINES:
        if method in asked and layers:
            found.append(MapsPart(method, GradCam(model, layers, method), context))
    if "score_cam" in asked and layers:
        found.append(MapsPart("score_cam", ScoreCam(model, layers, coordinates), context))
    if "integrated_gradients" in asked:
        found.append(
            IntegratedPart(IntegratedGradients(model, coordinates, settings.integration_steps), context.processes)
        )
    return [EventsPart(), *found] if found else []


def _coordinates(model: keras.Model, context: Context) -> Mapping[str, Coordinates]:
    """Those of the run; without one the baseline is 0, or 1 GeV where a logarithm is taken."""
    if context.run is not None:
        return coordinates_of_run(context.run)
    sizes = {tensor.name: tensor.shape for tensor in model.inputs}
    data = context.data
    specification = InputSpecification(
        context.jets,
        tokens=sizes["kinematics"][1] if "kinematics" in sizes else 3,
        constituent_features=data.constituent_features,
        kinematic_features=data.kinematic_features,
        declusterings=sizes["lund_1"][1] if "lund_1" in sizes else 0,
        declustering_features=data.declustering_features,
        event_shapes=data.event_shapes,
        subjets=sizes["subjets_1"][1] if "subjets_1" in sizes else 0,
        subjet_features=data.subjet_features,
        high_level=(data.high_level_features or ()) if "high_level_1" in sizes else (),
    )
    return coordinates_of(specification, Statistics.identity(specification), log_features=True)


class EventsPart(RowPart):
    """Which events they are, and where their constituents are."""

    def rows(self, batch: Batch) -> Arrays:
        """See `event_rows`."""
        return event_rows(batch)


class MapsPart(RowPart):
    """Class activation maps of every event and jet, and how many of them are empty.

    Args:
        method: `grad_cam`, `grad_cam_plus_plus` or `score_cam`. engine: what makes the maps. context: see there.
    """

    def __init__(self, method: str, engine: GradCam | ScoreCam, context: Context) -> None:
        self.method, self.engine, self.processes = method, engine, context.processes
        self.counts = np.zeros((len(engine.layers), len(context.processes), 2), np.int64)

    def rows(self, batch: Batch) -> Arrays:
        """`jet_j/maps` (Grad-CAM), `jet_j/grad_cam_plus_plus`, `jet_j/score_cam` `(n, constituents)`."""
        masks = {jet: np.asarray(batch.inputs[f"mask_{jet}"], bool) for jet in self.engine.layers}
        maps = self.engine(batch.inputs, masks)
        for number, values in enumerate(maps.values()):
            np.add.at(self.counts[number], (batch.process, all_zero(values).astype(int)), 1)
        name = STORED_AS.get(self.method, self.method)
        return {f"jet_{jet}/{name}": values for jet, values in maps.items()}

    def state(self) -> Arrays:
        """Events whose map has something and nothing, by jet and process."""
        return {"counts": self.counts}

    def restore(self, arrays: Arrays) -> None:
        """The same."""
        self.counts = np.array(arrays["counts"])

    def attributes(self) -> dict[str, Any]:
        """Layers, and the share of events without anything in the map by jet and process (None without events)."""
        shares = {}
        for jet, counts in zip(self.engine.layers, self.counts, strict=True):
            events = counts.sum(axis=1)
            pairs = zip(self.processes, counts[:, 1], events, strict=True)
            shares[f"jet_{jet}"] = {name: float(empty / total) if total else None for name, empty, total in pairs}
        if self.method == "grad_cam":
            return {"gradcam_layers": self.engine.layers, "all_zero": shares}
        return {f"{self.method}_all_zero": shares}


class IntegratedPart(SummingPart):
    """Integrated gradients of every event, and whether they are complete.

    Args:
        engine: what makes them. processes: names.
    """

    file = GRAD_CAM_FILE

    def __init__(self, engine: IntegratedGradients, processes: tuple[str, ...]) -> None:
        super().__init__()
        self.engine, self.processes = engine, processes
        self.sums["completeness"] = np.zeros(5)
        for name, where in engine.coordinates.items():
            self.sums[name] = np.zeros((len(processes), *where.mean.shape))
        self.sums["events"] = np.zeros(len(processes))

    def rows(self, batch: Batch) -> Arrays:
        """`jet_j/integrated_gradients` `(n, constituents)`, sums over columns, `lund_j`, `subjets_j` likewise;
        `kinematics/...` `(n, tokens, columns)`, `event_shapes/...` `(n, columns)`;
        `integrated_gradients/difference`, of the logit from that of the baseline, and `.../error`, by which
        their sum misses it, `(n,)`.
        """
        found, difference = self.engine(batch.inputs)
        error = (summed(found) - difference).astype(np.float32)
        self._count(batch.process, found, difference, error)
        rows: Arrays = {"integrated_gradients/difference": difference, "integrated_gradients/error": error}
        for name, values in found.items():
            low = self.engine.coordinates[name].mask is not None
            place = name.replace("constituents_", "jet_")
            rows[f"{place}/integrated_gradients"] = values.sum(axis=-1) if low else values
        return rows

    def _count(
        self, process: NDArray[Any], found: Arrays, difference: NDArray[Any], error: NDArray[np.float32]
    ) -> None:
        relative = np.abs(error) / np.maximum(np.abs(difference), np.finfo(np.float32).tiny)
        squares = [np.sum(np.square(a, dtype=np.float64)) for a in (error, difference)]
        found_now = [len(process), (relative <= COMPLETE).sum(), *squares]
        self.sums["completeness"][:4] += found_now
        self.sums["completeness"][4] = max(self.sums["completeness"][4], float(np.abs(error).max(initial=0)))
        np.add.at(self.sums["events"], process, 1)
        for name, values in found.items():
            inner = self.sums[name].ndim - 1
            others = tuple(range(1, values.ndim - inner))
            np.add.at(self.sums[name], process, np.abs(values).sum(axis=others, dtype=np.float64))

    def attributes(self) -> dict[str, Any]:
        """`integrated_gradients`: `completeness`, and by process and input the mean over events of the summed absolute
        attributions of every column (of kinematics and of every token) in units of the logit.
        """
        events, complete, error, difference, most = self.sums["completeness"].tolist()
        sizes: dict[str, Any] = {}
        for number, process in enumerate(self.processes):
            if count := self.sums["events"][number]:
                sizes[process] = {n: (self.sums[n][number] / count).tolist() for n in self.engine.coordinates}
        completeness = {
            "share_within_1_percent": complete / events if events else None,
            "rms_error_over_rms_difference": float(np.sqrt(error / difference)) if difference else None,
            "greatest_error": most,
        }
        return {"integrated_gradients": {"completeness": completeness, "mean_absolute": sizes}}
