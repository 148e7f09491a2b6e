"""One training step of a network on two replicas is the step on one device.

Of a few networks; of all with MSCAT_ALL_NETWORKS=1 (minutes). `particle_net`, whose batch normalisation is the delicate
part, has a test of its own besides.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.models.mock_inputs import NAMES

SOME = ("mscat", "cnn_image", "deep_sets")
CHOSEN = NAMES if os.environ.get("MSCAT_ALL_NETWORKS") else SOME
SCRIPT = """
import json, sys
import keras, numpy as np, tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
from mscat_tf.models.registry import build
from mscat_tf.training.step import TrainingStep
from tests.models.mock_inputs import inputs_of, mock_inputs, moved_weights, sizes_of, without_dropout

EVENTS = 6

def after_one_step(strategy, name, start):
    with strategy.scope():
        model = build(without_dropout(name), sizes_of(name))
        if start is None:
            moved_weights(model)
        else:
            model.set_weights(start)
        optimizer = keras.optimizers.SGD(0.1)
    start = model.get_weights()
    step = TrainingStep(strategy, model, optimizer)
    inputs = inputs_of(model, mock_inputs(EVENTS, sizes=sizes_of(name), least=2))
    label, share = (np.arange(EVENTS) % 2).astype("f4"), np.full(EVENTS, 1 / EVENTS, "f4")
    data = tf.data.Dataset.from_tensor_slices((inputs, label, share, np.arange(EVENTS))).batch(EVENTS)
    for batch in step.distribute(data):
        loss, events = step(batch)
    return start, model.get_weights(), [w.path for w in model.weights], float(loss), float(events)

mirrored, one = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]), tf.distribute.OneDeviceStrategy("CPU:0")
assert mirrored.num_replicas_in_sync == 2
for name in sys.argv[1:]:
    start, two_weights, paths, *two = after_one_step(mirrored, name, None)
    _, one_weights, _, *single = after_one_step(one, name, start)
    worst = max(
        (float(np.abs(a - b).max() / max(1.0, np.abs(a).max())), path)
        for a, b, path in zip(one_weights, two_weights, paths) if a.size
    )
    moved = max(float(np.abs(a - b).max()) for a, b in zip(start, one_weights) if a.size)
    print(json.dumps({"name": name, "worst": worst, "moved": moved, "one": single, "two": two}), flush=True)
"""


@pytest.mark.slow
def test_two_replicas_make_the_step_of_one():
    job = subprocess.run(
        [sys.executable, "-c", SCRIPT, *CHOSEN],
        capture_output=True, text=True, cwd=Path(__file__).parents[2], timeout=900, check=False,
    )  # fmt: skip
    assert job.returncode == 0, job.stderr[-3000:]
    rows = [json.loads(line) for line in job.stdout.splitlines() if line.startswith("{")]
    assert [row["name"] for row in rows] == list(CHOSEN)
    for row in rows:
        assert row["two"] == pytest.approx(row["one"], rel=1e-4), row
        assert row["moved"] > 1e-4, row
        assert row["worst"][0] < 1e-4, row
