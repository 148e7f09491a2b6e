"""Training: it learns, resumes exactly, agrees with Keras' own `fit`, and refuses what it cannot do."""

import errno
import json
import os
import signal

import keras
import numpy as np
import pytest

from mscat_tf.data import Sample
from mscat_tf.data.mock import write_mock_sample
from mscat_tf.errors import ConfigError, DivergedError, InputError, OutputError
from mscat_tf.evaluation.run import evaluate
from mscat_tf.files import make_folder
from mscat_tf.interpretation.stream_importance import stream_importance
from mscat_tf.lock import locked
from mscat_tf.run_folder import Run
from mscat_tf.training.run import prepare, train
from mscat_tf.training.step import TrainingStep


class Killed(BaseException):
    """As SIGKILL: nothing in the training may answer to it."""


class KillAfter(keras.callbacks.Callback):
    """End a training without any notice, in the middle of an epoch."""

    def __init__(self, epoch):
        super().__init__()
        self.epoch, self.now = epoch, 0

    def on_epoch_begin(self, epoch, logs=None):
        self.now = epoch

    def on_train_batch_end(self, batch, logs=None):
        if self.now == self.epoch and batch >= 2:
            raise Killed


def weights(run):
    return run.model.get_weights()


@pytest.fixture(scope="module")
def trained(tmp_path_factory, mock_folder):
    from mscat_tf.config import load_config

    settings = [f"data.path={mock_folder}", "model.name=kinematics_only", "train.epochs=8", "train.learning_rate=0.02"]
    config = load_config("smoke", settings)
    return train(config, tmp_path_factory.mktemp("run") / "straight")


def test_it_learns_and_leaves_the_promised_files(trained):
    rows = trained.path.joinpath("history.csv").read_text().splitlines()
    assert len(rows) == 1 + trained.training["epochs_trained"]
    assert trained.training["best_validation_auc"] > 0.75
    assert {"config.yaml", "environment.json", "checkpoints", "model.keras", "history.csv", "training.json"} <= {
        path.name for path in trained.path.iterdir()
    }
    assert list(trained.path.joinpath("tensorboard").glob("events*"))
    assert "splits" in trained.training


def test_evaluation_of_the_run(trained):
    metrics = evaluate(trained)
    assert metrics["all backgrounds"]["auc"]["value"] > 0.7
    assert {path.stem for path in trained.path.joinpath("figures").glob("*.png")} == {
        "roc", "calibration", "scores", "efficiency", "selection", "sculpting", "yields",
    }  # fmt: skip
    assert f"{metrics['all backgrounds']['auc']['value']:.4f}" in Run(trained.path)._repr_html_()
    assert metrics["yields"]["4b"]["expected"] > 0
    found = stream_importance(trained)
    assert found["auc"] == pytest.approx(metrics["all backgrounds"]["auc"]["value"], abs=1e-6)
    assert found["streams"]["kinematics"]["lost"] > 0.1
    assert stream_importance(Run(trained.path)) == found  # from its file


def test_finished_run_is_left_alone(trained):
    before = trained.path.joinpath("model.keras").stat().st_mtime_ns
    train(trained.config, trained.path)
    assert trained.path.joinpath("model.keras").stat().st_mtime_ns == before


def test_killed_with_a_damaged_checkpoint_it_resumes_from_the_one_before(trained, tmp_path):
    with pytest.raises(Killed):
        train(trained.config, tmp_path / "run", [KillAfter(2)])
    newest = sorted(tmp_path.glob("run/checkpoints/step-*.npz"))[-1]
    newest.write_bytes(newest.read_bytes()[:5000])
    resumed = train(trained.config, tmp_path / "run")
    assert_same_weights(trained, resumed)
    assert resumed.training["best_validation_auc"] == trained.training["best_validation_auc"]


def test_killed_inside_an_epoch_it_resumes_there(mock_config, tmp_path):
    """With everything that has a state: dropout, moving average, rates in a row, epochs that end within a pass."""
    settings = ("train.epochs=3", "train.steps_per_epoch=5", "train.ema=0.9", "train.steps_per_execution=2")
    config = mock_config(*settings, "train.checkpoint_minutes=1e-9", "train.learning_rate=0.01", "train.batch_size=50")
    straight = train(config, tmp_path / "straight")
    with pytest.raises(Killed):
        train(config, tmp_path / "run", [KillAfter(1)])
    newest = sorted(tmp_path.glob("run/checkpoints/step-*.npz"))[-1]
    assert newest.name == "step-0000000007.npz"  # of 5 + 4: the last save was before the call that was killed
    resumed = train(config, tmp_path / "run")
    assert_same_weights(straight, resumed)
    rows = [json.loads(path.joinpath("training.json").read_text()) for path in (straight.path, resumed.path)]
    assert rows[0]["best_validation_loss"] == rows[1]["best_validation_loss"]


def assert_same_weights(one, other):
    for straight, again in zip(weights(one), weights(other), strict=True):
        np.testing.assert_array_equal(straight, again)


def test_full_disk_leaves_the_checkpoint_before(mock_config, tmp_path, monkeypatch):
    config = mock_config("train.epochs=3")
    save, saved = np.savez, []

    def full(file, **arrays):
        if "step-" in file.name and saved:
            file.write(b"half of it")
            raise OSError(errno.ENOSPC, "No space left on device")
        save(file, **arrays)
        saved.extend([file.name] if "step-" in file.name else [])

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(OutputError, match="No space left on device"):
        train(config, tmp_path / "run")
    monkeypatch.undo()
    assert len(saved) == len(list(tmp_path.glob("run/checkpoints/step-*.npz"))) == 1
    assert not list(tmp_path.glob("run/checkpoints/.part-*"))
    assert train(config, tmp_path / "run").training["epochs_trained"] == 3


def test_checkpoint_of_another_network_is_refused(mock_config, tmp_path):
    config = mock_config("train.epochs=2")
    with pytest.raises(Killed):
        train(config, tmp_path / "run", [KillAfter(1)])
    (newest,) = tmp_path.glob("run/checkpoints/step-*.npz")
    with np.load(newest) as file:
        arrays = dict(file)
    np.savez(newest, **{**arrays, "variable_00002": np.zeros((3, 3))})
    with pytest.raises(InputError, match=r"the checkpoint \(3, 3\); it was made by another network"):
        train(config, tmp_path / "run")
    del arrays["variable_00002"]
    np.savez(newest, **arrays)
    with pytest.raises(InputError, match=r"holds \d+ variables, this training has \d+; it was made by another"):
        train(config, tmp_path / "run")


@pytest.mark.filterwarnings("ignore:Your input ran out of data")  # Keras says so now and then at the end of an epoch
def test_step_agrees_with_keras_fit(mock_config):
    """One pass over the same batches by Keras' trainer, which is the oracle on one device."""
    config = mock_config("model.dropout_rate=0", "train.strategy=one_device", "train.batch_size=48")
    with Sample(config.data.path) as sample:
        results = []
        for ours in (True, False):
            setup = prepare(config, sample)
            stream = setup.training_stream()
            setup.optimizer.learning_rate = 0.01
            if ours:
                step = TrainingStep(setup.strategy, setup.model, setup.optimizer)
                for batch in stream.dataset():
                    step(batch)
            else:
                setup.model.compile(
                    setup.optimizer, loss=keras.losses.BinaryCrossentropy(reduction="sum"), jit_compile=False
                )
                data = stream.dataset().map(lambda x, y, w, _: (x, y[:, None], w[:, None]))
                setup.model.fit(data, epochs=1, verbose=0, shuffle=False)
            results.append(setup.model.get_weights())
    for own, oracle in zip(*results, strict=True):
        np.testing.assert_allclose(own, oracle, rtol=1e-3, atol=2e-5)


def test_frozen_parts_stay_as_they_came(trained, mock_config):
    start = (f"train.start_from={trained.path}", "train.freeze=[kinematics]")
    config = mock_config("model.name=kinematics_only", *start)
    with Sample(config.data.path) as sample:
        setup = prepare(config, sample)
        step = TrainingStep(setup.strategy, setup.model, setup.optimizer, config.train)
        step(next(setup.distributed(setup.training_stream(), 0)), 0.01)
    before = {weight.path: weight.numpy() for weight in trained.model.weights}
    for weight in setup.model.weights:
        assert np.array_equal(weight.numpy(), before[weight.path]) == weight.path.startswith("kinematics"), weight.path


def test_shuffled_labels_teach_nothing(mock_config, tmp_path, monkeypatch):
    monkeypatch.setattr("mscat_tf.evaluation.run.draw_run", lambda *_: [])  # drawn in another test
    config = mock_config("data.shuffle_labels=true", "train.epochs=1", "evaluate.bootstrap_replicas=100")
    auc = evaluate(train(config, tmp_path / "run"))["all backgrounds"]["auc"]
    assert abs(auc["value"] - 0.5) < 3.5 * auc["error"]


def test_other_settings_or_events_do_not_touch_a_run(trained, tmp_path):
    with pytest.raises(OutputError, match=r"made with other settings \(train.epochs was 8, now 5\)"):
        train(trained.config.updated(["train.epochs=5"]), trained.path)
    same = train(trained.config.updated(["model.cnn_image.filters=[8, 8, 8, 8]"]), trained.path)  # of another network
    assert same.finished
    other = write_mock_sample(tmp_path, events=200, shards=2)
    with pytest.raises(OutputError, match=r"data.path was"):
        train(trained.config.updated([f"data.path={other}"]), trained.path)


@pytest.mark.parametrize(
    ("override", "error", "message"),
    [
        ("model.name=mscta", ConfigError, "did you mean 'mscat'"),
        ("model.name=lund_net", InputError, "no data set 'lund/declusterings'"),
        ("model.boosted_trees.inputs=both", InputError, "no data set 'high_level'"),
        ("train.start_from=nowhere.keras", InputError, r"nowhere.keras: cannot be loaded"),
    ],
)
def test_what_cannot_be_trained_leaves_no_folder_behind(mock_config, tmp_path, override, error, message):
    """Else the mended command would be refused there, as made with other settings."""
    trees = ["model.name=boosted_trees"] if "trees" in override else []
    with pytest.raises(error, match=message):
        train(mock_config(*trees, override), tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("name", ["kinematics_only", "boosted_trees"])
def test_a_run_that_another_process_trains_is_refused(mock_config, tmp_path, name):
    """Two that write one folder would mix their checkpoints."""
    make_folder(tmp_path / "run")
    sentence = rf"process {os.getpid()} on .* is writing this run; wait for it"
    with locked(tmp_path / "run", "this run"), pytest.raises(OutputError, match=sentence):
        train(mock_config(f"model.name={name}"), tmp_path / "run")
    assert not [path for path in (tmp_path / "run").rglob("*") if path.suffix in (".npz", ".h5", ".csv")]


def test_diverging_loss_is_one_sentence_and_its_batch_is_kept(mock_config, tmp_path):
    config = mock_config("train.learning_rate=1e30", "train.warmup_fraction=0", "train.symmetries=false")
    with pytest.raises(DivergedError, match=r"epoch 1, step \d+: .* not a finite number; lower train.learning_rate"):
        train(config, tmp_path / "run")
    with np.load(tmp_path / "run" / "unsound_batch.npz") as batch, Sample(config.data.path) as sample:
        real = batch["row"] >= 0
        np.testing.assert_array_equal(batch["kinematics"][real], sample.column("kinematics")[batch["row"][real]])


def test_terminated_it_keeps_a_checkpoint_and_says_143(mock_config, tmp_path):
    config = mock_config("train.epochs=2", "train.steps_per_epoch=12")

    class Terminate(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch == 6:
                signal.raise_signal(signal.SIGTERM)

    with pytest.raises(SystemExit) as ended:
        train(config, tmp_path / "run", [Terminate()])
    assert ended.value.code == 143
    (newest,) = tmp_path.glob("run/checkpoints/step-*.npz")
    assert newest.name == "step-0000000008.npz"  # the signal came after 7; the next step tells all workers
    assert_same_weights(train(config, tmp_path / "run"), train(config, tmp_path / "straight"))


def test_constant_rate_monitored_auc_and_patience(mock_config, tmp_path):
    settings = ("train.schedule=constant", "train.monitor=val_auc", "train.early_stopping_patience=1")
    run = train(mock_config(*settings, "train.epochs=30", "train.learning_rate=0.05"), tmp_path / "run")
    trained, best = run.training["epochs_trained"], run.training["best_epoch"]
    assert trained == best + 1 < 30
    history = [row.split(",") for row in (run.path / "history.csv").read_text().splitlines()]
    auc = [float(row[history[0].index("val_auc")]) for row in history[1:]]
    assert max(auc) == auc[best - 1]


def test_a_first_epoch_without_a_figure_is_not_the_best_for_ever(mock_config, tmp_path, monkeypatch):
    figures = iter([np.nan, 0.7, 0.6, np.nan])
    monkeypatch.setattr(
        "mscat_tf.training.run._validation", lambda _: lambda: {"val_auc": 0.5, "val_loss": next(figures)}
    )
    assert train(mock_config("train.epochs=4"), tmp_path / "run").training["best_epoch"] == 3


def test_batch_that_cannot_be_shared_is_refused_before_anything_runs(mock_config):
    with pytest.raises(ConfigError, match=r"batch_size = 100 must be a multiple of lanes \(1\) times accumulation"):
        mock_config("train.batch_size=100", "train.accumulation=3")


def test_run_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match=r"no run here \(config.yaml is missing\)"):
        Run(tmp_path)


def test_what_another_process_has_finished_meanwhile_stays(trained, monkeypatch):
    """It looked before, found nothing finished, and got ready while the other trained."""
    before = {name: (trained.path / name).stat().st_mtime_ns for name in ("training.json", "model.keras")}
    monkeypatch.setattr("mscat_tf.training.run.has_run", lambda folder: False)
    again = train(trained.config, trained.path, [KillAfter(0)])
    assert again.finished
    assert {name: (trained.path / name).stat().st_mtime_ns for name in before} == before
