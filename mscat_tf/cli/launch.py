"""`mscat launch`: the same training in several processes, each told of the others through TF_CONFIG.

On this machine it starts them all and looks after them; inside `srun`, or with a list of hosts, it becomes one of them.
"""

import json
import os
import re
import socket
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from mscat_tf.cli.processes import run_all
from mscat_tf.cores import usable_cores
from mscat_tf.errors import ConfigError

DEFAULT_PORT = 12000
_JOBS, _PORTS_PER_JOB = 1000, 16


def launch(
    command: Sequence[str],
    workers: int | None = None,
    hosts: str | None = None,
    index: int | None = None,
    slurm: bool = False,
    port_base: int | None = None,
    timeout: float | None = None,
) -> int:
    """Start the workers of a training, or become one of them (then this never returns); the exit status.

    Args:
        command: `mscat train CONFIG ...`. workers: processes on this machine. hosts: `a,b:port,...`, one worker each.
        index: which of `hosts` this machine is; found by its name where left out. slurm: this is a task of `srun`.
        port_base: first port of a machine. timeout: seconds until a worker that does not come is given up.

    Raises:
        ConfigError: these do not describe one training; the sentence says why.
    """
    full = train_command(command, timeout)
    if sum(way is not None for way in (workers, hosts, slurm or None)) > 1:
        raise ConfigError("give one of --workers, --hosts and --slurm: each says where the workers are")
    if slurm or hosts:
        addresses, own = slurm_cluster(os.environ, port_base) if slurm else host_cluster(hosts or "", index, port_base)
        os.execve(full[0], full, {**os.environ, "TF_CONFIG": tf_config(addresses, own)})
    gpus = visible_gpus(os.environ)
    number = workers or len(gpus) or 2
    shares = local_environments(number, gpus, free_ports(number, port_base), os.environ)
    return run_all([full] * number, shares)


def train_command(command: Sequence[str], timeout: float | None) -> list[str]:
    """What each worker runs: this Python, `mscat train`, and the strategy that spans the workers."""
    if len(command) < 3 or Path(command[0]).name != "mscat" or command[1] != "train":
        raise ConfigError(
            f"mscat launch starts trainings: write `mscat launch -- mscat train CONFIG`, not `{' '.join(command)}`"
        )
    settings = ["--set", "train.strategy=multi_worker"]
    if timeout is not None:
        settings += ["--set", f"train.worker_timeout={timeout:g}"]
    return [sys.executable, "-m", "mscat_tf.cli.main", *command[1:], *settings]


def tf_config(addresses: Sequence[str], index: int) -> str:
    """The value of TF_CONFIG for one worker."""
    return json.dumps({"cluster": {"worker": list(addresses)}, "task": {"type": "worker", "index": index}})


def local_environments(
    number: int, gpus: Sequence[str], ports: Sequence[int], environ: Mapping[str, str]
) -> list[dict[str, str]]:
    """The environment of each worker of this machine: TF_CONFIG, its GPUs, its share of the cores.

    Raises:
        ConfigError: the GPUs cannot be shared equally; workers of different numbers would have unequal batches.
    """
    addresses = [f"127.0.0.1:{port}" for port in ports]
    return [
        {**share, "TF_CONFIG": tf_config(addresses, index)}
        for index, share in enumerate(equal_shares(number, gpus, environ, "--workers"))
    ]


def equal_shares(number: int, gpus: Sequence[str], environ: Mapping[str, str], option: str) -> list[dict[str, str]]:
    """An environment for each of so many processes of this machine: its GPUs, its threads.

    Args:
        option: how the user chose the number.

    Raises:
        ConfigError: the GPUs cannot be shared equally.
    """
    if len(gpus) % number:
        raise ConfigError(
            f"{len(gpus)} GPUs cannot be shared equally by {number} processes; choose {option} so that it divides "
            "them, or set CUDA_VISIBLE_DEVICES"
        )
    threads = str(max(1, len(usable_cores()) // number))
    of_cores = {name: threads for name in ("TF_NUM_INTRAOP_THREADS", "OMP_NUM_THREADS")}
    each = len(gpus) // number
    return [
        {
            **of_cores,
            **environ,
            **({"CUDA_VISIBLE_DEVICES": ",".join(gpus[index * each : (index + 1) * each])} if gpus else {}),
        }
        for index in range(number)
    ]


def visible_gpus(environ: Mapping[str, str], driver: Path = Path("/proc/driver/nvidia/gpus")) -> list[str]:
    """The GPUs that a process started now would see, as CUDA_VISIBLE_DEVICES names them."""
    if "CUDA_VISIBLE_DEVICES" in environ:
        named = [name.strip() for name in environ["CUDA_VISIBLE_DEVICES"].split(",")]
        return [name for name in named if name and name != "-1"]
    return [str(number) for number in range(len(list(driver.iterdir())))] if driver.is_dir() else []


def free_ports(number: int, port_base: int | None) -> list[int]:
    """Ports of this machine: `port_base` and the next, or any that nobody uses at present."""
    if port_base is not None:
        return [port_base + step for step in range(number)]
    taken = [socket.socket() for _ in range(number)]
    try:
        for one in taken:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in taken]
    finally:
        for one in taken:
            one.close()


def host_cluster(hosts: str, index: int | None, port_base: int | None) -> tuple[list[str], int]:
    """Addresses of a list of hosts, and which of them this is.

    Raises:
        ConfigError: the index is none of the list, or has to be given.
    """
    addresses: list[str] = []
    names = [name.strip() for name in hosts.split(",") if name.strip()]
    for place, name in enumerate(names):
        before = sum(other == name for other in names[:place])
        addresses.append(name if ":" in name else f"{name}:{(port_base or DEFAULT_PORT) + before}")
    if index is None:
        own = {"localhost", socket.gethostname(), socket.gethostname().partition(".")[0], socket.getfqdn()}
        found = [place for place, name in enumerate(names) if name.partition(":")[0] in own]
        if len(found) != 1:
            raise ConfigError(
                f"--hosts {hosts}: {len(found)} of them are this machine ({socket.gethostname()}); start the same "
                f"command on each host with its own --index, from 0 to {len(names) - 1}"
            )
        index = found[0]
    if not 0 <= index < len(names):
        raise ConfigError(f"--index {index}: --hosts names {len(names)}, so it goes from 0 to {len(names) - 1}")
    return addresses, index


def slurm_cluster(environ: Mapping[str, str], port_base: int | None) -> tuple[list[str], int]:
    """Addresses of the tasks of a SLURM step, and which of them this process is.

    Without `port_base` the ports follow from the job's number, so that jobs that share a node do not meet.

    Raises:
        ConfigError: this is no task of `srun`, or tasks are not dealt to the nodes in blocks.
    """
    try:
        index = int(environ["SLURM_PROCID"])
        nodes = expand_nodes(environ["SLURM_STEP_NODELIST"])
        per_node = expand_counts(environ["SLURM_STEP_TASKS_PER_NODE"])
        first = port_base or DEFAULT_PORT + int(environ.get("SLURM_JOB_ID", "0")) % _JOBS * _PORTS_PER_JOB
    except (KeyError, ValueError) as error:
        raise ConfigError(
            f"--slurm: {error!s} is missing or wrong in the environment; start it as a task, for example "
            "`srun mscat launch --slurm -- mscat train CONFIG`"
        ) from error
    tasks = [(node, local) for node, count in zip(nodes, per_node, strict=False) for local in range(count)]
    if len(nodes) != len(per_node) or not 0 <= index < len(tasks):
        raise ConfigError(
            f"--slurm: task {index} of {len(tasks)} on {len(nodes)} nodes with {len(per_node)} numbers of tasks; "
            "SLURM_PROCID, SLURM_STEP_NODELIST and SLURM_STEP_TASKS_PER_NODE contradict each other"
        )
    here = environ.get("SLURMD_NODENAME", tasks[index][0])
    if here != tasks[index][0]:
        raise ConfigError(
            f"--slurm: task {index} runs on {here}, not on {tasks[index][0]}; deal tasks to nodes in blocks: "
            "srun --distribution=block"
        )
    return [f"{node}:{first + local}" for node, local in tasks], index


def expand_nodes(text: str) -> list[str]:
    """A SLURM node list in full.

    >>> expand_nodes("node[01-03,7],gpu1,r[1-2]n[8-9]")
    ['node01', 'node02', 'node03', 'node7', 'gpu1', 'r1n8', 'r1n9', 'r2n8', 'r2n9']
    """
    if not re.fullmatch(r"(?:[^\[\],]|\[[\d,-]+\]|,)+", text):
        raise ValueError(f"node list '{text}'")
    names: list[str] = []
    for part in re.findall(r"(?:[^\[\],]|\[[^\]]*\])+", text):
        grown = [""]
        for fixed, inside in re.findall(r"([^\[\]]+)|\[([^\]]*)\]", part):
            grown = [start + end for start in grown for end in ([fixed] if fixed else _numbers(inside))]
        names += grown
    return names


def expand_counts(text: str) -> list[int]:
    """SLURM's tasks per node in full.

    >>> expand_counts("4(x2),1")
    [4, 4, 1]
    """
    counts: list[int] = []
    for part in text.split(","):
        found = re.fullmatch(r"(\d+)(?:\(x(\d+)\))?", part)
        if found is None:
            raise ValueError(f"tasks per node '{text}'")
        counts += [int(found[1])] * int(found[2] or 1)
    return counts


def _numbers(text: str) -> list[str]:
    found: list[str] = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        found += [str(number).zfill(len(first)) for number in range(int(first), int(last or first) + 1)]
    return found
