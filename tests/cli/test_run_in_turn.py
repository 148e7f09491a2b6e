"""A queue of commands: who runs when and where, and how it ends."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from mscat_tf.cli.processes import Slot, Task, run_in_turn
from tests.waiting import wait_until


def python(code):
    return [sys.executable, "-c", code]


def task(name, code, after=(), **options):
    return Task(name, python(code), after, **options)


def slots(number, **options):
    return [Slot(dict(os.environ), **options) for _ in range(number)]


def run(tasks, number=2, **options):
    ended = []
    return run_in_turn(tasks, slots(number), lambda one: ended.append(one.name), **options), ended


def note(path, seconds=0.0):
    """Python that writes when it begins and when it ends."""
    line = "open({!r}, 'a').write(f'{} {{time.time()}} ')"
    return f"import time; {line.format(str(path), 'from')}; time.sleep({seconds}); {line.format(str(path), 'to')}"


def span(path):
    words = path.read_text().split()
    return float(words[1]), float(words[3])


def test_as_many_at_a_time_as_there_are_slots(tmp_path):
    paths = [tmp_path / str(number) for number in range(4)]
    status, ended = run([task(path.name, note(path, 0.3)) for path in paths])
    assert (status, sorted(ended)) == (0, ["0", "1", "2", "3"])
    spans = [span(path) for path in paths]
    for moment in (start for start, _ in spans):
        assert sum(start <= moment <= end for start, end in spans) <= 2


def test_who_waits_for_another_begins_when_it_has_ended(tmp_path):
    first, second, other = (tmp_path / name for name in ("first", "second", "other"))
    late = task("second", note(second), after=["first", "a task that is done already"])
    status, ended = run([late, task("first", note(first, 0.4)), task("other", note(other))])
    assert status == 0
    assert ended[-1] == "second"
    assert span(second)[0] > span(first)[1]
    assert span(other)[0] < span(first)[1], "a task that need not wait is not kept by one that must"


def count(path, seconds=0.0):
    """Python that leaves a line in a file for each time that it ran."""
    return f"import time; open({str(path)!r}, 'a').write('.'); time.sleep({seconds})"


def test_slots_without_a_task_help_those_that_run(tmp_path):
    """The task ends once two helpers have come; of its four seats three are for helpers, of the slots two are free."""
    came = tmp_path / "came"
    both = f"import pathlib, time\nwhile not pathlib.Path({str(came)!r}).is_file() or "
    both += f"pathlib.Path({str(came)!r}).read_text() != '..': time.sleep(0.02)"
    short, long = task("short", "pass"), task("long", both, helper=python(count(came, 0.5)), seats=4)
    assert run([short, long], 3) == (0, ["short", "long"])


def test_who_has_nothing_left_for_helpers_gets_no_more(tmp_path):
    came = tmp_path / "came"
    long = task("long", "import time; time.sleep(1.5)", helper=python(count(came)), seats=9)
    assert run([long], 2) == (0, ["long"])
    assert came.read_text() == "."


def test_a_task_that_nobody_can_share_is_left_alone(tmp_path):
    came = tmp_path / "came"
    assert run([task("long", "import time; time.sleep(0.5)", helper=python(count(came)))], 3) == (0, ["long"])
    assert not came.exists()


def test_what_a_helper_meets_is_no_failure_and_a_failure_brings_no_helpers(tmp_path, capfd):
    long = task("long", "import time; time.sleep(1)", helper=python("1 / 0"), seats=2)
    assert run([long], 2) == (0, ["long"])
    assert "ZeroDivisionError" not in capfd.readouterr().err
    came = tmp_path / "came"
    deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(1.5)"
    shared = task("shared", deaf, helper=python(count(came)), seats=2)
    status, _ = run([shared, task("broken", "import time; time.sleep(0.7); 1 / 0")], 2)
    assert status == 1
    assert not came.exists()


def test_when_one_fails_the_others_end_and_none_begins(tmp_path, capfd):
    never = tmp_path / "never"
    broken = task("broken", "import sys; print('mscat: no such sample', file=sys.stderr); sys.exit(2)")
    started = time.monotonic()
    status, ended = run([broken, task("long", "import time; time.sleep(60)"), task("never", note(never))], 2)
    assert (status, ended) == (2, [])
    assert time.monotonic() - started < 30.0
    assert not never.exists()
    complaint = capfd.readouterr().err
    assert "last lines of broken" in complaint
    assert "mscat: no such sample" in complaint


def test_who_does_not_heed_sigterm_is_killed(capfd):
    deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"
    status, _ = run([task("deaf", deaf), task("broken", "import time; time.sleep(0.7); 1 / 0")], signal_grace=0.5)
    assert status == 1
    assert "ZeroDivisionError" in capfd.readouterr().err


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signals_reach_all_and_tell_the_status(number, status, tmp_path):
    threading.Timer(0.5, lambda: os.kill(os.getpid(), number)).start()
    long = "import time; time.sleep(60)"
    assert run([task("a", long), task("b", long), task("never", note(tmp_path / "never"))]) == (status, [])
    assert not (tmp_path / "never").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="cores are dealt on Linux only")
def test_each_stays_on_its_cores(tmp_path):
    core = max(os.sched_getaffinity(0))
    found = tmp_path / "cores"
    code = f"import os; open({str(found)!r}, 'w').write(str(os.sched_getaffinity(0)))"
    assert run_in_turn([task("a", code)], slots(1, cores=[core]), lambda _: None) == 0
    assert found.read_text() == str({core})


@pytest.mark.skipif(sys.platform != "linux", reason="the death of a parent is told on Linux only")
def test_who_kills_this_process_kills_its_tasks(tmp_path):
    """Deaf to SIGTERM, so that nothing but SIGKILL can have ended it."""
    number = tmp_path / "number"
    deaf = "import os, signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
    deaf += f"open({str(number)!r}, 'w').write(str(os.getpid())); time.sleep(60)"
    code = f"from tests.cli.test_run_in_turn import run, task; run([task('deaf', {deaf!r})])"
    parent = subprocess.Popen([sys.executable, "-c", code], cwd=Path(__file__).parents[2])
    wait_until(lambda: number.is_file() and number.read_text())
    parent.kill()
    parent.wait()
    wait_until(lambda: not Path(f"/proc/{number.read_text()}/cmdline").is_file()
               or not Path(f"/proc/{number.read_text()}/cmdline").read_bytes())  # fmt: skip
