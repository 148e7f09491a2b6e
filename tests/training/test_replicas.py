"""The gradients of one global batch are the same on 1, 2 and 4 replicas.

Of one network; of all with MSCAT_ALL_NETWORKS=1 (minutes). `particle_net`, whose batch normalisation is the delicate
part, has a test of its own besides. Two worker processes: test_workers.py.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.models.mock_inputs import NAMES

SOME = ("mscat",)
CHOSEN = NAMES if os.environ.get("MSCAT_ALL_NETWORKS") else SOME
LIGHT = "kinematics_only"
VARIANTS = {  # of a network that is traced fast
    "accumulation": {"accumulation": 2},
    "clipped": {"clip_norm": 0.05},
    "compiled": {"xla": True},
    "averaged": {"ema": 0.5},
}
SCRIPT = """
import json, sys
import keras, numpy as np, tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 4)
from mscat_tf.config import TrainSettings
from mscat_tf.models.registry import build
from mscat_tf.training.step import TrainingStep
from tests.models.mock_inputs import inputs_of, mock_inputs, moved_weights, sizes_of, without_dropout

EVENTS = 8

def after_one_step(strategy, name, start, settings):
    '''With plain gradient descent at rate 1 the update is the gradient.'''
    with strategy.scope():
        model = build(without_dropout(name), sizes_of(name))
        if start is None:
            moved_weights(model)
        else:
            model.set_weights(start)
        optimizer = keras.optimizers.SGD(1.0)
    start = model.get_weights()
    step = TrainingStep(strategy, model, optimizer, settings)
    inputs = inputs_of(model, mock_inputs(EVENTS, sizes=sizes_of(name), least=2))
    label, share = (np.arange(EVENTS) % 2).astype("f4"), np.full(EVENTS, 1 / EVENTS, "f4")
    data = tf.data.Dataset.from_tensor_slices((inputs, label, share, np.arange(EVENTS)))
    data = data.batch(EVENTS // strategy.num_replicas_in_sync, drop_remainder=True)
    for batch in strategy.distribute_datasets_from_function(lambda _: data):
        outcome = step(batch)
    with step.average.in_place() if step.average else keras.name_scope("none"):
        return start, model.get_weights(), [w.path for w in model.weights], [float(part[0]) for part in outcome[:3]]

one = tf.distribute.OneDeviceStrategy("CPU:0")
replicas = int(sys.argv[1])
several = tf.distribute.MirroredStrategy([f"CPU:{n}" for n in range(replicas)])
assert several.num_replicas_in_sync == replicas
for name, settings in json.loads(sys.argv[2]):
    settings = TrainSettings(batch_size=EVENTS, **settings)
    start, several_weights, paths, found = after_one_step(several, name, None, settings)
    _, one_weights, _, single = after_one_step(one, name, start, settings)
    worst = max(
        (float(np.abs(a - b).max() / max(1.0, np.abs(a - s).max())), path)
        for s, a, b, path in zip(start, one_weights, several_weights, paths) if a.size
    )
    moved = max(float(np.abs(a - b).max()) for a, b in zip(start, one_weights) if a.size)
    print(json.dumps({"name": name, "worst": worst, "moved": moved, "one": single, "several": found}), flush=True)
"""


@pytest.mark.slow
@pytest.mark.parametrize("replicas", [2, 4])
def test_replicas_find_the_gradients_of_one_device(replicas):
    cases = [(name, {}) for name in (CHOSEN if replicas == 2 else [LIGHT])]
    cases += [(LIGHT, settings) for settings in VARIANTS.values()] if replicas == 2 else []
    job = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(replicas), json.dumps(cases)],
        capture_output=True, text=True, cwd=Path(__file__).parents[2], timeout=900, check=False,
    )  # fmt: skip
    assert job.returncode == 0, job.stderr[-3000:]
    rows = [json.loads(line) for line in job.stdout.splitlines() if line.startswith("{")]
    assert [row["name"] for row in rows] == [name for name, _ in cases]
    for row in rows:
        assert row["several"] == pytest.approx(row["one"], rel=1e-5), row
        assert row["moved"] > 1e-3, row
        assert row["worst"][0] < 1e-5, row
