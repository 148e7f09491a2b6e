"""Several processes of one work: started together or in turn, signalled together, ended together."""

import ctypes
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import FrameType
from typing import IO, Any

from mscat_tf.cli.console import err
from mscat_tf.cli.outcome import FAULT, INTERRUPTED, TERMINATED, WRONG_INPUT

GRACE_SECONDS = 20.0
"""From the failure of one to the end of the others: longer than TensorFlow takes to notice the loss."""
SIGNAL_GRACE_SECONDS = 120.0
"""From a signal to the end: a checkpoint has to be written."""
_TAIL_LINES = 15
_SECONDS_BETWEEN_LOOKS = 0.1
_PR_SET_PDEATHSIG = 1
_C_LIBRARY = ctypes.CDLL(None)


def run_all(
    commands: Sequence[Sequence[str]],
    environments: Sequence[Mapping[str, str]],
    grace: float = GRACE_SECONDS,
    signal_grace: float = SIGNAL_GRACE_SECONDS,
) -> int:
    """Run commands side by side until all end; when one fails the others are ended too.

    The first has this terminal; what the others write goes to files, shown when one of them is the cause of the end.
    SIGINT and SIGTERM are handed to all. Should this process be killed, its workers get SIGTERM (on Linux).

    Returns:
        0, or the status of the process that failed: its own, 130 or 143 after SIGINT or SIGTERM, 1 after other signals.
    """
    folder = Path(tempfile.mkdtemp(prefix="mscat-launch-"))
    logs = [None, *(folder / f"worker-{index}.log" for index in range(1, len(commands)))]
    if len(commands) > 1:
        err.print(f"{len(commands)} workers; output of all but worker 0 in {folder}", soft_wrap=True)
    with ExitStack() as stack:
        processes = []
        for command, environment, log in zip(commands, environments, logs, strict=True):
            output = stack.enter_context(open(log, "wb")) if log else None
            processes.append(_start(command, environment, output, signal.SIGTERM))
        with _forwarding(processes) as asked:
            failed = _watch(processes, asked, grace, signal_grace)
    if failed is None:
        return 0
    _explain(f"worker {failed}", processes[failed].returncode, logs[failed])
    return _status(processes[failed].returncode)


@dataclass(frozen=True)
class Task:
    """A command that waits for its turn, and for the tasks whose names stand in `after`.

    helper: takes a part of the work of a command that runs; only that command itself tells whether all is done.
    seats: how many processes can share the work, the command itself among them.
    """

    name: str
    command: Sequence[str]
    after: Collection[str] = ()
    helper: Sequence[str] = ()
    seats: int = 1


@dataclass(frozen=True)
class Slot:
    """What one of the commands that run at a time may use. cores: numbers of them (heeded on Linux); none means all."""

    environment: Mapping[str, str]
    cores: Collection[int] = ()


def run_in_turn(
    tasks: Sequence[Task],
    slots: Sequence[Slot],
    done: Callable[[Task], None],
    signal_grace: float = SIGNAL_GRACE_SECONDS,
) -> int:
    """Run every task, as many at a time as there are slots; when one fails the others are ended and none is begun.

    Slots for which no task is left go to helpers of tasks that run, until one finds nothing more to do; how a helper
    ends has no say.
    What they write goes to a file each, shown when a task is the cause of the end. Signals as in `run_all`, but that
    should this process be killed its tasks are killed too: started again at once, it must find nobody at work.

    Args:
        done: called after each task that ended well. signal_grace: seconds from the first failure or signal to SIGKILL.

    Returns:
        As `run_all`.
    """
    turns = _Turns(tasks, slots, Path(tempfile.mkdtemp(prefix="mscat-jobs-")))
    err.print(f"{len(slots)} at a time; their output is in {turns.folder}", soft_wrap=True)
    deadline = float("inf")
    with _forwarding(turns.started) as asked:
        while turns.start_next() or turns.running:
            time.sleep(_SECONDS_BETWEEN_LOOKS)
            for task in turns.take_ended():
                done(task)
            if (turns.failed or asked) and deadline == float("inf"):
                turns.begin_none()
                deadline = time.monotonic() + signal_grace
                _send(turns.started, asked[0] if asked else signal.SIGTERM)
            if time.monotonic() > deadline:
                _send(turns.started, signal.SIGKILL)
    if asked:
        return _status(-asked[0])
    if turns.failed is None:
        return 0
    task, status = turns.failed
    _explain(task.name, status, turns.log(task))
    return _status(status)


class _Turns:
    """Who waits, who runs in which slot, who failed first."""

    def __init__(self, tasks: Sequence[Task], slots: Sequence[Slot], folder: Path) -> None:
        self.waiting, self.slots, self.folder = list(tasks), slots, folder
        self.running: dict[int, tuple[Task, subprocess.Popen[bytes]]] = {}
        self.started: list[subprocess.Popen[bytes]] = []
        self.failed: tuple[Task, int] | None = None
        self.helped: dict[int, str] = {}
        """By the slot of a helper that runs: the name of the task."""
        self.alone: set[str] = set()
        """Names of tasks that helpers have nothing more to do for."""
        self.over = False

    def log(self, task: Task) -> Path:
        return self.folder / f"{task.name}.log"

    def start_next(self) -> bool:
        """Fill free slots with tasks that need not wait for others; whether any wait still."""
        for index in set(range(len(self.slots))) - set(self.running):
            unfinished = {task.name for task in [*self.waiting, *(task for task, _ in self.running.values())]}
            task = next((task for task in self.waiting if unfinished.isdisjoint(task.after)), None)
            if task is not None:
                self.waiting.remove(task)
                self._start_in(index, task)
            elif (helped := self._in_want_of_help()) is not None:
                self.helped[index] = helped.name
                self._start_in(index, Task(f"{helped.name}-helper-{index}", helped.helper))
        return bool(self.waiting)

    def begin_none(self) -> None:
        """From now on only wait for those that run."""
        self.waiting.clear()
        self.over = True

    def _start_in(self, index: int, task: Task) -> None:
        slot = self.slots[index]
        with self.log(task).open("wb") as output:
            process = _start(task.command, slot.environment, output, signal.SIGKILL, slot.cores)
        self.running[index] = task, process
        self.started.append(process)

    def _in_want_of_help(self) -> Task | None:
        """Of the tasks that run and have a seat free, the one with the fewest helpers."""
        helpers = Counter(self.helped.values())
        tasks = [task for index, (task, _) in self.running.items() if index not in self.helped]
        open_to = [task for task in tasks if task.name not in self.alone and helpers[task.name] + 1 < task.seats]
        return None if self.over or not open_to else min(open_to, key=lambda task: helpers[task.name])

    def take_ended(self) -> list[Task]:
        """Free the slots of those that have ended; the tasks among them that ended well."""
        well = []
        for index, (task, process) in list(self.running.items()):
            if process.poll() is not None:
                del self.running[index]
                if index in self.helped:
                    self.alone.add(self.helped.pop(index))
                elif process.returncode:
                    self.failed = self.failed or (task, process.returncode)
                else:
                    well.append(task)
        return well


def _start(
    command: Sequence[str],
    environment: Mapping[str, str],
    output: IO[bytes] | None,
    end_with_parent: signal.Signals,
    cores: Collection[int] = (),
) -> subprocess.Popen[bytes]:
    """In a session of its own: the terminal's Ctrl-C reaches this process only, which then hands it on once."""
    return subprocess.Popen(
        command,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT if output else None,
        start_new_session=True,
        preexec_fn=partial(_settle, end_with_parent, cores) if sys.platform == "linux" else None,
    )


def _settle(end_with_parent: signal.Signals, cores: Collection[int]) -> None:
    """Get this signal when the parent is gone, and stay on these cores."""
    _C_LIBRARY.prctl(_PR_SET_PDEATHSIG, end_with_parent)
    if cores:
        os.sched_setaffinity(0, cores)


def _watch(
    processes: Sequence[subprocess.Popen[bytes]], asked: list[int], grace: float, signal_grace: float
) -> int | None:
    """Wait for all; the process that failed first, see `_failed` for those that fail within a second; or None."""
    failed: int | None = None
    deadline = float("inf")
    while any(process.poll() is None for process in processes):
        time.sleep(_SECONDS_BETWEEN_LOOKS)
        if failed is None and _failed(processes) is not None:
            time.sleep(1.0)
            failed = _failed(processes)
            if not asked:
                deadline = time.monotonic() + grace
                _send(processes, signal.SIGTERM)
        if asked and deadline == float("inf"):
            deadline = time.monotonic() + signal_grace
        if time.monotonic() > deadline:
            _send(processes, signal.SIGKILL)
    return _failed(processes) if failed is None else failed


def _failed(processes: Sequence[subprocess.Popen[bytes]]) -> int | None:
    """The lowest of those that a signal ended, else of those that failed: who loses another fails after it."""
    ended = [index for index, process in enumerate(processes) if process.poll()]
    return next((index for index in ended if processes[index].returncode < 0), ended[0] if ended else None)


@contextmanager
def _forwarding(processes: Sequence[subprocess.Popen[bytes]]) -> Iterator[list[int]]:
    """Within the block SIGINT and SIGTERM go to all processes; gives the list of those that came."""
    asked: list[int] = []

    def forward(number: int, frame: FrameType | None) -> None:
        asked.append(number)
        _send(processes, number)

    before: dict[int, Any] = {number: signal.signal(number, forward) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _send(processes: Sequence[subprocess.Popen[bytes]], number: int) -> None:
    for process in processes:
        if process.poll() is None:
            process.send_signal(number)


def _explain(who: str, status: int, log: Path | None) -> None:
    if log is not None:
        lines = log.read_text(errors="replace").splitlines()[-_TAIL_LINES:]
        err.print("\n".join([f"last lines of {who}, {log}:", *lines]), soft_wrap=True)
    if status < 0 and -status not in (signal.SIGINT, signal.SIGTERM):
        err.print(
            f"mscat: {who} was ended by {signal.Signals(-status).name} (SIGKILL: often for want of memory); "
            "the same command resumes from the last checkpoint",
            soft_wrap=True,
        )


def _status(returned: int) -> int:
    """As a shell tells it, within what a command of ours may give."""
    if returned < 0:
        return {signal.SIGINT: INTERRUPTED, signal.SIGTERM: TERMINATED}.get(signal.Signals(-returned), FAULT)
    return returned if returned in (WRONG_INPUT, INTERRUPTED, TERMINATED) else FAULT
