"""The processes of one training: who they are, waiting until all are there, and the strategy that spans them.

Each finds the others in the environment variable TF_CONFIG, which `mscat launch` writes: a JSON object such as
`{"cluster": {"worker": ["node1:12000", "node2:12000"]}, "task": {"type": "worker", "index": 0}}`.
"""

import json
import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import tensorflow as tf
from pydantic import BaseModel, ValidationError

from mscat_tf.config import TrainSettings
from mscat_tf.config.base import as_config_error
from mscat_tf.errors import ConfigError, InputError
from mscat_tf.training.devices import split_first_device

log = logging.getLogger(__name__)

LOST = (
    tf.errors.UnavailableError,
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
    tf.errors.InternalError,
)
"""What TensorFlow 2.21 raises in the others when a worker is gone: at once, or after 10 s without a sign of life."""

_ADVICE = "start the training by `mscat launch`, which writes it"
_SECONDS_BETWEEN_ATTEMPTS = 0.2


class _Task(BaseModel):
    type: str
    index: int


class _TfConfig(BaseModel):
    cluster: dict[str, list[str]]
    task: _Task


@dataclass(frozen=True)
class Cluster:
    """All processes of one training.

    Attributes:
        workers: `host:port` of each, the chief first. index: of this process.
    """

    workers: tuple[str, ...]
    index: int

    def to_json(self) -> str:
        """As the value of TF_CONFIG."""
        task = {"type": "worker", "index": self.index}
        return json.dumps({"cluster": {"worker": list(self.workers)}, "task": task})


def read_cluster(environ: Mapping[str, str]) -> Cluster | None:
    """The cluster of TF_CONFIG; None if there is none. A `chief` becomes the first worker.

    Raises:
        ConfigError: TF_CONFIG is broken; the sentence says where.
    """
    text = environ.get("TF_CONFIG", "")
    if not text.strip():
        return None
    try:
        found = _TfConfig.model_validate_json(text)
    except ValidationError as error:
        raise as_config_error(error, "TF_CONFIG") from error
    kind, index = found.task.type, found.task.index
    addresses = {name: found.cluster[name] for name in ("chief", "worker") if name in found.cluster}
    if kind not in addresses:
        raise ConfigError(
            f"TF_CONFIG: task.type '{kind}' is not one of those that train here and are in its cluster "
            f"({', '.join(addresses) or 'none'}); {_ADVICE}"
        )
    if not 0 <= index < len(addresses[kind]):
        raise ConfigError(f"TF_CONFIG: task.index {index} of {kind}, but there are {len(addresses[kind])}; {_ADVICE}")
    workers = (*addresses.get("chief", []), *addresses.get("worker", []))
    for worker in workers:
        _address(worker)
        if workers.count(worker) > 1:
            raise ConfigError(f"TF_CONFIG: address {worker} stands there twice; give each process a port of its own")
    return Cluster(workers, index + (len(addresses.get("chief", [])) if kind == "worker" else 0))


def wait_for_all(cluster: Cluster, seconds: float) -> None:
    """Return when every worker could be reached once at its own address; TensorFlow itself would wait for ever.

    Listens at this worker's port meanwhile, and leaves it free for TensorFlow, which answers those that come later.

    Raises:
        ConfigError: an address has no such host, or this worker's port is taken.
        InputError: a worker did not come in time.
    """
    started = time.monotonic()
    with _listening(cluster):
        for index, worker in enumerate(cluster.workers):
            if index == cluster.index:
                continue
            while (failure := _unreachable(worker)) is not None:
                if time.monotonic() - started > seconds:
                    raise InputError(
                        f"worker {index} ({worker}) did not come within {seconds:.0f} s ({failure}); start it, see "
                        "whether its host lets others reach this port, or raise train.worker_timeout"
                    )
                time.sleep(_SECONDS_BETWEEN_ATTEMPTS)


def multi_worker_strategy(settings: TrainSettings) -> tf.distribute.Strategy:
    """The strategy over the processes of TF_CONFIG, once all are there; one object per process.

    Raises:
        ConfigError: TF_CONFIG is missing or broken, or TensorFlow was in use already.
        InputError: a worker did not come within `train.worker_timeout`.
    """
    cluster = read_cluster(os.environ)
    if cluster is None:
        raise ConfigError(
            "train.strategy = multi_worker, but TF_CONFIG does not name the workers; start the training by, for "
            "example, `mscat launch --workers 2 -- mscat train CONFIG`"
        )
    if settings.logical_devices > 1:
        if not tf.config.list_physical_devices("GPU"):
            raise ConfigError(
                f"train.logical_devices = {settings.logical_devices}: a worker uses its CPU as one device; set it to 1 "
                "and start more workers"
            )
        split_first_device(settings.logical_devices)
    return _started(cluster, settings.worker_timeout)


def lost_worker(error: Exception) -> InputError:
    """What to tell the user about an error of `LOST` that came out of a step."""
    reason = next((line for line in str(error).splitlines() if "/job:worker" in line), str(error).splitlines()[0])
    return InputError(
        f"another worker of this training was lost ({reason.strip()[:200]}); see its own output for the reason; the "
        "same command resumes from the last checkpoint"
    )


@lru_cache(maxsize=1)
def _started(cluster: Cluster, seconds: float) -> tf.distribute.Strategy:
    wait_for_all(cluster, seconds)
    os.environ["TF_CONFIG"] = cluster.to_json()
    try:
        with _signals_kept():
            strategy = tf.distribute.MultiWorkerMirroredStrategy()
    except RuntimeError as error:
        raise ConfigError(
            f"train.strategy = multi_worker: TensorFlow was in use before ({error}); start a new Python process (or "
            "restart the Jupyter kernel) and train before anything else"
        ) from error
    except tf.errors.OpError as error:
        raise InputError(
            f"worker {cluster.index} ({cluster.workers[cluster.index]}): TensorFlow cannot join the others "
            f"({str(error.message).splitlines()[0]}); look at the output of the other workers, or choose other ports"
        ) from error
    log.info("MultiWorkerMirroredStrategy, worker %d of %s", cluster.index, ", ".join(cluster.workers))
    return strategy


@contextmanager
def _signals_kept() -> Iterator[None]:
    """TensorFlow's coordination service puts its own handler in the place of Python's for SIGTERM."""
    handler = signal.getsignal(signal.SIGTERM)
    yield
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, handler)


@contextmanager
def _listening(cluster: Cluster) -> Iterator[None]:
    worker = cluster.workers[cluster.index]
    _, port = _address(worker)
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("", port))
        except OSError as error:
            raise ConfigError(
                f"worker {cluster.index} ({worker}): port {port} cannot be used here ({error.strerror}); end what uses "
                "it, or choose others with `mscat launch --port-base`"
            ) from error
        listener.listen(len(cluster.workers) + 8)
        yield


def _unreachable(worker: str) -> str | None:
    """Why a worker does not answer at present; None if it does."""
    try:
        socket.create_connection(_address(worker), timeout=2.0).close()
    except socket.gaierror as error:
        raise ConfigError(f"worker {worker}: no such host ({error.strerror}); mend the host list") from error
    except OSError as error:
        return error.strerror or str(error)
    return None


def _address(worker: str) -> tuple[Any, int]:
    host, separator, port = worker.rpartition(":")
    if not separator or not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise ConfigError(f"worker '{worker}': not an address HOST:PORT with a port from 1 to 65535")
    return host.strip("[]"), int(port)
