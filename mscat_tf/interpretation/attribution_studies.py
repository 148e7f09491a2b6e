"""Can attributions be believed, and what is each input worth? Studies of one run's test events, for `explanation.json`.

Each takes few events, so that all of them together cost about a minute of two cores on the demonstration.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from numpy.typing import NDArray

from mscat_tf.config import ExplanationSettings
from mscat_tf.inference.keras_network import in_float32
from mscat_tf.interpretation.attributors import Attributor, attributors_of
from mscat_tf.interpretation.event_batches import EventBatches, chosen_rows
from mscat_tf.interpretation.insertion_deletion import MOMENTUM, insertion_deletion
from mscat_tf.interpretation.integrated_gradients import coordinates_of_run
from mscat_tf.interpretation.part import Batch, Context
from mscat_tf.interpretation.randomisation import randomisation
from mscat_tf.interpretation.split_network import reads_padding
from mscat_tf.interpretation.stream_importance import (
    Events,
    Settings,
    batched_logits,
    features_of,
    importance,
    streams_of,
)

if TYPE_CHECKING:
    from mscat_tf.run_folder import Run

Progress = Callable[[int, int], None]
Found = dict[str, Any]
METHODS = ("grad_cam", "integrated_gradients", "attention_rollout")
STEPS = 8
"""Points of integrated gradients, where only the order of the constituents is asked for."""


def studies(run: "Run", settings: ExplanationSettings, progress: Progress | None = None) -> Found:
    """Those of `settings.studies`, by name.

    A study that a network does not allow is `{"refused": why}`.
    """
    asked = [name for name in ("randomisation", "insertion_deletion", "importance") if name in settings.studies]
    bench = _Studies(run, settings, progress)
    return {name: getattr(bench, name)() for name in asked}


@dataclass(frozen=True)
class _Studies:
    """What the studies share; made when it is first needed."""

    run: "Run"
    settings: ExplanationSettings
    progress: Progress | None

    @cached_property
    def model(self) -> keras.Model:
        return in_float32(self.run.model)

    @cached_property
    def names(self) -> tuple[str, ...]:
        return tuple(tensor.name for tensor in self.model.inputs)

    @cached_property
    def logits(self) -> Callable[..., NDArray[Any]]:
        return batched_logits(self.model)

    @cached_property
    def attributors(self) -> dict[str, Attributor]:
        return attributors_of(self.model, METHODS, coordinates_of_run(self.run), self.settings.gradcam_layer, STEPS)

    def randomisation(self) -> Found:
        """With a tenth of the events: every layer asks for all attributions once more."""
        share = self.settings.study_events // (10 * len(self.run.table.processes))
        inputs = self._read(chosen_rows(self.run.table, max(share, 1), self.run.config.seed)).inputs
        own = {name: inputs[name] for name in self.names}
        return randomisation(self.model, self.attributors, own, self.run.config.seed, self.progress)

    def insertion_deletion(self) -> Found:
        """Of signal events, half as many as asked for: their score is what can be lost."""
        if "mask_1" not in self.names:
            return {"refused": f"network '{self.model.name}' reads no constituents, so none can be removed"}
        if reads_padding(self.model):
            return {"refused": f"network '{self.model.name}' was built to read padding, so a mask removes nothing"}
        rows = self.run.table.rows("test")
        batch = self._read(self._some(rows[self.run.table.label[rows] == 1], self.settings.study_events // 2))
        inputs = {name: batch.inputs[name] for name in self.names}
        orders = {name: attributor(inputs).values for name, attributor in self.attributors.items()}
        jets = [name.removeprefix("mask_") for name in sorted(inputs) if name.startswith("mask_")]
        orders[MOMENTUM] = np.concatenate([batch.places[f"jet_{jet}/pt"] for jet in jets], axis=1)
        return insertion_deletion(self.logits, inputs, orders, self.run.config.seed, self.progress)

    def importance(self) -> Found:
        """Of streams and of single columns; processes as often as they are in the test split."""
        table, data = self.run.table, self.run.config.data
        rows = self._some(table.rows("test"), self.settings.study_events)
        if not np.bincount(table.label[rows], table.weight[rows], minlength=2).all():
            return {"refused": f"of {len(rows)} events none is of the other class; raise explain.study_events"}
        inputs = self._read(rows).inputs
        events = Events(
            {name: inputs[name] for name in self.names},
            table.label[rows],
            table.weight[rows],
            table.group_id[rows],
            table.process[rows],
        )
        low = {
            "constituents": data.constituent_features,
            "lund": data.declustering_features,
            "subjets": data.subjet_features,
        }
        numbers = data.kinematic_features, data.event_shapes, data.high_level_features or ()
        columns = features_of(self.names, low, *numbers)
        asked = streams_of(self.names, ()) | columns
        found = importance(self.logits, events, asked, Settings(seed=self.run.config.seed), self.progress)
        return {**found, "events": len(rows)}

    def _some(self, rows: NDArray[np.int64], most: int) -> NDArray[np.int64]:
        """At most so many of the rows, drawn at random, increasing."""
        return np.sort(np.random.default_rng((self.run.config.seed, 0x57D1)).permutation(rows)[: max(most, 1)])

    def _read(self, rows: NDArray[np.int64]) -> Batch:
        """These events in one batch."""
        run, header = self.run, self.run.sample.header
        context = Context(header.processes, header.labels, data=run.config.data, tokens=header.token_names, run=run)
        return next(EventBatches(run.sample, run.table, rows, len(rows), context, self.logits, self.names)())
