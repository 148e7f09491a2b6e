import hashlib
import json
import logging
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from data_prep.plan import shard_jobs, shard_names
from data_prep.run import generate
from data_prep.shard import stored_configuration
from mscat_tf.config import SampleSettings
from mscat_tf.data.sample import Sample
from mscat_tf.errors import ConfigError, GenerationError, InputError
from mscat_tf.files import PART
from tests.data_prep.conftest import quick_settings

SLOW_ENOUGH = {"events": 64, "shard_events": 8}
SHARDS = 8


def checksums(folder: Path) -> dict[str, str]:
    return {
        p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in [*folder.glob("[!.]*.h5"), folder / "sample.json"]
    }


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """A sample made by one worker, and the progress that was shown."""
    folder, shown = tmp_path_factory.mktemp("alone"), []
    summary = generate(quick_settings(), folder, workers=1, progress=shown.append)
    return folder, summary, shown


def test_jobs_depend_on_events_and_size_only():
    jobs = shard_jobs(quick_settings(events=44))
    found = [(job.process, job.number, job.events) for job in jobs]
    assert found[:4] == [("4b", 0, 8), ("signal", 0, 8), ("4b", 1, 8), ("signal", 1, 8)]
    assert found[4:] == [("4b", 2, 6), ("signal", 2, 6)]


def test_more_shards_than_numbers_are_refused():
    with pytest.raises(ConfigError, match="shard_events"):
        shard_jobs(quick_settings(events=10**11, shard_events=1))  # found out before they are listed


def test_summary_manifest_and_record(alone):
    folder, summary, _ = alone
    assert (summary.events, summary.made, summary.kept, summary.workers) == (24, 4, 0, 1)
    manifest = json.loads((folder / "sample.json").read_text())
    names = [re.fullmatch(r"(4b|signal)-[0-9a-f]{10}-(000[01])\.h5", s["file"]).groups() for s in manifest["shards"]]
    assert names == [("4b", "0000"), ("4b", "0001"), ("signal", "0000"), ("signal", "0001")]
    assert [s["events"] for s in manifest["shards"]] == [8, 4, 8, 4]
    for entry in manifest["shards"]:
        assert hashlib.sha256((folder / entry["file"]).read_bytes()).hexdigest() == entry["sha256"]
    record = json.loads((folder / "generation.json").read_text())
    assert sum(s["generated"] for s in record["runs"][0]["shards"]) == summary.generated
    peaks = [s["peak_memory_bytes"] for s in record["runs"][0]["shards"]]
    assert max(peaks) == summary.peak_memory_bytes == record["runs"][0]["peak_memory_bytes"]


def test_progress_rises_to_the_end(alone):
    shown = alone[2]
    selected = [p.selected for p in shown]
    assert selected == sorted(selected)
    assert selected[-1] == shown[-1].total == 24
    assert shown[-1].remaining_seconds == 0.0
    assert shown[-1].generated >= 24
    assert shown[-1].rate > 0


def test_the_same_command_again_makes_nothing(alone):
    folder, _, _ = alone
    before = checksums(folder)
    again = generate(quick_settings(), folder, workers=1)
    assert (again.made, again.kept, again.generated) == (0, 4, 0)
    assert checksums(folder) == before
    assert len(json.loads((folder / "generation.json").read_text())["runs"]) == 1


def test_two_workers_write_the_same_bytes(alone, tmp_path):
    summary = generate(quick_settings(), tmp_path, workers=2)
    assert summary.workers == 2
    assert checksums(tmp_path) == checksums(alone[0])


def test_a_truncated_shard_and_leftovers_are_replaced(alone, tmp_path, caplog):
    folder, _, _ = alone
    for path in folder.glob("[!.]*.h5"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (broken,) = tmp_path.glob("signal-*-0001.h5")
    broken.write_bytes(broken.read_bytes()[:5000])
    leftover = tmp_path / f"{PART}999999999-signal-0000.h5"
    leftover.write_text("half")
    with caplog.at_level(logging.WARNING):
        summary = generate(quick_settings(), tmp_path, workers=1)
    assert (summary.made, summary.kept) == (1, 3)
    assert broken.name in caplog.text
    assert "made again" in caplog.text
    assert checksums(tmp_path) == checksums(folder)
    assert not leftover.exists()


def test_a_larger_sample_keeps_the_full_shards(alone, tmp_path):
    for path in alone[0].glob("*.h5"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    summary = generate(quick_settings(events=32), tmp_path, workers=1)
    assert (summary.made, summary.kept) == (2, 2), "the last shard of each process grew from 4 to 8 events"


def copied(folder: Path, to: Path) -> Path:
    for path in [*folder.glob("[!.]*.h5"), folder / "sample.json"]:
        (to / path.name).write_bytes(path.read_bytes())
    return to


def of_process(folder: Path, process: str) -> dict[str, str]:
    """File and checksum of each shard of a process, as the manifest lists them."""
    shards = json.loads((folder / "sample.json").read_text())["shards"]
    return {s["file"]: s["sha256"] for s in shards if s["process"] == process}


def test_a_setting_of_one_process_makes_only_its_shards_anew(alone, tmp_path, caplog):
    folder = copied(alone[0], tmp_path)
    values = quick_settings().model_dump(mode="json")
    values["processes"]["4b"]["pt_hat_min"] = 420.0
    changed = SampleSettings.model_validate(values)
    summary = generate(changed, folder, workers=1)
    assert (summary.made, summary.kept) == (2, 2)
    assert of_process(folder, "signal") == of_process(alone[0], "signal")
    assert not of_process(folder, "4b").keys() & of_process(alone[0], "4b").keys()
    assert "2 files are of other settings and stay" in caplog.text
    with Sample(folder) as sample:
        assert len(sample) == 24
        assert sample.configuration["processes"]["4b"]["pt_hat_min"] == 420.0
        assert sample.configuration == stored_configuration(changed)
    back = generate(quick_settings(), folder, workers=1)
    assert (back.made, back.kept) == (0, 4)
    assert (folder / "sample.json").read_bytes() == (alone[0] / "sample.json").read_bytes()


def test_two_settings_of_one_process_are_never_read_together(alone, tmp_path):
    folder = copied(alone[0], tmp_path)
    values = quick_settings(events=16).model_dump(mode="json")
    values["processes"]["4b"]["pt_hat_min"] = 420.0
    generate(SampleSettings.model_validate(values), folder, workers=1)
    (folder / "sample.json").unlink()
    with pytest.raises(InputError, match=r"process '4b' was made with other settings than in another file"):
        Sample(folder)


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 2},
        {"sqrt_s": 13_000.0},
        {"detector": "none"},
        {"tokens": {"constituents": 40}},
        {"processes": {**quick_settings().model_dump()["processes"], "third": {"kind": "ttbar"}}},
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_all_shards_share_renames_all_of_them(change):
    before, after = (set(names_of(quick_settings(events=48, **more))) for more in ({}, change))
    assert not before & after


def test_the_name_of_the_sample_its_size_and_patience_rename_no_full_shard():
    before = names_of(quick_settings(events=32))
    after = names_of(quick_settings(events=64, name="other", max_generated_per_selected=77))
    assert set(before) < set(after)


def names_of(settings):
    return list(shard_names(settings, shard_jobs(settings)).values())


def test_a_file_of_another_name_is_not_taken_for_the_shard(alone, tmp_path):
    folder = copied(alone[0], tmp_path)
    first, second = sorted(folder.glob("4b-*-0000.h5"))[0], sorted(folder.glob("signal-*-0000.h5"))[0]
    first.write_bytes(second.read_bytes())
    assert generate(quick_settings(), folder, workers=1).made == 1
    assert checksums(folder) == checksums(alone[0])


def test_an_unfinished_sample_is_not_read(alone, tmp_path):
    folder = copied(alone[0], tmp_path)
    sorted(folder.glob("4b-*.h5"))[0].unlink()

    class Stop(Exception):
        pass

    def stop(_):
        raise Stop

    with pytest.raises(Stop):
        generate(quick_settings(), folder, workers=1, progress=stop)
    with pytest.raises(InputError, match=r"this sample is not finished"):
        Sample(folder)
    generate(quick_settings(), folder, workers=1)
    with Sample(folder) as sample:
        assert len(sample) == 24


def test_an_impossible_cut_is_refused_at_once(tmp_path):
    selection = {"leading_pt_min": 20_000.0}
    started = time.monotonic()
    with pytest.raises(GenerationError, match=r"'signal'.*0 events generated.*'leading pT'.*20000 GeV"):
        generate(quick_settings(selection=selection), tmp_path)
    assert time.monotonic() - started < 5.0


def test_an_error_in_a_worker_arrives_as_itself(tmp_path):
    wrong = {name: {"kind": "ttbar", "pythia": ["Nonsense:here = on"]} for name in ("one", "two")}
    with pytest.raises(GenerationError, match="does not know the setting 'Nonsense:here = on'"):
        generate(quick_settings(processes=wrong), tmp_path, workers=2)


SCRIPT = """
import sys
from data_prep.run import generate
from tests.data_prep.conftest import quick_settings
if __name__ == "__main__":
    generate(quick_settings(events={events}, shard_events={shard_events}), sys.argv[1], workers=2)
"""


def running(folder: Path) -> list[int]:
    """Processes that carry our mark in their environment: the command and everything it started."""
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            if f"MSCAT_TEST_MARK={folder}".encode() in path.read_bytes():
                found.append(int(path.parent.name))
        except OSError:
            continue
    return found


def heed_interrupts() -> None:
    """Jobs in the background of a shell inherit that SIGINT is ignored, and so would what they start."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def start(script: Path, folder: Path) -> subprocess.Popen:
    script.write_text(SCRIPT.format(**SLOW_ENOUGH))
    root = str(Path(__file__).parents[2])
    environment = {**os.environ, "PYTHONPATH": root, "MSCAT_TEST_MARK": str(folder)}
    process = subprocess.Popen(
        [sys.executable, script, folder], env=environment, cwd=root, start_new_session=True, preexec_fn=heed_interrupts
    )
    deadline = time.monotonic() + 60
    while not list(folder.glob("[!.]*.h5")):
        assert process.poll() is None, "it ended before the first shard"
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return process


@pytest.mark.slow
@pytest.mark.parametrize("how", ["parent killed", "all killed", "interrupted"])
def test_interrupted_and_resumed_gives_the_same_bytes(how, tmp_path, tmp_path_factory):
    folder = tmp_path / "sample"
    process = start(tmp_path / "script.py", folder)
    if how == "all killed":
        os.killpg(process.pid, signal.SIGKILL)
        for pid in running(folder):
            os.kill(pid, signal.SIGKILL)
    elif how == "parent killed":
        process.kill()
    else:
        os.killpg(process.pid, signal.SIGINT)
    process.wait(timeout=30)
    deadline = time.monotonic() + 30
    while running(folder):
        assert time.monotonic() < deadline, f"still running: {running(folder)}"
        time.sleep(0.1)
    finished = len(list(folder.glob("[!.]*.h5")))
    assert 0 < finished < SHARDS
    summary = generate(quick_settings(**SLOW_ENOUGH), folder, workers=1)
    assert summary.kept == finished
    assert summary.made == SHARDS - finished
    assert not list(folder.glob(f"{PART}*"))
    assert checksums(folder) == straight(tmp_path_factory)


def straight(tmp_path_factory, made={}):  # noqa: B006 (one sample for all three cases)
    if not made:
        folder = tmp_path_factory.mktemp("straight")
        generate(quick_settings(**SLOW_ENOUGH), folder, workers=1)
        made.update(checksums(folder))
    return made
