"""What one of two worker processes does in test_workers.py: `python -m tests.training.worker PLAN FOLDER SAMPLE`."""

import json
import os
import signal
import sys
import time
from pathlib import Path

import keras
import numpy as np

from mscat_tf.config import load_config
from mscat_tf.data import Sample
from mscat_tf.errors import MscatError
from mscat_tf.training.run import prepare, train
from mscat_tf.training.step import TrainingStep

SETTINGS = (
    "model.name=kinematics_mlp",
    "model.dropout_rate=0",
    "train.batch_size=40",
    "train.epochs=2",
    "train.steps_per_epoch=3",
)
OTHERS = ("train.tensorboard=false", "train.checkpoint_minutes=1e-9", "train.checkpoints_kept=99")  # after every step
STEPS = 6


def settings_of(sample, *overrides):
    return load_config("smoke", [f"data.path={sample}", *SETTINGS, *OTHERS, *overrides])


def gradients(config):
    """Of the first batch: with plain gradient descent at rate 1 the update is the gradient. Loss, then by weight."""
    with Sample(config.data.path) as sample:
        setup = prepare(config, sample)
        start = setup.model.get_weights()
        with setup.strategy.scope():
            optimizer = keras.optimizers.SGD(1.0)
        step = TrainingStep(setup.strategy, setup.model, optimizer, config.train)
        outcome = step(next(setup.distributed(setup.training_stream(), 0)))
        return [outcome.loss, *(before - after for before, after in zip(start, setup.model.get_weights(), strict=True))]


class At(keras.callbacks.Callback):
    """Do something after a step of the training."""

    def __init__(self, step, do):
        super().__init__()
        self.step, self.do = step, do

    def on_train_batch_end(self, batch, logs=None):
        if logs["step"] == self.step:
            self.do()


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def terminate_the_launcher():
    os.kill(os.getppid(), signal.SIGTERM)
    time.sleep(3.0)  # by then it has passed the signal on; steps take no time


DEEDS = {"die": At(2, die), "terminate": At(4, terminate_the_launcher)}


def main(plan, folder, sample):
    """The plan: `[name of the run, what worker 1 does in it or null]`; two names mean something else."""
    second = json.loads(os.environ["TF_CONFIG"])["task"]["index"] == 1
    for name, deed in json.loads(plan):
        batch = ["train.batch_size=41"] if name == "uneven" else []
        config = settings_of(sample, "train.strategy=multi_worker", *batch)
        try:
            if name == "gradients":
                np.savez(folder / f"gradients-{int(second)}.npz", *gradients(config))
            else:
                train(config, folder / name, [DEEDS[deed]] if deed and second else [])
        except MscatError as error:
            sys.stderr.write(f"mscat: {error}\n")
            if name != "uneven":
                sys.exit(2)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3])
