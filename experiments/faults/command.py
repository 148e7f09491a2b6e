"""`mscat` in a process group of its own: its status, what it said, its time and its memory; or killed on the way."""

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

MSCAT = (sys.executable, "-m", "mscat_tf.cli.main")
ROOT = Path(__file__).parents[2]
POLL_SECONDS = 0.02
"""Between two looks at the memory of a process."""


@dataclass(frozen=True)
class Ended:
    """A process that ended: status (negative: the signal), output, complaint, seconds, peak of resident memory."""

    status: int
    output: str
    complaint: str
    seconds: float
    peak_bytes: int


@dataclass
class Started:
    """A process that runs, with all that it started."""

    process: subprocess.Popen[bytes]
    output: Path
    complaint: Path
    begun: float

    def kill(self) -> None:
        """SIGKILL to the whole group, as a power cut or a batch system would end it."""
        with_group(self.process.pid)
        self.process.wait()

    def alive_after(self, seconds: float) -> bool:
        """Wait so long, or until it ended; whether it still runs."""
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return True
        return False

    def ended(self, timeout: float = 600.0) -> Ended:
        """Wait for the end; one that takes longer than `timeout` [s] is killed."""
        watch = threading.Timer(timeout, with_group, [self.process.pid])
        watch.start()
        peak = 0
        try:
            while self.process.poll() is None:
                peak = max(peak, _peak_so_far(self.process.pid))
                time.sleep(POLL_SECONDS)
        finally:
            watch.cancel()
        with_group(self.process.pid)  # workers that outlived it
        seconds = time.monotonic() - self.begun
        texts = [path.read_text(errors="replace") for path in (self.output, self.complaint)]
        return Ended(self.process.returncode, *texts, seconds, peak)


def _peak_so_far(pid: int) -> int:
    """Peak of resident memory [bytes] since the process began its program; 0 where it is gone.

    What `wait4` tells counts the memory of the process that started it too, which is large under pytest.
    """
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:")), 0)


def with_group(group: int) -> None:
    """Kill a process group, if any of it is left."""
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        return


def start(
    arguments: Sequence[str],
    folder: Path,
    *,
    launcher: Sequence[str] = (),
    program: Sequence[str] = MSCAT,
    environment: Mapping[str, str] | None = None,
) -> Started:
    """Start a command of `mscat` in `folder`.

    Args:
        arguments: of `mscat`. folder: working folder. launcher: stands before it, e.g. `unshare --net`.
        program: instead of `mscat`. environment: variables besides those of this process.
    """
    logs = Path(tempfile.mkdtemp(prefix="command-"))
    files = [(logs / name).open("wb") for name in ("output", "complaint")]
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    shell = {"TF_CPP_MIN_LOG_LEVEL": "3", "MPLBACKEND": "Agg", "CUDA_VISIBLE_DEVICES": "", "PYTHONPATH": path}
    process = subprocess.Popen(
        [*launcher, *program, *arguments],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=files[0],
        stderr=files[1],
        env={**os.environ, **shell, **(environment or {})},
        start_new_session=True,
    )
    for file in files:
        file.close()
    return Started(process, logs / "output", logs / "complaint", time.monotonic())


def mscat(
    arguments: Sequence[str],
    folder: Path,
    *,
    timeout: float = 600.0,
    launcher: Sequence[str] = (),
    program: Sequence[str] = MSCAT,
    environment: Mapping[str, str] | None = None,
) -> Ended:
    """Run a command of `mscat` to its end; arguments as for `start`."""
    return start(arguments, folder, launcher=launcher, program=program, environment=environment).ended(timeout)
