"""A machine that is full, read-only, shared, with a wrong clock or without a network."""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from experiments.faults.case import Case, Place, need, sentence, shortened
from experiments.faults.command import Ended, mscat, start
from experiments.faults.kills import Digests, array_digests, leftovers, run_digests, sample_digests

GENERATE = ("generate", "smoke", "--workers", "1", "--set", "sample.events=24", "--set", "sample.shard_events=4")
TRAIN = ("train", "smoke", "--set", "model.name=kinematics_mlp", "--set", "data.path=sample")
YEAR = 365 * 86_400


def _import_arguments() -> tuple[str, ...]:
    return ("import", "delphes", "delphes.root", "--process", "p", "--out", "data/x", "--workers", "1")


COMMANDS: dict[str, Callable[[Place], tuple[str, ...]]] = {
    "generate": lambda _: GENERATE,
    "import": lambda _: _import_arguments(),
    "train": lambda _: TRAIN,
    "evaluate": lambda _: ("evaluate", "sound"),
    "explain": lambda _: ("explain", "sound"),
    "predict to HDF5": lambda _: ("predict", "sound", "sample", "--out", "data/scores.h5"),
    "predict to Parquet": lambda _: ("predict", "sound", "sample", "--out", "data/scores.parquet"),
    "predict to ROOT": lambda _: ("predict", "sound", "sample", "--out", "data/scores.root"),
    "convert": lambda _: ("convert", "sample", "--to", "npz", "--out", "data/converted.npz"),
    "export": lambda _: ("export", "sound", "--format", "onnx"),
    "report": lambda _: ("report", "sound"),
}
"""Every command that writes, in a folder with a sample, a run and a Delphes file."""


def _furnish(place: Place, folder: Path) -> None:
    """Everything that `COMMANDS` read."""
    place.stock.copy_of(place.stock.run, folder)
    place.stock.copy_of(place.stock.delphes, folder)
    place.stock.copy_of(place.stock.sample, folder).rename(folder / "sample")


def _mount(*arguments: str) -> None:
    done = subprocess.run(["mount", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise PermissionError(f"mount {' '.join(arguments)}: {done.stderr.strip()}")


@contextlib.contextmanager
def _disk(folder: Path, size: str) -> Iterator[Callable[[str], None]]:
    """A file system of its own in `folder`; gives what changes its options."""
    folder.mkdir()
    _mount("-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder))
    try:
        yield lambda options: _mount("-o", f"remount,{options}", str(folder))
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def _half_files(folder: Path) -> list[str]:
    return [name for name in leftovers(folder) if not name.endswith(".unfinished")]


def _full(name: str) -> Case:
    def act(place: Place) -> str:
        folder = place.folder / "disk"
        with _disk(folder, "200m") as change:
            _furnish(place, folder)
            _fill(folder)
            said = sentence(mscat(COMMANDS[name](place), folder, environment={"TMPDIR": str(place.folder)}))
            need("cannot be" in said, f"not about writing: {said}")
            need(not _half_files(folder), f"left behind: {_half_files(folder)}")
            (folder / "filling").unlink()
            change("size=400m")
            again = mscat(COMMANDS[name](place), folder)
            need(again.status == 0, f"with space again: status {again.status}: {again.complaint[-200:]}")
        return f"{shortened(said)}; with space again it ends well"

    done = f"`mscat {name}` on a full disk, then with space"
    return Case(f"full disk: {name}", "surroundings", done, "status 2, one sentence, no half file; then ends well", act)


def _fill(folder: Path) -> None:
    """Take all space but three pages: folders and names still fit, content does not."""
    with contextlib.suppress(OSError), (folder / "filling").open("wb", buffering=0) as file:
        while file.write(bytes(2**20)) == 2**20:
            pass
    size = (folder / "filling").stat().st_size
    os.truncate(folder / "filling", max(0, size - 3 * 4096))


def _read_only(name: str) -> Case:
    def act(place: Place) -> str:
        folder = place.folder / "disk"
        with _disk(folder, "200m") as change:
            _furnish(place, folder)
            change("ro")
            return shortened(sentence(mscat(COMMANDS[name](place), folder, environment={"TMPDIR": str(place.folder)})))

    done = f"`mscat {name}` where nothing may be written"
    return Case(f"read-only: {name}", "surroundings", done, "status 2, one sentence that names the place", act)


def _two(name: str, arguments: tuple[str, ...], lock: str, digests: Callable[[Path], Digests]) -> Case:
    """The second comes while the first writes."""

    def act(place: Place) -> str:
        alone, folder = place.folder / "alone", place.folder / "two"
        for each in (alone, folder):
            each.mkdir()
            _furnish(place, each)
        need(mscat(arguments, alone).status == 0, "alone it fails")
        first = start(arguments, folder)
        deadline = time.monotonic() + 300
        while not (folder / lock).exists() and time.monotonic() < deadline and first.process.poll() is None:
            time.sleep(0.02)
        second = mscat(arguments, folder)
        ended = first.ended()
        need(ended.status == 0, f"the first was disturbed: status {ended.status}: {ended.complaint[-200:]}")
        if second.status != 0:
            said = shortened(sentence(second, "is writing"))
        else:
            said = "it waited in its start until the first was done, and found nothing to do"
            need("nothing to do" in second.output, "both wrote into one folder")
        need(digests(folder) == digests(alone), "the output differs from that of one process alone")
        return f"first: ends well, same output as alone; second: {said}"

    done = f"`mscat {name}` twice at the same time in one folder"
    return Case(
        f"two processes: {name}", "surroundings", done, "the first is not disturbed, the second says who writes", act
    )


def _scores_twice() -> Case:
    """Each writes under a temporary name of its own."""

    def act(place: Place) -> str:
        _furnish(place, place.folder)
        command = ("predict", "sound", "sample", "--batch", "2", "--out", "scores.h5")
        both = [start(command, place.folder) for _ in range(2)]
        ended = [one.ended() for one in both]
        need(
            all(one.status == 0 for one in ended),
            f"status {[one.status for one in ended]}: {ended[-1].complaint[-200:]}",
        )
        together = array_digests(place.folder / "scores.h5")
        need(mscat(command, place.folder).status == 0, "alone it fails")
        need(together == array_digests(place.folder / "scores.h5"), "other scores than those of one process")
        need(not leftovers(place.folder), "something is left behind")
        return "both end well; the file is that of one of them, whole"

    return Case(
        "two processes: predict", "surroundings", "`mscat predict` twice at the same time into one file",
        "both end well, the file is whole", act,
    )  # fmt: skip


SHIFTED = """
import time
_real, _ns, _start = time.time, time.time_ns, time.time()
def _shift():
    return {before} if _real() - _start < {moment} else {after}
time.time = lambda: _real() + _shift()
time.time_ns = lambda: _ns() + int(_shift() * 1e9)
"""


def _with_clock(place: Place, before: float, after: float) -> dict[str, str]:
    """Environment in which Python's clock is shifted by so many seconds, in the first three and afterwards."""
    customised = place.folder / "clock"
    customised.mkdir()
    (customised / "sitecustomize.py").write_text(SHIFTED.format(before=before, moment=3.0, after=after))
    return {"PYTHONPATH": os.pathsep.join([str(customised), str(Path(__file__).parents[2])])}


def _before_1980() -> Case:
    """Keras stores networks as ZIP, which knows no earlier date."""

    def act(place: Place) -> str:
        shift = -time.time() + 86_400
        environment = _with_clock(place, shift, shift)
        _furnish(place, place.folder)
        need(mscat(GENERATE, place.folder, environment=environment).status == 0, "generate failed")
        said = sentence(mscat(TRAIN, place.folder, environment=environment), "1970", "set the clock")
        need(mscat(TRAIN, place.folder).status == 0, "with a straight clock it does not go on")
        return f"{said}; with a straight clock it goes on"

    done = "generate, train while the clock says 1970"
    return Case("clock: 1970", "surroundings", done, "events are made; training: status 2, one sentence", act)


def _clock(name: str, before: float, after: float, words: str) -> Case:
    def act(place: Place) -> str:
        shifted, straight = place.folder / "shifted", place.folder / "straight"
        for folder, environment in ((shifted, _with_clock(place, before, after)), (straight, {})):
            folder.mkdir()
            _furnish(place, folder)
            for command in (GENERATE, TRAIN, ("evaluate", "runs/smoke")):
                ended = mscat(command, folder, environment=environment)
                need(ended.status == 0, f"{command[0]}: status {ended.status}: {ended.complaint[-200:]}")
        for digests in (sample_digests, run_digests):
            need(digests(shifted) == digests(straight), f"{digests.__name__}: outputs differ")
        return "events, weights and scores are those of a straight clock"

    done = f"generate, train, evaluate while the clock {words}"
    return Case(
        f"clock: {name}", "surroundings", done, "the same events, weights and scores as with a straight clock", act
    )


def _dates() -> Case:
    """Resuming and re-use decide by content."""

    def act(place: Place) -> str:
        _furnish(place, place.folder)
        for command in (GENERATE, TRAIN, ("evaluate", "runs/smoke")):
            need(mscat(command, place.folder).status == 0, f"{command[0]} failed")
        before = {**sample_digests(place.folder), **run_digests(place.folder)}
        files = [path for path in place.folder.rglob("*") if path.is_file()]
        for number, path in enumerate(sorted(files)):
            when = 0 if number % 2 else 4_102_444_800  # 1970, 2100
            os.utime(path, (when, when))
        for command in (GENERATE, TRAIN, ("evaluate", "runs/smoke"), ("report", "runs/smoke")):
            ended = mscat(command, place.folder)
            need(ended.status == 0, f"{command[0]}: status {ended.status}: {ended.complaint[-200:]}")
        need({**sample_digests(place.folder), **run_digests(place.folder)} == before, "something was made anew")
        return "nothing is made anew, nothing changes"

    done = "every file dated 1970 or 2100, then generate, train, evaluate, report again"
    return Case("clock: dates of files", "surroundings", done, "what is done stays done", act)


LOOPBACK = """
import fcntl, os, socket, struct, sys
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as handle:
    fcntl.ioctl(handle, 0x8914, struct.pack('16sH14s', b'lo', 0x41, bytes(14)))
os.execv(sys.argv[1], sys.argv[1:])
"""
"""Every machine has its own address, one without a network too."""


def _offline(name: str) -> Case:
    def act(place: Place) -> str:
        _furnish(place, place.folder)
        inside = ("unshare", "--net", sys.executable, "-c", LOOPBACK)
        probe = "import socket; socket.create_connection(('1.1.1.1', 53), 3)"
        reached = mscat(("-c", probe), place.folder, launcher=inside, program=(sys.executable,))
        need("unreachable" in reached.complaint, f"there is a network after all: {reached.complaint[-200:]}")
        ended: Ended = mscat(COMMANDS[name](place), place.folder, launcher=inside)
        need(ended.status == 0, f"status {ended.status}: {ended.complaint[-200:]}")
        return f"ends well in {ended.seconds:.0f} s"

    return Case(f"no network: {name}", "surroundings", f"`mscat {name}` without any network", "ends well", act)


def cases() -> list[Case]:
    """What a case needs and this machine does not permit is an unexpected row: run as root in a container."""
    found = [_full(name) for name in COMMANDS] + [_read_only(name) for name in COMMANDS]
    found += [
        _two("generate", GENERATE, "data/smoke/.mscat-lock", sample_digests),
        _two("import", (*_import_arguments(), "--set", "chunk_entries=2"), "data/x/.mscat-lock", sample_digests),
        _two("train", (*TRAIN, "--set", "train.epochs=40"), "runs/smoke/.mscat-lock", run_digests),
        _scores_twice(),
        _clock("jumps back", 0.0, -YEAR, "jumps back by a year"),
        _clock("jumps ahead", 0.0, 10 * YEAR, "jumps ahead by ten years"),
        _before_1980(),
        _dates(),
    ]
    return found + [_offline(name) for name in COMMANDS]
