"""`mscat train-mirror smoke`, uninterrupted, made once for all processes of the suite."""

import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[1]


def command(*arguments):
    """The command line as a list of words for a process of its own."""
    return [sys.executable, "-m", "mscat_tf.cli.main", *map(str, arguments)]


def environment():
    """Of that process."""
    return {**os.environ, "PYTHONPATH": str(CHECKOUT), "COLUMNS": "160"}


def run_alone(folder, *arguments):
    """A command in a process of its own; its output."""
    result = subprocess.run(
        command(*arguments), cwd=folder, env=environment(), capture_output=True, text=True, timeout=600, check=False
    )
    assert result.returncode == 0, result.stdout[-2000:] + result.stderr[-3000:]
    return result.stdout


@pytest.fixture(scope="session")
def smoke_run(tmp_path_factory):
    """Folder of the run, simulated by two workers, and what the command printed. Read only: copy what is changed."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "smoke-run"
    folder.mkdir(exist_ok=True)
    printed = folder / "printed.txt"
    with open(folder / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # whoever comes first makes it, the others wait
        if not printed.exists():
            printed.write_text(run_alone(folder, "train-mirror", "smoke", "--workers", 2))
    return folder, printed.read_text()
