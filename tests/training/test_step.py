"""One step: what accumulation, clipping, smoothing, averaging and XLA do to it, against closed forms."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from mscat_tf.config import TrainSettings
from mscat_tf.training import optimizer
from mscat_tf.training.optimizer import make_optimizer
from mscat_tf.training.step import TrainingStep

EVENTS, COLUMNS = 8, 3


def logistic(start):
    """A logistic regression whose gradient is known."""
    inputs = keras.Input((COLUMNS,), name="x")
    logit = keras.layers.Dense(1, use_bias=False, name="logit")(inputs)
    model = keras.Model([inputs], keras.layers.Activation("sigmoid", name="score")(logit))
    model.set_weights([start])
    return model


def some_batches(number=1):
    rng = np.random.default_rng(3)
    for _ in range(number):
        weight = rng.uniform(0.5, 2.0, EVENTS)
        label = (np.arange(EVENTS) % 2).astype("f4")
        share = (weight / EVENTS).astype("f4")
        yield {"x": rng.normal(size=(EVENTS, COLUMNS)).astype("f4")}, label, share, np.arange(EVENTS)


def closed_form(weights, batch, smoothing=0.0):
    """Loss and gradient of the weighted cross-entropy of a logistic regression."""
    x, label, share = batch[0]["x"], batch[1] * (1 - smoothing) + smoothing / 2, batch[2]
    logit = x @ weights[:, 0]
    loss = share @ (np.logaddexp(0, logit) - label * logit)
    return loss, (x.T @ (share * (1 / (1 + np.exp(-logit)) - label)))[:, None]


def step_of(model, optimizer=None, **settings):
    strategy = tf.distribute.get_strategy()
    return TrainingStep(strategy, model, optimizer or keras.optimizers.SGD(0.1), TrainSettings(**settings))


@pytest.fixture
def start():
    return np.random.default_rng(1).normal(size=(COLUMNS, 1)).astype("f4")


@pytest.mark.parametrize(
    "settings", [{}, {"accumulation": 4}, {"xla": True}, {"label_smoothing": 0.2}, {"accumulation": 2, "xla": True}]
)
def test_update_is_the_gradient_of_the_mean_weighted_loss(start, settings):
    (batch,) = some_batches()
    model = logistic(start)
    outcome = step_of(model, **settings)(batch)
    loss, gradient = closed_form(start, batch, settings.get("label_smoothing", 0.0))
    assert outcome.loss[0] == pytest.approx(loss, rel=1e-5)
    assert outcome.events[0] == EVENTS
    assert outcome.sound.all()
    assert not outcome.stop
    np.testing.assert_allclose(model.get_weights()[0], start - 0.1 * gradient, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("norm", [1e-3, 1e3])
def test_gradient_is_clipped_by_its_norm(start, norm):
    (batch,) = some_batches()
    model = logistic(start)
    step_of(model, clip_norm=norm)(batch)
    gradient = closed_form(start, batch)[1]
    gradient *= min(1.0, norm / np.linalg.norm(gradient))
    np.testing.assert_allclose(model.get_weights()[0], start - 0.1 * gradient, rtol=1e-5, atol=1e-6)


def test_moving_average_follows_its_recursion(start):
    model, average = logistic(start), start.astype("f8")
    step = step_of(model, ema=0.9)
    for count, batch in enumerate(some_batches(4), start=1):
        step(batch)
        momentum = min(0.9, (1 + count) / (10 + count))
        average = momentum * average + (1 - momentum) * model.get_weights()[0]
    weights = model.get_weights()[0]
    with step.average.in_place():
        np.testing.assert_allclose(model.get_weights()[0], average, rtol=1e-5)
    np.testing.assert_array_equal(model.get_weights()[0], weights)


def test_steps_in_a_row_are_the_steps_one_by_one(start):
    one, row, rates = logistic(start), logistic(start), [0.1, 0.02, 0.3]
    step = step_of(one)
    losses = [step(batch, rate).loss[0] for batch, rate in zip(some_batches(3), rates, strict=True)]
    signature = tf.nest.map_structure(lambda x: tf.TensorSpec(x.shape, x.dtype), next(some_batches()))
    data = tf.data.Dataset.from_generator(lambda: some_batches(3), output_signature=signature)
    outcome = step_of(row).take(iter(data), rates)
    np.testing.assert_allclose(outcome.loss, losses, rtol=1e-6)
    np.testing.assert_allclose(one.get_weights()[0], row.get_weights()[0], rtol=1e-6)


def test_what_is_not_finite_is_told_and_does_not_reach_the_weights(start):
    (batch,) = some_batches()
    batch[0]["x"][2, 1] = np.nan
    model = logistic(start)
    outcome = step_of(model)(batch)
    assert not outcome.sound.any()
    np.testing.assert_array_equal(model.get_weights()[0], start)


def test_a_worker_that_was_asked_to_stop_tells_it(start):
    (batch,) = some_batches()
    assert step_of(logistic(start))(batch, stop=True).stop


@pytest.mark.parametrize("name", ["adam", "adamw"])
def test_first_update_of_adam(start, name):
    """Both move by the learning rate x sign of the gradient at first; AdamW shrinks the weights besides."""
    (batch,) = some_batches()
    model = logistic(start)
    settings = TrainSettings(optimizer=name, learning_rate=0.01, weight_decay=0.5)
    TrainingStep(tf.distribute.get_strategy(), model, make_optimizer(settings), settings)(batch)
    kept = start * (1 - 0.01 * 0.5) if name == "adamw" else start
    expected = kept - 0.01 * np.sign(closed_form(start, batch)[1])
    np.testing.assert_allclose(model.get_weights()[0], expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["Adam", "AdamW"])
def test_updates_are_those_of_keras(start, name):
    """Several of them, so that the moments and their bias corrections count."""
    weights = []
    for module in (keras.optimizers, optimizer):
        model = logistic(start)
        step = step_of(model, getattr(module, name)(0.02))
        for batch in some_batches(6):
            step(batch)
        weights.append(model.get_weights()[0])
    np.testing.assert_allclose(*weights, rtol=1e-5)


def test_parts_side_by_side_are_the_whole_batch(start):
    whole, parts, both = logistic(start), logistic(start), logistic(start)
    for model, settings in (
        (whole, {}),
        (parts, {"parallel_parts": 2}),
        (both, {"parallel_parts": 2, "accumulation": 2}),
    ):
        outcome = step_of(model, **settings, batch_size=EVENTS)(next(some_batches()))
        np.testing.assert_allclose(outcome.loss[0], closed_form(start, next(some_batches()))[0], rtol=1e-5)
    for model in (parts, both):
        np.testing.assert_allclose(model.get_weights()[0], whole.get_weights()[0], rtol=1e-5, atol=1e-6)
