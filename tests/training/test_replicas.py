"""The gradients of one global batch, and a training, are the same on 1, 2 and 4 replicas.

Of one network, and of `particle_net_light`, whose batch normalisation is the delicate part; of all with
MSCAT_ALL_NETWORKS=1 (minutes). Two worker processes: test_workers.py.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mscat_tf.config import load_config
from mscat_tf.run_folder import Run
from mscat_tf.training.run import train
from tests.models.mock_inputs import NAMES

SOME = ("mscat", "particle_net_light")
CHOSEN = NAMES if os.environ.get("MSCAT_ALL_NETWORKS") else SOME
LIGHT = "kinematics_mlp"
VARIANTS = {  # of the network that is traced fastest
    "accumulation": {"accumulation": 2},
    "clipped": {"clip_norm": 0.05},
    "compiled": {"xla": True},
    "averaged": {"ema": 0.5},
}
SCRIPT = """
import json, sys
from pathlib import Path
import keras, numpy as np, tensorflow as tf
from mscat_tf.config import TrainSettings, load_config
from mscat_tf.errors import ConfigError
from mscat_tf.models.registry import build
from mscat_tf.training.run import train
from mscat_tf.training.step import TrainingStep
from mscat_tf.training.strategy import make_strategy
from tests.models.mock_inputs import inputs_of, mock_inputs, moved_weights, sizes_of, without_dropout

EVENTS = 8

def after_one_step(strategy, name, start, settings):
    '''With plain gradient descent at rate 1 the update is the gradient; moments are weights as well.'''
    keras.utils.set_random_seed(1)
    with strategy.scope():
        model = build(without_dropout(name), sizes_of(name))
        if start is None:
            moved_weights(model)
        else:
            model.set_weights(start)
        optimizer = keras.optimizers.SGD(1.0)
    start = model.get_weights()
    step = TrainingStep(strategy, model, optimizer, settings)
    least = 0 if name.startswith("particle_net") else 2  # empty jets, which no moment may see
    inputs = inputs_of(model, mock_inputs(EVENTS, sizes=sizes_of(name), least=least))
    label, share = (np.arange(EVENTS) % 2).astype("f4"), np.full(EVENTS, 1 / EVENTS, "f4")
    data = tf.data.Dataset.from_tensor_slices((inputs, label, share, np.arange(EVENTS)))
    data = data.batch(EVENTS // strategy.num_replicas_in_sync, drop_remainder=True)
    for batch in strategy.distribute_datasets_from_function(lambda _: data):
        outcome = step(batch)
    if any("moving_variance" in weight.path for weight in model.weights):
        check_moments(strategy, model, optimizer)
    with step.average.in_place() if step.average else keras.name_scope("none"):
        return start, model.get_weights(), [w.path for w in model.weights], [float(part[0]) for part in outcome[:3]]

def check_moments(strategy, model, optimizer):
    '''Every replica holds the same; what would make moments of parts is refused.'''
    for weight in model.non_trainable_variables:
        copies = strategy.experimental_local_results(weight.value)
        assert len(copies) == strategy.num_replicas_in_sync
        for copy in copies:
            assert np.array_equal(copy, copies[0]), weight.path
    if strategy.num_replicas_in_sync > 1:
        try:
            TrainingStep(strategy, model, optimizer, TrainSettings(accumulation=2))
        except ConfigError as error:
            assert "accumulation = 2: not on several devices with batch normalisation" in str(error)
        else:
            raise AssertionError("accumulation would sum the moments of each part alone")

replicas, cases, training = int(sys.argv[1]), json.loads(sys.argv[2]), sys.argv[3:]
several = make_strategy(TrainSettings(logical_devices=replicas))
one = tf.distribute.OneDeviceStrategy("CPU:0")
assert several.num_replicas_in_sync == replicas
# Gradients are asked of the operations as they are written; the training below is optimised as always.
tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
for name, settings in cases:
    settings = TrainSettings(batch_size=EVENTS, **settings)
    start, several_weights, paths, found = after_one_step(several, name, None, settings)
    _, one_weights, _, single = after_one_step(one, name, start, settings)
    worst = max(
        (float(np.abs(a - b).max() / max(1.0, np.abs(a - s).max())), path)
        for s, a, b, path in zip(start, one_weights, several_weights, paths) if a.size
    )
    moved = max(float(np.abs(a - b).max()) for a, b in zip(start, one_weights) if a.size)
    print(json.dumps({"name": name, "worst": worst, "moved": moved, "one": single, "several": found}), flush=True)
if training:
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": False})
    train(load_config(training[0], [f"train.logical_devices={replicas}"]), Path(training[1]))
"""


def on_replicas(replicas, cases, *training):
    """Rows that a process with so many devices prints for its cases; then it trains, where told so."""
    job = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(replicas), json.dumps(cases), *map(str, training)],
        capture_output=True, text=True, cwd=Path(__file__).parents[2], timeout=900, check=False,
    )  # fmt: skip
    assert job.returncode == 0, job.stderr[-3000:]
    rows = [json.loads(line) for line in job.stdout.splitlines() if line.startswith("{")]
    assert [row["name"] for row in rows] == [name for name, _ in cases]
    return rows


def check(rows):
    for row in rows:
        assert row["several"] == pytest.approx(row["one"], rel=1e-5), row
        assert row["moved"] > 1e-3, row
        assert row["worst"][0] < 1e-5, row


@pytest.fixture(scope="module")
def two(tmp_path_factory, mock_folder):
    """What one process finds on two replicas, since its start is dear: rows, a configuration and its run."""
    folder = tmp_path_factory.mktemp("two")
    network = (f"data.path={mock_folder}", "model.name=kinematics_only", "model.dropout_rate=0")
    # the batch leaves an odd last one
    settings = ("train.epochs=2", "train.batch_size=40", "train.steps_per_execution=3", "train.tensorboard=false")
    config = load_config("smoke", [*network, *settings])
    (folder / "c.yaml").write_text(config.to_yaml())
    cases = [*((name, {}) for name in CHOSEN), *((LIGHT, settings) for settings in VARIANTS.values())]
    return on_replicas(2, cases, folder / "c.yaml", folder / "run"), config, folder / "run"


@pytest.mark.slow
def test_two_replicas_find_the_gradients_of_one_device(two):
    check(two[0])


@pytest.mark.slow
def test_four_replicas_find_the_gradients_of_one_device():
    check(on_replicas(4, [(LIGHT, {})]))


@pytest.mark.slow
def test_two_replicas_learn_what_one_learns(two, tmp_path):
    """The same global batches on one and on two logical devices, odd last batch included."""
    _, config, folder = two
    run, single = Run(folder), train(config, tmp_path / "one")
    assert (single.training["replicas"], run.training["replicas"]) == (1, 2)
    loss = single.training["best_validation_loss"]
    assert run.training["best_validation_loss"] == pytest.approx(loss, rel=0.01)
    for own, others in zip(single.model.get_weights(), run.model.get_weights(), strict=True):
        np.testing.assert_allclose(abs(others).sum(), abs(own).sum(), rtol=1e-3, atol=1e-4)
