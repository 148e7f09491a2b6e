"""Two worker processes: they train as one does, survive the loss of one, and refuse what cannot work in a sentence."""

import json
import os
import shutil
import socket
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from mscat_tf.config import TrainSettings
from mscat_tf.errors import ConfigError, InputError
from mscat_tf.run_folder import Run
from mscat_tf.training.cluster import Cluster, multi_worker_strategy, read_cluster, wait_for_all
from mscat_tf.training.run import train
from tests.training.worker import STEPS, gradients, settings_of

LAUNCHER = """
import os, sys
from mscat_tf.cli import launch
from mscat_tf.cli.processes import run_all
environments = launch.local_environments(2, [], launch.free_ports(2, None), os.environ)
sys.exit(run_all([[sys.executable, "-m", "tests.training.worker", *sys.argv[1:]]] * 2, environments))
"""


def two_workers(plan, folder, sample):
    """Exit status of the launcher, and what it and worker 0 wrote."""
    job = subprocess.run(
        [sys.executable, "-c", LAUNCHER, json.dumps(plan), str(folder), str(sample)],
        capture_output=True, text=True, cwd=Path(__file__).parents[2], timeout=600, check=False,
    )  # fmt: skip
    return job.returncode, job.stdout + job.stderr


@pytest.fixture(scope="module")
def done(tmp_path_factory, mock_folder):
    """Two pairs of workers, since each costs the start of two TensorFlows; folder and what both wrote."""
    folder = tmp_path_factory.mktemp("workers")
    ends = [
        two_workers([("uneven", None), ("gradients", None), ("straight", None), ("broken", "die")], folder, mock_folder)
    ]
    ends.append(two_workers([("broken", "terminate")], folder, mock_folder))
    return folder, ends


@pytest.fixture(scope="module")
def single(tmp_path_factory, mock_folder):
    return train(settings_of(mock_folder), tmp_path_factory.mktemp("single") / "run")


def check_same(run, other, tolerance):
    for own, others in zip(run.model.get_weights(), other.model.get_weights(), strict=True):
        np.testing.assert_allclose(own, others, atol=tolerance, rtol=0)


@pytest.mark.slow
def test_gradients_are_those_of_one_device(done, mock_folder):
    expected = gradients(settings_of(mock_folder, "train.strategy=one_device"))
    assert max(np.abs(part).max() for part in expected[1:] if part.size) > 1e-3
    for index in (0, 1):
        with np.load(done[0] / f"gradients-{index}.npz") as found:
            for name, part in zip(found.files, expected, strict=True):
                np.testing.assert_allclose(found[name], part, atol=1e-5, rtol=0)


@pytest.mark.slow
def test_training_is_that_of_one_process(done, single):
    run = Run(done[0] / "straight")
    assert run.training["replicas"] == 2
    assert run.training["steps_trained"] == single.training["steps_trained"] == STEPS
    check_same(run, single, 1e-4)  # Adam divides by the gradient's own size, and so magnifies rounding
    assert run.training["best_validation_loss"] == pytest.approx(single.training["best_validation_loss"], abs=1e-5)


@pytest.mark.slow
def test_killed_worker_ends_all(done):
    status, output = done[1][0]
    assert status == 1
    assert "worker 1 was ended by SIGKILL" in output
    assert "mscat: another worker of this training was lost" in output


@pytest.mark.slow
def test_resumed_after_a_kill_and_stopped_by_sigterm_nothing_differs(done):
    """All variables, of the optimizer too, at the step where SIGTERM to the launcher stopped the resumed run."""
    folder, (_, (status, _)) = done
    assert status == 143
    assert not (folder / "broken" / "model.keras").exists()
    newest = max(folder.glob("broken/checkpoints/step-*.npz"))
    assert 4 <= int(newest.stem.removeprefix("step-")) < STEPS
    with np.load(newest) as own, np.load(folder / "straight" / "checkpoints" / newest.name) as straight:
        assert own.files == straight.files
        for name in own.files:
            if own[name].dtype.kind == "f":
                np.testing.assert_allclose(own[name], straight[name], atol=1e-6, rtol=0)


@pytest.mark.slow
def test_one_process_goes_on_where_two_stopped(done, mock_folder, tmp_path):
    shutil.copytree(done[0] / "broken", tmp_path / "run")
    run = train(settings_of(mock_folder), tmp_path / "run")
    assert run.training["steps_trained"] == STEPS
    check_same(run, Run(done[0] / "straight"), 1e-4)


@pytest.mark.slow
def test_batch_that_two_workers_cannot_share(done):
    assert "train.batch_size = 41 cannot be shared by 2 devices" in done[1][0][1]


def tf_config(cluster, kind="worker", index=0):
    return {"TF_CONFIG": json.dumps({"cluster": cluster, "task": {"type": kind, "index": index}})}


def test_cluster_of_the_environment():
    assert read_cluster({}) is None
    assert read_cluster({"TF_CONFIG": " "}) is None
    assert read_cluster(tf_config({"worker": ["a:1", "b:2"]}, index=1)) == Cluster(("a:1", "b:2"), 1)
    with_chief = {"chief": ["c:3"], "worker": ["a:1", "b:2"]}
    assert read_cluster(tf_config(with_chief, index=1)) == Cluster(("c:3", "a:1", "b:2"), 2)
    assert read_cluster(tf_config(with_chief, "chief")) == Cluster(("c:3", "a:1", "b:2"), 0)
    cluster = Cluster(("a:1", "b:2"), 1)
    assert read_cluster({"TF_CONFIG": cluster.to_json()}) == cluster


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({"TF_CONFIG": "{worker"}, "TF_CONFIG: top level: Invalid JSON"),
        ({"TF_CONFIG": "[]"}, "should be an object"),
        ({"TF_CONFIG": '{"task": {"type": "worker", "index": 0}}'}, "TF_CONFIG: cluster: Field required"),
        ({"TF_CONFIG": '{"cluster": {"worker": ["a:1"]}}'}, "TF_CONFIG: task: Field required"),
        (tf_config({"worker": "a:1"}), "cluster.worker: Input should be a valid (list|array)"),
        (tf_config({"worker": ["a:1"]}, index="first"), "task.index: Input should be a valid integer"),
        (tf_config({"worker": ["a:1"]}, index=-1), "task.index -1"),
        (tf_config({"worker": ["a:1"]}, index=1), "index 1 of worker, but there are 1"),
        (tf_config({"worker": ["a:1"]}, "ps"), "task.type 'ps'"),
        (tf_config({"worker": ["a:1", "b:1", "a:1"]}), "a:1 stands there twice"),
        (tf_config({"worker": ["a"]}), "'a': not an address HOST:PORT"),
        (tf_config({"worker": ["a:70000"]}), "port from 1 to 65535"),
    ],
)
def test_broken_tf_config(environ, words):
    with pytest.raises(ConfigError, match=words):
        read_cluster(environ)


def test_strategy_without_launcher(monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    with pytest.raises(ConfigError, match="mscat launch --workers 2"):
        multi_worker_strategy(TrainSettings(strategy="multi_worker"))


def test_worker_has_one_cpu(monkeypatch):
    monkeypatch.setitem(os.environ, "TF_CONFIG", Cluster(("a:1",), 0).to_json())
    with pytest.raises(ConfigError, match=r"logical_devices = 2.*start more workers"):
        multi_worker_strategy(TrainSettings(strategy="multi_worker", logical_devices=2))


@pytest.fixture
def addresses():
    """Three addresses of this machine that nobody uses."""
    with socket.socket() as a, socket.socket() as b, socket.socket() as c:
        for one in (a, b, c):
            one.bind(("127.0.0.1", 0))
        return tuple(f"127.0.0.1:{one.getsockname()[1]}" for one in (a, b, c))


def test_all_wait_for_the_last(addresses):
    arrived = []

    def come(index):
        wait_for_all(Cluster(addresses, index), 20.0)
        arrived.append(index)
        # as TensorFlow does next, which answers those that are late
        server = socket.create_server(("", int(addresses[index].rpartition(":")[2])))
        everybody.wait(20.0)
        server.close()

    everybody = threading.Barrier(3)
    early = [threading.Thread(target=come, args=(index,)) for index in (0, 2)]
    for thread in early:
        thread.start()
    early[0].join(0.5)
    assert arrived == []
    come(1)
    for thread in early:
        thread.join(20.0)
    assert sorted(arrived) == [0, 1, 2]


def test_worker_that_never_comes(addresses):
    with (
        socket.create_server(("127.0.0.1", int(addresses[1].rpartition(":")[2]))),
        pytest.raises(InputError, match=rf"worker 2 \({addresses[2]}\) did not come within 1 s .*worker_timeout"),
    ):
        wait_for_all(Cluster(addresses, 0), 0.6)


def test_port_that_is_taken(addresses):
    with (
        socket.create_server(("127.0.0.1", int(addresses[0].rpartition(":")[2]))),
        pytest.raises(ConfigError, match="--port-base"),
    ):
        wait_for_all(Cluster(addresses, 0), 1.0)


def test_host_that_does_not_exist(addresses):
    with pytest.raises(ConfigError, match=r"nowhere\.invalid:5: no such host"):
        wait_for_all(Cluster((addresses[0], "nowhere.invalid:5"), 0), 1.0)
