"""From jets to a trained network as the code released with arXiv:2401.00452 does it, and as ours does.

Theirs is written from a description of that code (docs/models_released.md), not from its text: jet by jet in Python,
then a network on single jets made of stock Keras layers, a traced step with Adam for each batch of 50, from memory.
Made equal, or in its favour: its padding, whose cost grows with the square of the number of jets, is left out; its mask
hides keys, as ours does, so that both compute the same scores; constituents come in falling pT; like ours, its data set
does without TensorFlow's tuner, for which one that ends may wait for seconds. Part of `training.py`.
"""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops

from experiments.benchmarks.data_prep import loop_frame
from mscat_tf.config import ModelSettings, TrainSettings
from mscat_tf.data.pipeline import dataset_options
from mscat_tf.models import registry
from mscat_tf.models.predictor import logit_model
from mscat_tf.physics import to_jet_frames
from mscat_tf.training.optimizer import make_optimizer
from mscat_tf.training.step import TrainingStep
from mscat_tf.training.strategy import make_strategy

BATCH, IN_A_ROW = 50, 10
CONSTITUENTS, COLUMNS = 50, 4
HEADS, BLOCKS, HIDDEN, HEAD, RATE = 5, 3, 64, (128, 64), 0.2
"""The released template for the network on single jets, which the released demonstration trains."""
LEARNING_RATE = 1e-3

SETTINGS = ModelSettings(name="released", released={"form": "single", "standardise": False})
"""Our network of the same layers; like theirs it takes raw numbers."""

Work = Callable[[], Any]


def build_stock_network(masked: bool = True) -> keras.Model:
    """Scores of two classes `(batch, 2)` from `constituents_1` and `mask_1`, by stock Keras layers.

    Args:
        masked: False leaves the mask out, as the demonstration of the released code does.
    """
    cloud = keras.Input((CONSTITUENTS, COLUMNS), name="constituents_1")
    mask = keras.Input((CONSTITUENTS,), dtype="bool", name="mask_1")
    tokens = layers.LayerNormalization()(cloud)
    for _ in range(BLOCKS):
        normed = layers.LayerNormalization()(tokens)
        options = {"return_attention_scores": True, **({"attention_mask": ops.expand_dims(mask, 1)} if masked else {})}
        read, _ = layers.MultiHeadAttention(HEADS, COLUMNS)(normed, normed, **options)  # it asks for them, unused
        tokens = layers.Add()([read, tokens])
        hidden = layers.LayerNormalization()(tokens)
        for units in (HIDDEN, COLUMNS):
            hidden = layers.Dropout(RATE)(layers.Dense(units, activation="gelu")(hidden))
        tokens = layers.Add()([hidden, tokens])
    if masked:  # padding must not reach the flattened features
        tokens = ops.where(ops.expand_dims(mask, -1), tokens, 0.0)
    features = layers.Dropout(RATE)(layers.Flatten()(layers.LayerNormalization(epsilon=1e-6)(tokens)))
    for units in HEAD:
        features = layers.Dropout(RATE)(layers.Dense(units, activation="gelu")(features))
    return keras.Model([cloud, mask], layers.Dense(2, activation="softmax")(features))


class ReleasedChain:
    """Their loop over jets and their loop over batches."""

    def __init__(self, masked: bool = True) -> None:
        self.model, self.loss = build_stock_network(masked), keras.losses.SparseCategoricalCrossentropy()
        self.optimizer = keras.optimizers.Adam(LEARNING_RATE)
        self.optimizer.build(self.model.trainable_variables)
        self.step = tf.function(self._step)

    def one_step(self, rows: Any, counts: Any) -> Work:
        """A step on the first batch, again and again; waits for its loss."""
        cloud, mask = self.prepare(np.split(rows, np.cumsum(counts)[:-1])[:BATCH])
        batch = [tf.constant(values) for values in (cloud, mask, some_labels(BATCH))]
        return lambda: self.step(*batch).numpy()

    def whole(self, rows: Any, counts: Any) -> Work:
        """All jets into the jet frame, then one epoch."""
        jets, label = np.split(rows, np.cumsum(counts)[:-1]), some_labels(len(counts))

        def work() -> float:
            data = tf.data.Dataset.from_tensor_slices((*self.prepare(jets), label)).shuffle(len(label)).batch(BATCH)
            return float(np.mean([self.step(*batch).numpy() for batch in data.with_options(dataset_options())]))

        return work

    def prepare(self, jets: list[Any]) -> tuple[Any, Any]:
        """`(jets, 50, 4)` in the jet frame and the mask, jet by jet."""
        frames = loop_frame(jets, CONSTITUENTS)[0].astype("float32")
        return frames, frames[..., 2] > 0

    def _step(self, cloud: tf.Tensor, mask: tf.Tensor, label: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            loss = self.loss(label, self.model([cloud, mask], training=True))
        gradients = tape.gradient(loss, self.model.trainable_weights)
        self.optimizer.apply_gradients(zip(gradients, self.model.trainable_weights, strict=True))
        return loss


class OurChain:
    """The jet frame of `mscat generate` on all jets at once, and the step of `mscat train`, from memory as theirs.

    Args:
        xla: of the step. parts: `train.parallel_parts`, which wants a process where TensorFlow does nothing yet.
    """

    def __init__(self, xla: bool = False, parts: int = 1) -> None:
        train = TrainSettings(batch_size=BATCH, xla=xla, parallel_parts=parts, optimizer="adam")
        self.strategy = make_strategy(train)
        with self.strategy.scope():
            self.model, optimizer = registry.build(SETTINGS), make_optimizer(train)
        self.step = TrainingStep(self.strategy, self.model, optimizer, train)

    def one_step(self, rows: Any, counts: Any) -> Work:
        """A step on the first batch, again and again; waits for its loss."""
        batch = tf.nest.map_structure(lambda values: tf.constant(values[0]), self._batches(rows, counts, seed=None))
        return lambda: self.step(batch, LEARNING_RATE).loss

    def whole(self, rows: Any, counts: Any) -> Work:
        """All jets into the jet frame, then one epoch, a few steps for each call from Python."""
        steps = len(counts) // BATCH
        rates = [[LEARNING_RATE] * min(IN_A_ROW, steps - first) for first in range(0, steps, IN_A_ROW)]

        def work() -> float:
            data = tf.data.Dataset.from_tensor_slices(self._batches(rows, counts, seed=1))
            batches = iter(data.with_options(dataset_options()))
            return float(np.concatenate([self.step.take(batches, some).loss for some in rates]).mean())

        return work

    def _batches(self, rows: Any, counts: Any, seed: int | None) -> Any:
        """`({input: (steps, 50, ...)}, label, share, row)` of all jets, in random order if there is a seed."""
        jets = to_jet_frames(*(np.ascontiguousarray(column) for column in rows.T), counts, CONSTITUENTS)
        order = np.arange(len(counts)) if seed is None else np.random.default_rng(seed).permutation(len(counts))
        row = order[: len(order) // BATCH * BATCH].reshape(-1, BATCH)
        label, share = some_labels(len(counts))[row].astype("float32"), np.full(row.shape, 1.0 / BATCH, "float32")
        inputs = {"constituents_1": jets.constituents.astype("float32")[row], "mask_1": jets.mask[row]}
        return inputs, label, share, row


def some_labels(number: int) -> Any:
    """0 or 1, at random."""
    return np.random.default_rng(3).integers(0, 2, number)


def check_same_scores() -> None:
    """Both networks with the same weights give the same logit.

    Raises:
        ValueError: they are not the same network.
    """
    ours, theirs, rng = registry.build(SETTINGS), build_stock_network(), np.random.default_rng(4)
    values = {weight.path: weight + 0.05 * rng.normal(size=weight.shape) for weight in ours.trainable_variables}
    for weight in ours.trainable_variables:
        weight.assign(values[weight.path])
    for path, weight in zip(_in_their_order(), theirs.trainable_variables, strict=True):
        weight.assign(values[path])
    mask = np.arange(CONSTITUENTS) < rng.integers(1, CONSTITUENTS + 1, (100, 1))
    cloud = np.where(mask[..., None], rng.normal(size=(*mask.shape, COLUMNS)), 0.0).astype("float32")
    scores = np.asarray(theirs([cloud, mask]), "float64")
    expected = np.log(scores[:, 1] / scores[:, 0])
    difference = np.abs(np.asarray(logit_model(ours)([cloud, mask]))[:, 0] - expected).max()
    if not difference < 1e-4:
        raise ValueError(f"ours and the released network differ by {difference:g} in the logit")


def _in_their_order() -> list[str]:
    """Paths of our weights in the order in which the stock layers are made."""
    norm, dense = ("gamma", "beta"), ("kernel", "bias")
    found = [f"constituents_1_input_norm/{kind}" for kind in norm]
    for block in range(1, BLOCKS + 1):
        for layer, kinds in (
            ("norm", norm),
            *((f"attention/{name}", dense) for name in ("query", "key", "value", "attention_output")),
            ("feed_forward/norm", norm),
            ("feed_forward/hidden", dense),
            ("feed_forward/out", dense),
        ):
            found += [f"constituents_1_encoder_{block}/{layer}/{kind}" for kind in kinds]
    last = (("event_norm", norm), ("head_1", dense), ("head_2", dense), ("classes", dense))
    return found + [f"{layer}/{kind}" for layer, kinds in last for kind in kinds]
