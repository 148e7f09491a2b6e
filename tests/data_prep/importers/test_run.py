"""Imported samples: several processes, resuming, and every way to spoil one that must be refused."""

import hashlib
import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest

from data_prep.importers.base import FORMATS
from data_prep.importers.plan import expanded
from data_prep.importers.run import import_sample
from mscat_tf.cli import main as command_line
from mscat_tf.config.importing import Format, ImportSettings, load_import
from mscat_tf.data import Sample
from mscat_tf.errors import ConfigError, InputError, OutputError
from mscat_tf.lock import locked
from tests.data_prep.importers.conftest import settings_for
from tests.data_prep.importers.delphes_files import HARD, event, write

LOOSE = {"selection": {"leading_pt_min": 300.0, "mass_min": 0.0, "mass_max": 500.0}, "chunk_entries": 6}
SOFT = [(310.0, 0.3, 1.0), (50.0, 0.6, 1.4), (305.0, -0.2, -2.0), (30.0, 0.1, -2.3)]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Two files of signal and one of ttbar, of 10, 6 and 5 entries, half of the first without fat jets."""
    folder = tmp_path_factory.mktemp("files")
    return {
        "a": write(folder / "a.root", [event(HARD), event()] * 5, cross_section_pb=1.0),
        "b": write(folder / "b.root", [event(HARD)] * 6, cross_section_pb=3.0),
        "top": write(folder / "top.root", [event(SOFT)] * 5, cross_section_pb=800.0),
    }


def signal(files, *names, **changes):
    return settings_for(*(files[name] for name in names), cross_section_fb=None, **{**LOOSE, **changes})


def ttbar(files, **changes):
    own = {"process": "ttbar", "label": 0, "cross_section_fb": None}
    return settings_for(files["top"], **{**own, **LOOSE, **changes})


def both(files):
    processes = {"ttbar": {"files": [str(files["top"])]}}
    processes["signal"] = {"files": [str(files["a"]), str(files["b"])], "label": 1}
    return ImportSettings(name="test", format="delphes", processes=processes, **LOOSE)


def content(folder):
    return {p.name: p.read_bytes() for p in [*folder.glob("[!.]*.h5"), folder / "sample.json"]}


@pytest.fixture(scope="module")
def sample(files, tmp_path_factory):
    """Both processes, imported at once in this process."""
    folder = tmp_path_factory.mktemp("both")
    shown = []
    return folder, import_sample(both(files), folder, workers=1, progress=shown.append), shown


def test_sample_can_be_read(sample):
    folder, summary, shown = sample
    assert (summary.events, summary.entries, summary.made, summary.kept) == (16, 21, 4, 0)
    assert [step.entries for step in shown][-1] == shown[-1].total == 21
    assert shown[-1].events == 16
    with Sample(folder) as read:
        assert (len(read), read.header.processes, read.header.labels) == (16, ("signal", "ttbar"), (1, 0))
        assert not read.has("m_H")
        assert read.column("label").tolist() == [1] * 11 + [0] * 5
        assert read.column("process").tolist() == [0] * 11 + [1] * 5
        assert read.normalisation["ttbar"].cross_section_fb == pytest.approx(800e3)
        merged = read.normalisation["signal"]
        assert (merged.generated_events, merged.sum_of_weights) == (16, 16.0)
        assert merged.cross_section_fb == pytest.approx((10 * 1000 + 6 * 3000) / 16)
        assert merged.cross_section_error_fb == pytest.approx(np.hypot(10 * 100, 6 * 300) / 16, rel=1e-6)
        assert [row["raw"] for row in read.cut_flow["signal"]] == [16, 11, 11, 11, 11, 11, 11]
        assert read.configuration["processes"]["signal"]["label"] == 1
        assert read.configuration["selection"]["leading_pt_min"] == 300.0


def test_events_are_numbered_by_file_and_entry(sample, files):
    folder = sample[0]
    number = int(hashlib.sha256(files["a"].read_bytes()).hexdigest()[:10], 16) << 24
    with Sample(folder) as read:
        event_id = read.column("event_id")
        assert np.array_equal(event_id, read.column("group_id"))
    assert len(np.unique(event_id)) == 16
    assert event_id[:5].tolist() == [number + entry for entry in (0, 2, 4, 6, 8)]


def test_manifest_lists_what_is_there(sample):
    folder = sample[0]
    manifest = json.loads((folder / "sample.json").read_text())
    assert manifest["events"] == sum(shard["events"] for shard in manifest["shards"]) == 16
    assert {shard["file"] for shard in manifest["shards"]} == {path.name for path in folder.glob("*.h5")}
    for shard in manifest["shards"]:
        assert hashlib.sha256((folder / shard["file"]).read_bytes()).hexdigest() == shard["sha256"]
    assert [one["file"] for one in manifest["readers"]["signal"]["inputs"]] == ["a.root", "b.root"]


def test_one_process_after_the_other_gives_the_same_bytes(sample, files, tmp_path):
    """Here ttbar, read alone, is number 0, then 1; and the signal grows before and after."""
    for settings in (signal(files, "a"), ttbar(files), signal(files, "a", "b")):
        import_sample(settings, tmp_path, workers=1)
    assert content(tmp_path) == content(sample[0])
    other = tmp_path / "other"
    import_sample(ttbar(files), other, workers=1)
    with Sample(other) as alone:
        assert alone.column("process").tolist() == [0] * 5
    import_sample(signal(files, "a", "b"), other, workers=1)
    assert content(other) == content(sample[0])


def test_dask_worker_writes_the_same_bytes(sample, files, tmp_path):
    """A limit of memory makes a process of its own for one worker."""
    summary = import_sample(both(files), tmp_path, workers=1, memory="2GiB")
    assert (summary.made, summary.workers) == (4, 1)
    assert content(tmp_path) == content(sample[0])


def test_only_what_is_missing_is_made(sample, files, tmp_path):
    import_sample(both(files), tmp_path, workers=1)
    again = import_sample(both(files), tmp_path, workers=1)
    assert (again.made, again.kept) == (0, 4)
    first, second, *_ = sorted(tmp_path.glob("signal-*.h5"))
    first.unlink()
    second.write_bytes(second.read_bytes()[:5000])
    (tmp_path / ".part-999999999-x.h5").write_bytes(b"left by a killed job")
    again = import_sample(both(files), tmp_path, workers=1)
    assert (again.made, again.kept) == (2, 2)
    assert content(tmp_path) == content(sample[0])
    assert not list(tmp_path.glob(".part-*"))


def test_more_files_of_a_process(files, tmp_path):
    assert import_sample(signal(files, "a"), tmp_path, workers=1).events == 5
    more = import_sample(signal(files, "a", "b"), tmp_path, workers=1)
    assert (more.events, more.made, more.kept) == (11, 1, 2)
    with pytest.raises(OutputError, match=r"'signal' was imported from a\.root too, which is not among the files now"):
        import_sample(signal(files, "b"), tmp_path, workers=1)


def test_another_cross_section_replaces_the_shards(files, tmp_path):
    import_sample(signal(files, "a"), tmp_path, workers=1)
    import_sample(settings_for(files["a"], cross_section_fb=7.0, **LOOSE), tmp_path, workers=1)
    with Sample(tmp_path) as read:
        assert read.normalisation["signal"].cross_section_fb == pytest.approx(7.0)
    assert len(list(tmp_path.glob("*.h5"))) == 2


def test_files_that_would_spoil_a_sample(files, tmp_path):
    import_sample(signal(files, "a"), tmp_path, workers=1)
    before = content(tmp_path)
    with pytest.raises(OutputError, match="imported with other settings"):
        import_sample(ttbar(files, tokens={"constituents": 20}), tmp_path, workers=1)
    with pytest.raises(InputError, match="was imported as 'signal'"):
        import_sample(settings_for(files["a"], process="ttbar", label=0, **LOOSE), tmp_path, workers=1)
    with pytest.raises(InputError, match="same content"):
        import_sample(signal(files, "a", "a"), tmp_path, workers=1)
    tagged = write(tmp_path / "tagged.root", [event(HARD, jets=[(50.0, 0.3, 1.0, 5, 1)])])
    with pytest.raises(InputError, match="tag jets: Jet, but the sample so far: none"):
        import_sample(settings_for(tagged, process="ttbar", label=0, **LOOSE), tmp_path, workers=1)
    assert content(tmp_path) == before
    (tmp_path / "sample.json").write_text('{"seed": 1, "shards": []}')
    with pytest.raises(OutputError, match="another kind of sample"):
        import_sample(signal(files, "a"), tmp_path, workers=1)


def test_no_event_selected(files, tmp_path):
    hard = {"selection": {"leading_pt_min": 900.0}}
    with pytest.raises(
        InputError, match=r"none of 10 entries pass the selection, most are lost at the cut '(two|lead)"
    ):
        import_sample(signal(files, "a", **hard), tmp_path, workers=1)
    assert not (tmp_path / "sample.json").exists()
    with pytest.raises(InputError, match="not finished"):
        Sample(tmp_path)


def test_two_jobs_never_write_one_folder(files, tmp_path):
    with locked(tmp_path), pytest.raises(OutputError, match=rf"process {os.getpid()} on .* is writing this sample"):
        import_sample(signal(files, "a"), tmp_path, workers=1)
    assert import_sample(signal(files, "a"), tmp_path, workers=1).events == 5


def test_folder_that_cannot_be_made(files, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be made"):
        import_sample(signal(files, "a"), tmp_path / "file" / "x", workers=1)


def test_yaml_lists_processes_with_wildcards(files, tmp_path):
    folder = files["a"].parent
    (tmp_path / "import.yaml").write_text(
        f"name: test\nchunk_entries: 6\nselection: {{leading_pt_min: 300, mass_min: 0, mass_max: 500}}\nprocesses:\n"
        f"  signal: {{label: 1, files: ['{folder}/[ab].root']}}\n  ttbar: {{files: ['{folder}/top.root']}}\n"
    )
    found = load_import("delphes", tmp_path / "import.yaml")
    assert expanded([Path(name) for name in found.processes["signal"].files]) == [files["a"], files["b"]]
    exact = both(files)
    assert found.model_copy(update={"processes": exact.processes}) == exact
    none = load_import("delphes", files=[f"{folder}/none*.root"], process={"name": "signal"}, name="x")
    with pytest.raises(InputError, match="matches no file"):
        import_sample(none, tmp_path / "y")


def test_a_file_whose_name_holds_brackets(tmp_path):
    path = tmp_path / "run[1].root"
    path.touch()
    (tmp_path / "run1.root").touch()
    assert expanded([path]) == [path]


def test_files_without_a_process(files, tmp_path):
    with pytest.raises(ConfigError, match="--process NAME"):
        import_sample(load_import("delphes", files=[str(files["a"])], name="x"), tmp_path)


def test_every_format_has_a_reader():
    assert set(FORMATS) == set(Format.__args__)


@pytest.fixture
def mscat(monkeypatch, capfd):
    """Run a command in this process; gives exit status and complaint."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["mscat", *map(str, arguments)])
        monkeypatch.setattr(command_line.signal, "signal", lambda *_: None)
        with pytest.raises(SystemExit) as end:
            command_line.main()
        return end.value.code, capfd.readouterr().err

    return run


def test_command_line(mscat, files, tmp_path):
    cuts = [f"selection.{name}={value}" for name, value in LOOSE["selection"].items()]
    options = [part for cut in cuts for part in ("--set", cut)]
    folder = tmp_path / "x"
    short = ("import", "delphes", files["a"], "--out", folder, "--workers", 1, *options)
    status, complaint = mscat(*short)
    assert (status, complaint.count("\n")) == (2, 1)
    assert "--process NAME" in complaint
    assert mscat(*short, "--process", "signal", "--label", 1)[0] == 0
    top = (
        "import",
        "delphes",
        files["top"],
        "--out",
        folder,
        "--process",
        "ttbar",
        "--cross-section",
        5,
        "--workers",
        1,
    )
    assert mscat(*top, *options)[0] == 0
    with Sample(folder) as read:
        assert (len(read), read.header.labels) == (10, (1, 0))
        assert read.normalisation["ttbar"].cross_section_fb == 5.0
    broken = tmp_path / "broken.root"
    broken.write_bytes(files["b"].read_bytes()[:-100])
    status, complaint = mscat(*top[:2], broken, *top[3:], *options)
    assert (status, complaint.count("\n")) == (2, 1)
    assert "truncated" in complaint
    assert mscat("import", "delphes", tmp_path / "none.yaml")[0] == 2


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"selection": {"x_hh_max": 1.6}, "fat_jets": {"number": 1}}, "x_hh_max is a cut on two fat jets"),
        ({"selection": {"subleading_pt_min": 150.0}}, "jets would be lost before the cut"),
    ],
)
def test_cuts_that_cannot_do_what_they_say(settings, words):
    """As for simulated samples; such a cut was left out without a word."""
    with pytest.raises(ValueError, match=words):
        ImportSettings(name="x", format="delphes", **settings)
