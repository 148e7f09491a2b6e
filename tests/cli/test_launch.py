"""Starting the workers of a training: who is told what, and how they end. No TensorFlow here."""

import json
import os
import signal
import socket
import subprocess
import sys
import time

import pytest

from mscat_tf.cli import launch
from mscat_tf.cli.processes import run_all
from mscat_tf.errors import ConfigError
from tests.waiting import wait_until


def python(code):
    return [sys.executable, "-c", code]


def run_here(*codes, **options):
    return run_all([python(code) for code in codes], [dict(os.environ) for _ in codes], **options)


def test_each_local_worker_is_told_of_all():
    own = launch.local_environments(2, ["0", "1", "4", "5"], [7001, 7002], {"HOME": "/h", "OMP_NUM_THREADS": "9"})
    for index, environment in enumerate(own):
        assert json.loads(environment["TF_CONFIG"]) == {
            "cluster": {"worker": ["127.0.0.1:7001", "127.0.0.1:7002"]},
            "task": {"type": "worker", "index": index},
        }
        assert environment["HOME"] == "/h"
        assert environment["OMP_NUM_THREADS"] == "9"  # what the user set stays
        assert int(environment["TF_NUM_INTRAOP_THREADS"]) == max(1, len(os.sched_getaffinity(0)) // 2)
    assert [environment["CUDA_VISIBLE_DEVICES"] for environment in own] == ["0,1", "4,5"]
    assert "CUDA_VISIBLE_DEVICES" not in launch.local_environments(1, [], [7001], {})[0]


def test_gpus_that_cannot_be_shared_equally():
    with pytest.raises(ConfigError, match="3 GPUs cannot be shared equally by 2 processes; choose --workers"):
        launch.local_environments(2, ["0", "1", "2"], [1, 2], {})


@pytest.mark.parametrize(("value", "seen"), [("2,3", ["2", "3"]), ("", []), ("-1", []), ("GPU-8a", ["GPU-8a"])])
def test_gpus_that_the_environment_names(value, seen):
    assert launch.visible_gpus({"CUDA_VISIBLE_DEVICES": value}) == seen


def test_gpus_that_the_driver_lists(tmp_path):
    for name in ("0000:01:00.0", "0000:02:00.0"):
        (tmp_path / name).mkdir()
    assert launch.visible_gpus({}, tmp_path) == ["0", "1"]
    assert launch.visible_gpus({}, tmp_path / "none") == []


def test_free_ports_can_be_used():
    ports = launch.free_ports(3, None)
    assert len(set(ports)) == 3
    for port in ports:
        with socket.socket() as one:
            one.bind(("127.0.0.1", port))
    assert launch.free_ports(2, 5000) == [5000, 5001]


def test_command_of_a_worker():
    assert launch.train_command(["mscat", "train", "demo", "--set", "seed=2"], 60.0)[1:] == [
        *("-m", "mscat_tf.cli.main", "train", "demo", "--set", "seed=2"),
        *("--set", "train.strategy=multi_worker", "--set", "train.worker_timeout=60"),
    ]


def test_only_trainings_are_launched(mscat):
    status, _, complaint = mscat("launch", "--", "mscat", "evaluate", "runs/x")
    assert status == 2
    assert "mscat launch -- mscat train CONFIG" in complaint


def test_ways_exclude_each_other(mscat):
    status, _, complaint = mscat("launch", "--workers", "2", "--slurm", "--", "mscat", "train", "demo")
    assert status == 2
    assert "one of --workers, --hosts and --slurm" in complaint


# What `srun` gives its tasks: 2 nodes with 2 tasks each, then one with 1.
SLURM = {
    "SLURM_PROCID": "3",
    "SLURM_NTASKS": "5",
    "SLURM_STEP_NODELIST": "gpu[09-10],login1",
    "SLURM_STEP_TASKS_PER_NODE": "2(x2),1",
    "SLURM_JOB_ID": "4001002",
    "SLURMD_NODENAME": "gpu10",
}


def test_slurm_tasks_find_each_other():
    addresses, index = launch.slurm_cluster(SLURM, 900)
    assert addresses == ["gpu09:900", "gpu09:901", "gpu10:900", "gpu10:901", "login1:900"]
    assert index == 3


def test_ports_of_neighbouring_jobs_differ():
    ports = [
        {address.rpartition(":")[2] for address in launch.slurm_cluster({**SLURM, "SLURM_JOB_ID": job}, None)[0]}
        for job in ("41", "42")
    ]
    assert not ports[0] & ports[1]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"SLURM_PROCID": "5"}, "task 5 of 5"),
        ({"SLURM_STEP_TASKS_PER_NODE": "two"}, "srun mscat launch --slurm"),
        ({"SLURM_STEP_NODELIST": "gpu[09"}, r"gpu\[09"),
        ({"SLURM_STEP_TASKS_PER_NODE": "5"}, "contradict each other"),
        ({"SLURMD_NODENAME": "gpu09"}, "--distribution=block"),
    ],
)
def test_slurm_variables_that_contradict_each_other(change, words):
    with pytest.raises(ConfigError, match=words):
        launch.slurm_cluster({**SLURM, **change}, None)


def test_outside_slurm(mscat, monkeypatch):
    monkeypatch.delenv("SLURM_PROCID", raising=False)
    status, _, complaint = mscat("launch", "--slurm", "--", "mscat", "train", "demo")
    assert status == 2
    assert "'SLURM_PROCID' is missing" in complaint


def test_node_lists_agree_with_tensorflows_resolver():
    """Where both understand a list; TensorFlow's takes one bracket for each name."""
    from tensorflow.python.distribute.cluster_resolver import slurm_cluster_resolver as oracle

    for text in ("n1", "n[1-2],m5,o[3-4,6,7-9]", "node[008-011],x", "a-b[1],c-d[02,04-05]"):
        assert launch.expand_nodes(text) == oracle.expand_hostlist(text)
    for text in ("1", "3(x2),2,1", "16(x128)"):
        assert launch.expand_counts(text) == oracle.expand_tasks_per_node(text)


def test_host_list_and_own_place_in_it():
    addresses, index = launch.host_cluster(f"other, {socket.gethostname()}, third:77", None, 500)
    assert (addresses[0], addresses[2], index) == ("other:500", "third:77", 1)
    assert launch.host_cluster("a,a", 1, None) == (["a:12000", "a:12001"], 1)
    with pytest.raises(ConfigError, match="0 of them are this machine"):
        launch.host_cluster("a.example,b.example", None, None)
    with pytest.raises(ConfigError, match="from 0 to 1"):
        launch.host_cluster("a,b", 2, None)


def test_a_host_becomes_its_worker():
    """The process is replaced, so that signals and status are those of the training."""
    code = (
        "from mscat_tf.cli import launch; launch.train_command = lambda *_: ['/usr/bin/env'];"
        "launch.launch([], hosts='a,b', index=1)"
    )
    shown = subprocess.run(python(code), capture_output=True, text=True, check=True).stdout
    line = next(line for line in shown.splitlines() if line.startswith("TF_CONFIG="))
    assert json.loads(line.removeprefix("TF_CONFIG="))["task"]["index"] == 1


def test_all_end_well(capfd):
    assert run_here("print('zero')", "print('one')") == 0
    shown = capfd.readouterr()
    assert "zero" in shown.out
    assert "one" not in shown.out  # in its file


@pytest.mark.parametrize(("ending", "status"), [("raise SystemExit(2)", 2), ("import os; os.kill(os.getpid(), 9)", 1)])
def test_the_first_failure_ends_the_others(capfd, ending, status):
    started = time.monotonic()
    assert run_here("import time; time.sleep(60)", f"print('words of the culprit', flush=True); {ending}") == status
    assert time.monotonic() - started < 20
    assert "words of the culprit" in capfd.readouterr().err


DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"


def test_the_killed_one_is_named_where_the_other_ends_because_of_it(capfd):
    """Both end within the second in which the launcher waits; the loss is what worker 0 complains of."""
    assert run_here("import time; time.sleep(0.3); raise SystemExit(2)", "import os; os.kill(os.getpid(), 9)") == 1
    assert "worker 1 was ended by SIGKILL" in capfd.readouterr().err


def test_workers_that_ignore_sigterm_are_killed():
    started = time.monotonic()
    assert run_here(DEAF, "import time; time.sleep(1); raise SystemExit(1)", grace=1.0) == 1
    assert time.monotonic() - started < 20


LAUNCHER = """
import os, sys
from mscat_tf.cli.processes import run_all
sys.exit(run_all([[sys.executable, "-c", sys.argv[1]]] * 2, [dict(os.environ)] * 2))
"""
WORKER = """
import os, signal, sys, time
def end(number, _):
    open(sys.argv[0] + "end-%d" % os.getpid(), "w").close()
    sys.exit(128 + number)
signal.signal(signal.SIGTERM, end), signal.signal(signal.SIGINT, end)
sys.argv[0] = os.environ["FOLDER"] + "/"
open(sys.argv[0] + "ready-%d" % os.getpid(), "w").close()
time.sleep(60)
"""


def started_launcher(folder):
    process = subprocess.Popen([*python(LAUNCHER), WORKER], env={**os.environ, "FOLDER": str(folder)})
    wait_until(lambda: len(list(folder.glob("ready-*"))) == 2)
    return process


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_signals_reach_every_worker(tmp_path, number, status):
    process = started_launcher(tmp_path)
    process.send_signal(number)
    assert process.wait(30) == status
    assert len(list(tmp_path.glob("end-*"))) == 2


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells children that their parent died")
def test_no_worker_outlives_a_killed_launcher(tmp_path):
    process = started_launcher(tmp_path)
    process.kill()
    process.wait(30)
    wait_until(lambda: len(list(tmp_path.glob("end-*"))) == 2)
