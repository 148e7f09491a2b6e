"""Bad input on the command line: one sentence on standard error, exit status 2, no traceback, nothing lost."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import h5py
import numpy as np
import pytest

from mscat_tf.data.mock import write_mock_sample
from mscat_tf.errors import InputError


def check_sentence(result, *words):
    status, _, complaint = result
    assert status == 2
    assert "Traceback" not in complaint
    sentence = [line for line in complaint.splitlines() if line.startswith("mscat: ")]
    assert len(sentence) == 1
    for word in words:
        assert word in sentence[0]


def test_unknown_key(mscat):
    check_sentence(mscat("generate", "demo", "--set", "sample.evnts=3"), "unknown key 'evnts'", "did you mean 'events'")


def test_impossible_cut(mscat):
    check_sentence(
        mscat("generate", "demo", "--set", "sample.selection.mass_min=300"), "no jet can pass", "lower mass_min"
    )


def test_cut_that_no_event_passes(mscat, tmp_path):
    overrides = ["--set", "sample.selection.leading_pt_min=6000", "--set", "sample.max_generated_per_selected=10"]
    check_sentence(mscat("generate", "smoke", "--workers", "1", *overrides), "leading pT", "4b")
    assert not list(tmp_path.glob("data/smoke/*.h5"))


def test_setting_that_pythia_does_not_know(mscat):
    overrides = ["--set", "sample.processes.ttbar.pythia=['Topp:gg2ttbar = on']"]
    check_sentence(mscat("generate", "smoke", "--workers", "1", *overrides), "Topp:gg2ttbar", "ttbar")


@pytest.mark.parametrize("command", ["inspect", "evaluate", "explain"])
def test_missing_file(mscat, command):
    check_sentence(mscat(command, "nowhere"), "nowhere")


def test_training_without_a_sample(mscat):
    check_sentence(mscat("train", "smoke"), "data/smoke: no such file or folder", "mscat generate")


def test_truncated_file(mscat, tmp_path):
    file = next(write_mock_sample(tmp_path / "s", events=30, shards=1).glob("*.h5"))
    file.write_bytes(file.read_bytes()[:-1000])
    check_sentence(mscat("inspect", file), "mock-0000.h5: truncated", "delete it")
    check_sentence(mscat("train", "smoke", "--set", f"data.path={file}"), "mock-0000.h5: truncated")


def test_other_schema_version(mscat, tmp_path):
    file = next(write_mock_sample(tmp_path / "s", events=30, shards=1).glob("*.h5"))
    with h5py.File(file, "a") as opened:
        opened.attrs["schema_version"] = 7
    check_sentence(mscat("inspect", file), "schema version 7", "reads version 1")


def test_nan_in_an_input_column(mscat, tmp_path):
    file = next(write_mock_sample(tmp_path / "s", events=120, shards=1).glob("*.h5"))
    with h5py.File(file, "a") as opened:
        opened["constituents"][5, 1, 0, 2] = float("nan")
    check_sentence(mscat("inspect", file), "'constituents' column 'pt' is nan in event 5")
    check_sentence(mscat("train", "smoke", "--set", f"data.path={file}"), "column 'pt' is nan in event 5")


def test_output_folder_that_cannot_be_made(mscat, tmp_path):
    (tmp_path / "data").write_text("a file stands where the folder should be")
    check_sentence(mscat("generate", "smoke", "--workers", "1"), "data/smoke", "cannot be made")


ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
NOT_WRITABLE = """
import os, sys
from mscat_tf.cli import main, stages  # before the rights are dropped: others may not read this checkout
from data_prep import run
smoke = stages.resolve("smoke", ["sample.processes.4b={kind: collinear_4b}"])  # no event file to be read later
stages.resolve = lambda *_: smoke
os.chdir(sys.argv[1])
if os.geteuid() == 0:  # root may write anywhere
    os.setgid(65534), os.setuid(65534)
sys.argv = ["mscat", "generate", "smoke", "--workers", "1"]
main.main()
"""


def test_output_folder_not_writable():
    with tempfile.TemporaryDirectory() as folder:  # outside pytest's own folder, which only its owner may enter
        os.chmod(folder, 0o555)
        unmeasured = {name: value for name, value in ENVIRONMENT.items() if not name.startswith("COVERAGE")}
        result = subprocess.run(
            [sys.executable, "-c", NOT_WRITABLE, folder], capture_output=True, text=True, check=False, env=unmeasured
        )  # nobody, who runs it, may not write the file of `make coverage` either
    check_sentence((result.returncode, result.stdout, result.stderr), "data/smoke", "cannot be made", "choose another")


def test_usage_errors_exit_with_two(mscat):
    for arguments in (["train"], ["generate", "demo", "--workers", "many"], ["nonsense"]):
        status, _, complaint = mscat(*arguments)
        assert status == 2
        assert "Traceback" not in complaint


def test_faults_of_ours_exit_with_one_and_keep_the_traceback(mscat, monkeypatch):
    from mscat_tf.cli import stages

    def broken(*_):
        raise KeyError("oh")

    monkeypatch.setattr(stages, "resolve", broken)
    status, _, complaint = mscat("generate", "demo")
    assert status == 1
    log = complaint.strip().rpartition(" ")[2]
    with open(log) as file:
        assert "KeyError: 'oh'" in file.read()
    os.unlink(log)


def test_interruption_exits_with_130(mscat, monkeypatch):
    from mscat_tf.cli import stages

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(stages, "resolve", interrupted)
    status, _, complaint = mscat("generate", "demo")
    assert (status, complaint) == (130, "mscat: interrupted; the same command resumes\n")


def test_dry_run_prints_a_configuration_that_loads_again(mscat, tmp_path):
    from mscat_tf.config import load_config

    status, output, _ = mscat("train", "demo", "--set", "train.epochs=3", "--logical-devices", "2", "--dry-run")
    assert status == 0
    (tmp_path / "c.yaml").write_text(output)
    config = load_config(tmp_path / "c.yaml")
    assert (config.train.epochs, config.train.logical_devices) == (3, 2)
    assert not (tmp_path / "runs").exists()


def test_short_options_name_sample_and_runs(mscat, tmp_path):
    from mscat_tf.config import load_config

    _, output, _ = mscat("train-mirror", "demo", "--events", "100", "--epochs", "2", "--seed", "5", "--dry-run")
    (tmp_path / "c.yaml").write_text(output)
    config = load_config(tmp_path / "c.yaml")
    assert config.name == "demo-events100-seed5-epochs2"
    assert config.sample.name == "demo-events100-seed5"
    assert (config.seed, config.sample.seed, config.sample.events) == (5, 5, 100)


def test_a_name_that_yaml_would_take_for_a_number_stays_a_name(mscat, tmp_path):
    from mscat_tf.config import load_config

    for name in ("123", "1e5", "null"):
        status, output, complaint = mscat("train", "demo", "--name", name, "--dry-run")
        assert status == 0, complaint
        (tmp_path / "c.yaml").write_text(output)
        assert load_config(tmp_path / "c.yaml").name == name
        assert mscat("figures", "c.yaml", "--epochs", "3", "--dry-run")[0] == 0


def test_help_needs_no_tensorflow():
    script = (
        "import sys; from mscat_tf.cli import main\n"
        "print(sorted({'tensorflow', 'keras', 'matplotlib', 'numpy'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_inspect_shows_a_sample(mscat, mock_folder, tmp_path):
    status, output, _ = mscat("inspect", mock_folder, "--figures", tmp_path / "figures")
    assert status == 0
    for word in ("processes", "cut flow", "ranges", "4b", "300 events in 3 file(s)"):
        assert word in output
    assert len(list((tmp_path / "figures").glob("*.png"))) == 6


def test_brackets_in_units_paths_and_values_are_printed(mscat, tmp_path):
    write_mock_sample(tmp_path / "[old]", events=20, shards=1)
    status, output, complaint = mscat("inspect", "[old]")
    assert status == 0, complaint
    assert output.startswith("[old]: schema version")
    assert "[fb]" in output


@pytest.mark.parametrize(
    ("data_set", "place", "where"),
    [
        ("lund/declusterings", (5, 0, 0, 1), "'lund/declusterings' column 'ln_kt' is nan in event 5"),
        ("known_logit", 7, "'known_logit' is nan in event 7"),
        ("raw/constituents", (0, 2), "'raw/constituents' column 'phi' is nan in event 0"),
    ],
)
def test_inspection_finds_nan_in_every_data_set(mscat, tmp_path, data_set, place, where):
    write_mock_sample(tmp_path / "s", events=20, shards=1, declusterings=3)
    assert mscat("inspect", "s")[0] == 0
    with h5py.File(tmp_path / "s/mock-0000.h5", "r+") as file:
        file[data_set][place] = np.nan
    check_sentence(mscat("inspect", "s"), where)


def test_settings_without_a_say_are_refused(mscat, mock_folder):
    check_sentence(mscat("inspect", mock_folder, "--set", "train.epochs=3"), "only keys of the section 'data'")


def test_dry_inspection_prints_what_made_the_sample(mscat, mock_folder):
    status, output, _ = mscat("inspect", mock_folder, "--dry-run")
    assert (status, output.splitlines()) == (0, ["constituents: 8", "mock: true", ""])
    check_sentence(mscat("inspect", mock_folder, "--set", "data.nonsense=1"), "unknown key 'nonsense'")


def test_messages_reach_the_user_whole(mscat, monkeypatch):
    from mscat_tf.cli import stages

    def wrong(*_):
        raise InputError("x.h5: [red] brackets and 100 % stay as they are")

    monkeypatch.setattr(stages, "resolve", wrong)
    assert mscat("generate", "demo")[2] == "mscat: x.h5: [red] brackets and 100 % stay as they are\n"
