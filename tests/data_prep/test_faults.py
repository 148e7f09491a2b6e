"""What goes wrong on real machines: the right sample or one clear sentence, never a silently short one."""

import contextlib
import os
import resource
import signal
import socket
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import dask
import distributed  # noqa: F401, its defaults must be there before dask.config.set, or they go with it
import pytest

from data_prep import dask_cluster
from data_prep.dask_cluster import Workplace, compute
from data_prep.run import generate
from mscat_tf.errors import ConfigError, GenerationError, OutputError
from mscat_tf.files import PART
from mscat_tf.lock import LOCK, locked
from mscat_tf.schema import UNFINISHED
from tests.data_prep.conftest import quick_settings
from tests.data_prep.test_run import checksums

ROOT = str(Path(__file__).parents[2])
TWO_SHARDS = {"events": 600, "shard_events": 300, "processes": {"signal": quick_settings().processes["signal"]}}
"""A shard takes several batches: the first report comes long before it is finished, on a busy machine too."""


@contextlib.contextmanager
def dask_process(*arguments):
    """One process of the dask command line; ended with the block."""
    path = f"{ROOT}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
    process = subprocess.Popen(
        [sys.executable, "-m", "dask", *arguments],
        env={**os.environ, "PYTHONPATH": path, "DASK_DISTRIBUTED__LOGGING__DISTRIBUTED": "critical"},
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def scheduler():
    """Address of a dask scheduler in a process of its own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with dask_process("scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard"):
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.1)
        yield f"tcp://127.0.0.1:{port}"


def wait_for_workers(address, number):
    from distributed import Client

    with Client(address) as client:
        client.wait_for_workers(number, timeout=60)


@pytest.mark.slow
def test_a_worker_of_a_running_scheduler_killed_in_mid_shard(scheduler, tmp_path, monkeypatch):
    """SIGKILL once events arrive and no shard is finished; the other worker makes both."""
    monkeypatch.setattr(dask_cluster, "POLL_SECONDS", 0.02)
    shown, worker = [], partial(dask_process, "worker", scheduler, "--nthreads", "1", "--no-nanny", "--no-dashboard")

    def kill(progress):
        if progress.selected and not shown:
            shown.append(sorted(path.suffix for path in (tmp_path / "killed").glob("[!.]*")))
            victim.send_signal(signal.SIGKILL)

    with worker() as victim, worker():
        wait_for_workers(scheduler, 2)
        summary = generate(quick_settings(**TWO_SHARDS), tmp_path / "killed", scheduler=scheduler, progress=kill)
        assert victim.wait(timeout=10) == -signal.SIGKILL
    assert shown == [[]], "it was killed before a shard was there"
    assert (summary.made, summary.events) == (2, 600)
    generate(quick_settings(**TWO_SHARDS), tmp_path / "straight", workers=1)
    assert checksums(tmp_path / "killed") == checksums(tmp_path / "straight")
    assert not (tmp_path / "killed" / UNFINISHED).exists()


def test_a_scheduler_without_workers_or_with_threads_is_refused(scheduler, tmp_path):
    with pytest.raises(ConfigError, match=r"it has no workers; start some with dask worker tcp://127"):
        generate(quick_settings(), tmp_path, scheduler=scheduler)
    with dask_process("worker", scheduler, "--nthreads", "2", "--no-nanny", "--no-dashboard"):
        wait_for_workers(scheduler, 1)
        with pytest.raises(ConfigError, match=r"runs 2 threads.*--nthreads 1"):
            generate(quick_settings(), tmp_path, scheduler=scheduler)


def test_no_scheduler_at_the_address(tmp_path, monkeypatch):
    monkeypatch.setattr(dask_cluster, "CONNECT_SECONDS", 1.0)
    with pytest.raises(ConfigError, match=r"tcp://127.0.0.1:9: no dask scheduler answers there"):
        generate(quick_settings(), tmp_path, scheduler="tcp://127.0.0.1:9")


def hungry(report):
    """Holds far more than it may."""
    held = bytearray(800 * 2**20)
    time.sleep(20)
    return len(held)


def test_a_worker_above_its_memory_is_ended_with_a_sentence():
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 0}),
        pytest.raises(GenerationError, match=r"greedy: 1 workers died.*limit: 500MiB.*raise --memory"),
    ):
        list(compute({"greedy": hungry}, Workplace(1, memory="500MiB"), lambda *_: None, lambda _: None))


@pytest.mark.parametrize(
    ("workplace", "sentence"),
    [
        ({"scheduler": "tcp://a:1", "memory": "2GiB"}, "--scheduler and --memory"),
        ({"scheduler": "tcp://a:1", "cluster": dask_cluster.ClusterSettings(kind="slurm")}, "give only one"),
        ({"memory": "lots"}, "--memory lots.*write for example 2GiB"),
    ],
)
def test_places_that_cannot_be(workplace, sentence, tmp_path):
    with pytest.raises(ConfigError, match=sentence):
        generate(quick_settings(), tmp_path, **workplace)


@contextlib.contextmanager
def largest_file(size):
    """A file-size limit, as a full disk would give: the write fails half-way."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("size", [2_000, 50_000])
def test_a_full_disk_leaves_no_half_file(size, tmp_path):
    with largest_file(size), pytest.raises(OutputError, match=r"-0000.h5: cannot be written.*free space"):
        generate(quick_settings(), tmp_path, workers=1)
    assert not list(tmp_path.glob("*.h5"))
    assert not list(tmp_path.glob(f"{PART}*"))
    assert not (tmp_path / "sample.json").exists()


@pytest.mark.parametrize("folder", ["/proc/self", "/dev/null/sample"])
def test_a_folder_that_cannot_be_written(folder):
    with pytest.raises(OutputError, match=f"^{folder}.*choose another"):
        generate(quick_settings(), folder, workers=1)


def test_two_jobs_that_write_one_sample(tmp_path):
    """The second gets a sentence that names the first, which is not disturbed; the lock ends with its owner."""
    refused = []

    def second(_):
        if not refused:
            with pytest.raises(
                OutputError, match=rf"process {os.getpid()} on .* is writing this sample; wait"
            ) as error:
                generate(quick_settings(), tmp_path, workers=1)
            refused.append(error)

    first = generate(quick_settings(), tmp_path, workers=1, progress=second)
    assert refused
    assert first.made == 4
    assert generate(quick_settings(), tmp_path, workers=1).kept == 4


def test_the_lock_of_a_killed_process_is_free(tmp_path):
    code = "import sys, time; from pathlib import Path; from mscat_tf.lock import locked\n"
    code += "with locked(Path(sys.argv[1])): print('held', flush=True); time.sleep(60)"
    owner = subprocess.Popen([sys.executable, "-c", code, tmp_path], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert owner.stdout.readline() == "held\n"
    with pytest.raises(OutputError, match=f"process {owner.pid} on"):
        generate(quick_settings(), tmp_path, workers=1)
    owner.kill()
    owner.communicate()
    assert (tmp_path / LOCK).exists()
    with locked(tmp_path):
        pass


def test_a_worker_that_does_not_see_the_folder_says_so(tmp_path):
    with pytest.raises(OutputError, match=r"does not see this folder.*all workers share"):
        dask_cluster.check_folder_seen(str(tmp_path / "elsewhere"))
