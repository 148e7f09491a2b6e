"""Where jobs run: in this process, on local ones, on a running dask scheduler, or on a batch system.

A job is a function of `report`, which it may call to say how far it is. Jobs are independent of each other and write
their result to a shared folder, so a lost worker costs the shard that it was making: another worker makes it again.
"""

import contextlib
import logging
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mscat_tf.config.cluster import ClusterSettings
from mscat_tf.cores import usable_cores
from mscat_tf.errors import ConfigError, GenerationError, MissingExtraError, OutputError

logger = logging.getLogger(__name__)

TOPIC = "mscat-jobs"
POLL_SECONDS = 1.0
CONNECT_SECONDS = 20.0
SINGLE_THREAD = {"OMP_NUM_THREADS": 1, "OPENBLAS_NUM_THREADS": 1, "MKL_NUM_THREADS": 1}

Report = Callable[..., None]
Job = Callable[[Report], Any]


@dataclass(frozen=True)
class Workplace:
    """Where jobs run, and what each worker may use.

    Attributes:
        workers: processes, default one for each core; 1 without a limit of memory stays in this process.
        scheduler: address of a running dask scheduler to use instead; its workers must see the output folder.
        cluster: batch system to use instead.
        memory: of one worker, e.g. `2GiB`; a worker that needs more is ended. Default: this machine's, shared equally.
    """

    workers: int | None = None
    scheduler: str | None = None
    cluster: ClusterSettings | None = None
    memory: str | None = None

    def __post_init__(self) -> None:
        if self.scheduler and self.cluster:
            raise ConfigError("--scheduler and --cluster: a running scheduler has its workers already; give only one")
        if self.scheduler and self.memory:
            raise ConfigError(
                "--scheduler and --memory: workers of a running scheduler have their limit already; start them with "
                "dask worker --memory-limit"
            )

    def for_jobs(self, jobs: int) -> "Workplace":
        """The same with no more local or batch workers than jobs."""
        wanted = self.workers or len(usable_cores())
        return Workplace(max(1, min(wanted, jobs)), self.scheduler, self.cluster, self.memory)

    @property
    def here(self) -> bool:
        """Whether the jobs run in this process."""
        return self.workers == 1 and not (self.scheduler or self.cluster or self.memory)


def compute(
    jobs: Mapping[str, Job], workplace: Workplace, report: Report, tick: Callable[[int], None]
) -> Iterator[tuple[str, Any]]:
    """Run jobs and yield name and result of each as it ends; the first error ends the others.

    Args:
        jobs: by name, the first to be started first; functions that can be pickled.
        workplace: where.
        report: is called with the name of a job and what the job reported.
        tick: is called about once a second with the number of workers.

    Raises:
        ConfigError: the batch system or the scheduler cannot be used.
        GenerationError: jobs took their workers down with them.
        MissingExtraError: dask is not installed.
    """
    yield from (_here if workplace.here else _on_workers)(jobs, workplace, report, tick)


def _here(
    jobs: Mapping[str, Job], workplace: Workplace, report: Report, tick: Callable[[int], None]
) -> Iterator[tuple[str, Any]]:
    shown = 0.0

    def passed_on(name: str, *values: Any) -> None:
        report(name, *values)
        nonlocal shown
        if time.perf_counter() - shown >= POLL_SECONDS:
            shown = time.perf_counter()
            tick(1)

    for name, job in jobs.items():
        yield name, job(lambda *values, name=name: passed_on(name, *values))
    tick(1)


def _on_workers(
    jobs: Mapping[str, Job], workplace: Workplace, report: Report, tick: Callable[[int], None]
) -> Iterator[tuple[str, Any]]:
    with client(workplace) as (dask_client, distributed):
        dask_client.subscribe_topic(TOPIC, lambda event: report(*event[1]) if event[1][0] in jobs else None)
        names = {
            dask_client.submit(_remote, name, job, pure=False, retries=0, priority=-number): name
            for number, (name, job) in enumerate(jobs.items())
        }
        waiting = set(names)
        while waiting:
            finished = wait(distributed, waiting)
            waiting -= finished
            for future in finished:
                yield names[future], result(distributed, future, names[future], workplace)
            tick(max(1, len(dask_client.nthreads())))


def _remote(name: str, job: Job) -> Any:
    """A job on a dask worker, reporting to the client."""
    from distributed import get_worker

    worker = get_worker()
    return job(lambda *values: worker.log_event(TOPIC, (name, *values)))


def wait(distributed: Any, waiting: set[Any]) -> set[Any]:
    """Futures that have ended, after a moment at most."""
    try:
        return set(distributed.wait(waiting, timeout=POLL_SECONDS, return_when="FIRST_COMPLETED").done)
    except TimeoutError:
        return set()


def result(distributed: Any, future: Any, name: str, workplace: Workplace) -> Any:
    """What a job returned.

    Raises:
        GenerationError: its workers died, one after the other.
    """
    try:
        return future.result()
    except distributed.scheduler.KilledWorker as error:
        memory = workplace.memory or (workplace.cluster.memory + " a job" if workplace.cluster else "their share")
        raise GenerationError(
            f"{name}: {error.allowed_failures + 1} workers died making it, most likely of memory (limit: {memory}) or "
            "at the end of their wall time; raise --memory, use fewer workers, or lower the events of a shard; the "
            "same command resumes"
        ) from error


@contextlib.contextmanager
def client(workplace: Workplace) -> Iterator[tuple[Any, Any]]:
    """A dask client and the module `distributed`; workers that it started end with it.

    Raises:
        ConfigError: the batch system or the scheduler cannot be used.
        MissingExtraError: dask is not installed.
    """
    dask, distributed = _imported("dask"), _imported("distributed")
    options = {
        "distributed.worker.multiprocessing-method": "spawn",
        "distributed.nanny.pre-spawn-environ": SINGLE_THREAD,
        "distributed.worker.daemon": True,
    }
    with contextlib.ExitStack() as stack:
        stack.enter_context(dask.config.set(options))
        if workplace.scheduler:
            yield stack.enter_context(_connected(distributed, workplace.scheduler)), distributed
            return
        make = _batch_cluster if workplace.cluster else _local_cluster
        cluster = stack.enter_context(make(distributed, workplace))
        yield stack.enter_context(distributed.Client(cluster)), distributed


def _imported(module: str) -> Any:
    try:
        return __import__(module)
    except ImportError as error:
        raise MissingExtraError(
            f"{module}: cannot be imported ({error}), but several workers need it; use one worker, or install it with: "
            "pip install 'mscat-tf[generate]'"
        ) from error


def _local_cluster(distributed: Any, workplace: Workplace) -> Any:
    """Spawned, single-threaded processes."""
    try:
        return distributed.LocalCluster(
            n_workers=workplace.workers,
            threads_per_worker=1,
            processes=True,
            memory_limit=workplace.memory or "auto",
            dashboard_address="127.0.0.1:0",  # any free port: several runs may share a machine
            scheduler_kwargs={"dashboard": False},
            silence_logs=logging.CRITICAL,
        )
    except ValueError as error:
        raise ConfigError(f"--memory {workplace.memory}: {error}; write for example 2GiB") from error


@contextlib.contextmanager
def _connected(distributed: Any, address: str) -> Iterator[Any]:
    """A client of a scheduler that others started."""
    try:
        found = distributed.Client(address, timeout=CONNECT_SECONDS)
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"--scheduler {address}: no dask scheduler answers there ({error.__class__.__name__}); start one with "
            "dask scheduler, and give the address that it prints"
        ) from error
    with found:
        threads = found.nthreads()
        if not threads:
            raise ConfigError(f"--scheduler {address}: it has no workers; start some with dask worker {address}")
        busy = [worker for worker, number in threads.items() if number > 1]
        if busy:
            raise ConfigError(
                f"--scheduler {address}: worker {busy[0]} runs {threads[busy[0]]} threads, but Pythia and FastJet need "
                "a process each; start workers with dask worker --nthreads 1 --nworkers auto"
            )
        yield found


def batch_cluster_options(workplace: Workplace) -> dict[str, Any]:
    """Arguments for dask-jobqueue: one single-threaded worker for each core of a batch job."""
    settings = workplace.cluster
    assert settings is not None
    from dask.utils import parse_bytes

    memory = settings.cores * parse_bytes(workplace.memory) if workplace.memory else settings.memory
    threads = [f"export {name}={value}" for name, value in SINGLE_THREAD.items()]
    options: dict[str, Any] = {
        "cores": settings.cores,
        "processes": settings.cores,
        "memory": str(memory) if isinstance(memory, str) else f"{memory}B",
        "python": sys.executable,
        "interface": settings.interface,
        "job_script_prologue": [*threads, *settings.prologue],
        "log_directory": settings.log_folder,
        "scheduler_options": {"dashboard": False, "dashboard_address": ":0"},
    }
    if settings.kind == "slurm":
        options |= {"queue": settings.queue, "account": settings.account, "walltime": settings.walltime}
        options["job_extra_directives"] = list(settings.directives)
    else:
        options["disk"] = settings.disk
        pairs = (line.partition("=") for line in settings.directives)
        options["job_extra_directives"] = {key.strip(): value.strip() for key, _, value in pairs}
    return {key: value for key, value in options.items() if value not in (None, [], {})}


@contextlib.contextmanager
def _batch_cluster(distributed: Any, workplace: Workplace) -> Iterator[Any]:
    """Jobs of a batch system; those that end early are submitted again."""
    jobqueue = _imported("dask_jobqueue")
    settings = workplace.cluster
    assert settings is not None
    kind = {"slurm": jobqueue.SLURMCluster, "htcondor": jobqueue.HTCondorCluster}[settings.kind]
    try:
        cluster = kind(**batch_cluster_options(workplace))
    except (OSError, ValueError, RuntimeError) as error:
        raise ConfigError(f"--cluster {settings.kind}: {error}; see docs/scale_events.md") from error
    with cluster:
        logger.info("%s", cluster.job_script())
        cluster.adapt(minimum=workplace.workers, maximum=workplace.workers)
        yield cluster


def check_folder_seen(folder: str) -> None:
    """See that this worker shares the output folder: it would make an empty one of its own.

    Raises:
        OutputError: it does not.
    """
    if not Path(folder).is_dir():
        raise OutputError(
            f"{folder}: the worker on {os.uname().nodename} does not see this folder; choose one on a file system that "
            "all workers share"
        )
