import subprocess
import sys
from pathlib import Path

from mscat_tf import memory


def test_peak_memory_is_that_of_the_process_alone():
    """A process that holds 200 MiB for a moment, started by one that held more."""
    held = b"x" * (600 * 2**20)
    code = "from mscat_tf.memory import peak_memory_bytes as peak; before = peak(); held = b'x' * (200 << 20); "
    code += "del held; print(before, peak())"
    before, after = map(int, subprocess.check_output([sys.executable, "-c", code], text=True).split())
    del held
    assert before < 300 * 2**20
    assert 0.95 * 200 * 2**20 < after - before < 1.1 * 200 * 2**20


def test_kernels_that_tell_no_peak_leave_it_to_getrusage(monkeypatch):
    """Some sandboxes list less in `/proc/self/status`."""
    told = memory.peak_memory_bytes()
    monkeypatch.setattr(Path, "read_text", lambda _: "Name: python\nVmRSS: 1000 kB\n")
    assert memory.peak_memory_bytes() >= 0.5 * told
    assert memory.resident_memory_bytes() == 1_024_000
