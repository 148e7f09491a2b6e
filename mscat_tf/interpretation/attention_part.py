"""The part of an explanation that is made of attention scores: `attention.h5`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from mscat_tf.config import ExplanationSettings
from mscat_tf.explanation import ATTENTION_FILE
from mscat_tf.interpretation.attention import (
    attention_blocks,
    can_be_followed,
    explanation_model,
    high_scale_labels,
    one_block,
)
from mscat_tf.interpretation.attention_heads import add_concentration, head_arrays, head_table
from mscat_tf.interpretation.attention_plane import (
    add_ranks,
    add_to_plane,
    plane_density,
    plane_edges,
    rank_arrays,
)
from mscat_tf.interpretation.attention_truth import EDGES, add_by_distance, distance_arrays
from mscat_tf.interpretation.explained_events import ShownEvents
from mscat_tf.interpretation.group_sums import Members, add_to, ratio, with_all
from mscat_tf.interpretation.mean_attention import add_scores, mean_arrays
from mscat_tf.interpretation.onto_constituents import onto_constituents, reader_labels, reads_constituents
from mscat_tf.interpretation.part import Arrays, Batch, Context
from mscat_tf.interpretation.rollout import Rollout, row_labels
from mscat_tf.interpretation.token_masks import token_masks


@dataclass(frozen=True)
class BlockScores:
    """Scores of one block and one batch: `(events, heads, queries, keys)`, and which queries and keys are real."""

    scores: NDArray[np.float32]
    query_mask: NDArray[np.bool_]
    key_mask: NDArray[np.bool_]


class AttentionPart:
    """Mean maps, concentration of heads, rollout, projections, and the scores of the first events.

    Args:
        model: a network of the registry. settings, context: see there.

    Attributes:
        blocks: names of its attention blocks; none for a network without attention.
    """

    file = ATTENTION_FILE

    def __init__(self, model: keras.Model, settings: ExplanationSettings, context: Context) -> None:
        self.names = [tensor.name for tensor in model.inputs]
        explained = explanation_model(model)
        self.blocks = attention_blocks(explained)
        outputs = {name: one_block(explained, name).output for name in self.blocks}
        self._scores = tf.function(keras.Model(explained.inputs, outputs), reduce_retracing=True) if outputs else None
        self._context, self._settings = context, settings
        self._high = high_scale_labels(model, context.tokens)
        self._rolls = can_be_followed(model)
        self._residual = float(all(getattr(layer, "attention_skip", True) for layer in model.layers))
        self._shown = ShownEvents(settings.shown_events, len(context.processes))
        self._sums: Arrays = {}
        self._seen: dict[str, BlockScores] = {}
        self._rolled: Arrays = {}

    def add(self, batch: Batch) -> None:
        """Compute the scores of a batch and take them into all sums."""
        inputs = {name: batch.inputs[name] for name in self.names}
        members = Members.of(batch, len(self._context.processes))
        self._seen = self.scores(inputs)
        for name, block in self._seen.items():
            add_scores(self._sums, name, block.scores, block.query_mask, block.key_mask, members)
            add_concentration(self._sums, name, block.scores, block.query_mask, block.key_mask, members)
            if reads_constituents(name, self.names, self.blocks):
                self._project(name, onto_constituents(name, block.scores, inputs), batch, members)
        if self._rolls:
            self._roll(inputs, members)

    def _project(self, name: str, onto: Mapping[int, NDArray[Any]], batch: Batch, members: Members) -> None:
        for jet, attention in onto.items():
            prefix = f"jet_{jet}/"
            places = {key.removeprefix(prefix): a for key, a in batch.places.items() if key.startswith(prefix)}
            if {"eta", "phi"} <= places.keys():
                add_to_plane(
                    self._sums, f"plane/{name}/jet_{jet}", attention, places, self._settings.plane_bins, members
                )
            if "pt" in places:
                add_ranks(self._sums, f"{name}/jet_{jet}", attention, places, members)
            if "b_distance" in batch.truth and "pt" in places:
                distance = batch.truth["b_distance"][:, jet - 1, : attention.shape[2]]
                add_by_distance(self._sums, f"{name}/jet_{jet}", attention, distance, places["pt"], members)

    def _roll(self, inputs: Arrays, members: Members) -> None:
        rollout = Rollout({name: block.scores for name, block in self._seen.items()}, inputs, self._residual)
        self._rolled = {f"rollout/{name}": rows for name, rows in rollout().items()}
        for name, counted in rollout.rows_that_count().items():
            rows = rollout.found[name] * members.weight[:, None, None]
            add_to(self._sums, f"rollout/{name}:total", members.sum(rows))
            add_to(self._sums, f"rollout/{name}:weight", members.sum(counted * members.weight[:, None]))

    def scores(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, BlockScores]:
        """Of every block, by name."""
        found = self._scores([tf.constant(values) for values in inputs.values()]) if self._scores else {}
        arrays = {name: np.asarray(found[name]) for name in self.blocks}
        masks = {name: token_masks(name, inputs, *values.shape[2:]) for name, values in arrays.items()}
        return {name: BlockScores(values, *masks[name]) for name, values in arrays.items()}

    def rows(self, batch: Batch) -> Arrays:
        """Scores and rollout of the first events, `events/...`."""
        return self._shown.rows(batch, {name: block.scores for name, block in self._seen.items()}, self._rolled)

    def state(self) -> Arrays:
        """All sums, and how many events are still to be shown."""
        return {**self._sums, "shown left": self._shown.left}

    def restore(self, arrays: Arrays) -> None:
        """Go on from them."""
        self._sums = dict(arrays)
        self._shown.left = self._sums.pop("shown left")

    def arrays(self) -> Arrays:
        """See docs/explanations.md."""
        sums = with_all(self._sums)
        found: Arrays = {}
        for name in self.blocks:
            found |= mean_arrays(sums, name) | head_arrays(sums, name)
        for name in _with_ending(sums, ":filled"):
            found[name] = plane_density(sums, name)
        for name in _with_ending(sums, ":rank:w0"):
            found |= rank_arrays(sums, name)
        for name in _with_ending(sums, ":truth:w0"):
            found |= distance_arrays(sums, name)
        for name in (name for name in _with_ending(sums, ":total") if name.startswith("rollout/")):
            found[name] = ratio(sums[f"{name}:total"], sums[f"{name}:weight"][..., None])
        return found

    def attributes(self) -> dict[str, Any]:
        """Names of the blocks, who reads in each, edges of the plane, and the table of the heads."""
        sums = with_all(self._sums)
        heads: Arrays = {}
        for name in self.blocks:
            heads |= head_arrays(sums, name)
        return {
            "blocks": self.blocks,
            "readers": {
                name: reader_labels(name, self._high, sums[f"{name}:real_queries"].shape[1])
                for name in self.blocks
                if reads_constituents(name, self.names, self.blocks)
            },
            "rollout_rows": row_labels(self.blocks, self._high, self._context.jets) if self._rolls else [],
            "plane_edges": plane_edges(self._settings.plane_bins).tolist(),
            "truth_edges": list(EDGES),
            "attention": head_table(heads, self.blocks, self._context.processes),
        }


def _with_ending(sums: Arrays, ending: str) -> list[str]:
    return [name.removesuffix(ending) for name in sums if name.endswith(ending)]
