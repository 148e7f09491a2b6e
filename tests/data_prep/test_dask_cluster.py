import contextlib
import stat
import sys

import pytest

from data_prep import dask_cluster
from data_prep.dask_cluster import Workplace, batch_cluster_options, compute
from data_prep.run import generate
from mscat_tf.config.cluster import ClusterSettings, load_cluster
from mscat_tf.errors import ConfigError
from tests.data_prep.conftest import quick_settings
from tests.data_prep.test_run import checksums

SITE = """
kind: slurm
queue: short
account: atlas
cores: 4
memory: 8GiB
walltime: "02:00:00"
directives: ["--constraint=haswell"]
prologue: [module load python]
"""


def script_of(cluster, workers=2, memory=None):
    """What would be submitted."""
    import dask_jobqueue

    kind = {"slurm": dask_jobqueue.SLURMCluster, "htcondor": dask_jobqueue.HTCondorCluster}[cluster.kind]
    with kind(**batch_cluster_options(Workplace(workers, cluster=cluster, memory=memory))) as made:
        return made.job_script()


def test_a_site_file_becomes_a_slurm_script(tmp_path):
    (tmp_path / "site.yaml").write_text(SITE)
    script = script_of(load_cluster(str(tmp_path / "site.yaml")))
    for line in ("-p short", "-A atlas", "--cpus-per-task=4", "--mem=8G", "-t 02:00:00", "--constraint=haswell"):
        assert f"#SBATCH {line}\n" in script
    start = script.splitlines()[-1]
    assert start.startswith(f"{sys.executable} -m distributed.cli.dask_worker tcp://")
    assert "--nthreads 1 --memory-limit 2.00GiB --nworkers 4 --nanny" in start
    assert script.index("module load python") < script.index("dask_worker")
    assert "export OMP_NUM_THREADS=1\n" in script


def test_memory_of_a_worker_is_multiplied_by_the_workers_of_a_job():
    script = script_of(ClusterSettings(kind="slurm", cores=3), memory="3GiB")
    assert "--nthreads 1 --memory-limit 3.00GiB --nworkers 3" in script
    assert "#SBATCH --mem=9G\n" in script


def test_htcondor_submit_file():
    script = script_of(ClusterSettings(kind="htcondor", cores=2, memory="4GiB", directives=("+MaxRuntime = 3600",)))
    assert "MY.DaskWorkerCores = 2\n" in script
    assert f"MY.DaskWorkerMemory = {4 * 2**30}\n" in script
    assert "+MaxRuntime = 3600\n" in script
    assert "--nthreads 1 --memory-limit 2.00GiB --nworkers 2" in script


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("kind: pbs", "kind.*slurm.*htcondor"),
        ("kind: slurm\nwalltme: 1:00:00", "unknown key 'walltme'; did you mean 'walltime'"),
        ("kind: slurm\nmemory: much", "memory"),
        ("[", "not valid YAML"),
    ],
)
def test_wrong_site_files_are_refused(text, sentence, tmp_path):
    (tmp_path / "site.yaml").write_text(text)
    with pytest.raises(ConfigError, match=sentence):
        load_cluster(str(tmp_path / "site.yaml"))


def test_neither_kind_nor_file():
    with pytest.raises(ConfigError, match=r"--cluster slrum: neither slurm nor htcondor nor a YAML file"):
        load_cluster("slrum")


SBATCH = """#!/bin/bash
# Stands in for SLURM: takes a copy of the script, runs it here, in the background, and answers with a number.
cp "${@: -1}" {folder}/script
setsid bash {folder}/script > /dev/null 2>&1 &
echo $! >> {folder}/submitted
echo $!
"""
SCANCEL = """#!/bin/bash
kill -- -"$1"
"""


@pytest.mark.slow
def test_a_sample_made_through_sbatch(tmp_path, monkeypatch):
    """The whole road: submit, start, connect, work, cancel; only the batch system itself is a stand-in."""
    commands = tmp_path / "bin"
    commands.mkdir()
    for name, text in (("sbatch", SBATCH.replace("{folder}", str(tmp_path))), ("scancel", SCANCEL)):
        (commands / name).write_text(text)
        (commands / name).chmod(stat.S_IRWXU)
    monkeypatch.setenv("PATH", str(commands), prepend=":")
    settings = quick_settings(events=16)
    cluster = ClusterSettings(kind="slurm", interface="lo")
    summary = generate(settings, tmp_path / "batch", workers=1, cluster=cluster)
    assert (summary.made, summary.workers) == (2, 1)
    assert len((tmp_path / "submitted").read_text().split()) == 1
    generate(settings, tmp_path / "here", workers=1)
    assert checksums(tmp_path / "batch") == checksums(tmp_path / "here")


def twice(report):
    report(1, 2, 3.0)
    return "done"


def test_jobs_in_this_process_report_and_end_in_order():
    heard, ticks = [], []
    found = list(compute({"a": twice, "b": twice}, Workplace(1), lambda *values: heard.append(values), ticks.append))
    assert found == [("a", "done"), ("b", "done")]
    assert heard == [("a", 1, 2, 3.0), ("b", 1, 2, 3.0)]
    assert ticks[-1] == 1


def test_reports_of_another_run_on_the_same_scheduler_are_not_heard(monkeypatch):
    """The topic is one for all runs, and the scheduler passes on what any of them says."""
    heard = []

    class Client:
        def subscribe_topic(self, topic, handler):
            for name in ("a", "of another run"):
                handler((0.0, (name, 1)))

        def submit(self, run, name, job, **_):
            return name

        def nthreads(self):
            return {}

    monkeypatch.setattr(dask_cluster, "client", lambda _: contextlib.nullcontext((Client(), None)))
    monkeypatch.setattr(dask_cluster, "wait", lambda _, waiting: set(waiting))
    monkeypatch.setattr(dask_cluster, "result", lambda *_: "done")
    found = list(compute({"a": twice}, Workplace(2), lambda *values: heard.append(values), lambda _: None))
    assert found == [("a", "done")]
    assert heard == [("a", 1)]


def test_never_more_workers_than_jobs():
    assert Workplace(8).for_jobs(3).workers == 3
    assert Workplace(2).for_jobs(30).workers == 2
    assert Workplace(1).for_jobs(0).here
    assert not Workplace(1, memory="2GiB").for_jobs(5).here
