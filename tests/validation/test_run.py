"""The whole command: page, numbers and figures, for one sample, for two, and for a broken one."""

import json
import re
import sys

import pytest

from mscat_tf.cli import main as command_line
from mscat_tf.errors import InputError
from mscat_tf.validation import run
from tests.validation.sound import broken, write_sound_sample

FEW = ("di_jet_mass", "fat_jet_mass")  # of a pair, of a single jet


@pytest.fixture
def few_figures(monkeypatch):
    """One distribution: drawing all of them takes half a minute."""
    every = run.quantities_of
    monkeypatch.setattr(run, "quantities_of", lambda sample: [q for q in every(sample) if q.name in FEW])


def check_page(folder):
    """Every figure that the page shows is there, and every figure that is there is shown."""
    page, numbers = (folder / run.PAGE).read_text(), json.loads((folder / run.NUMBERS).read_text())
    shown = re.findall(r"!\[.*?\]\((.*?)\)", page)
    assert shown == numbers["figures"]
    assert {folder / path for path in shown} == set((folder / "figures").glob("*.png"))
    assert all((folder / path).with_suffix(".pdf").is_file() for path in shown)
    assert not list(folder.rglob(".part-*"))
    return page, numbers


def test_page_of_one_sample(tmp_path, few_figures):
    seen = []
    report = run.validate(write_sound_sample(tmp_path / "s"), tmp_path / "out", progress=seen.append)
    page, numbers = check_page(tmp_path / "out")
    assert numbers == json.loads(json.dumps(report))
    assert seen == [60, 120]
    for words in ("All checks passed", "## Cut flow", "double b tag", "## Provenance", "mass_min: 0.1"):
        assert words in page
    entries = numbers["distributions"]["di_jet_mass"]["processes"]
    assert sum(entry["entries"] for entry in entries.values()) == 120
    assert numbers["comparisons"] == []
    assert "## Comparison" not in page


def test_single_jets_against_a_reference_without_optional_data_sets(tmp_path, few_figures):
    sample = write_sound_sample(tmp_path / "s", events=200, jets=1)
    same = write_sound_sample(tmp_path / "r", events=200, jets=1, seed=1, optional=False)
    report = run.validate(sample, tmp_path / "out", same)
    page, _ = check_page(tmp_path / "out")
    assert len(report["comparisons"]) == 3
    assert report["comparisons"][0]["p"] > 1e-3
    assert [c["p"] for c in report["comparisons"]] == sorted(c["p"] for c in report["comparisons"])
    assert "## Comparison with the reference" in page
    assert report["reference"]["shared_events"] == 0


def test_other_momenta_and_shared_events_are_seen(tmp_path, few_figures, monkeypatch):
    monkeypatch.setattr(run, "draw", lambda *_: [])
    sample = write_sound_sample(tmp_path / "s", events=300)
    harder = write_sound_sample(tmp_path / "r", events=300, seed=1, shift=0.6)
    assert run.validate(sample, tmp_path / "out", harder)["comparisons"][0]["p"] < 1e-6
    again = run.validate(sample, tmp_path / "out", sample)
    assert again["reference"]["shared_events"] == 600
    assert "not independent, and the p-values too large" in (tmp_path / "out" / run.PAGE).read_text()


def test_samples_that_cannot_be_compared(tmp_path):
    single, pair = write_sound_sample(tmp_path / "1", jets=1), write_sound_sample(tmp_path / "2")
    with pytest.raises(InputError, match=r"has 2 jets an event, but .* has 1"):
        run.validate(single, tmp_path / "out", pair)
    with pytest.raises(InputError, match="holds no event"):
        run.validate(write_sound_sample(tmp_path / "0", events=0), tmp_path / "out")


def test_command_says_what_failed_and_ends_with_two(tmp_path, few_figures, monkeypatch, capfd):
    monkeypatch.setattr(run, "draw", lambda *_: [])
    monkeypatch.setattr(command_line.signal, "signal", lambda *_: None)
    monkeypatch.chdir(tmp_path)

    def command(*arguments):
        monkeypatch.setattr(sys, "argv", ["mscat", "validate", *arguments])
        with pytest.raises(SystemExit) as end:
            command_line.main()
        return end.value.code, capfd.readouterr()

    write_sound_sample(tmp_path / "s")
    status, said = command("s")
    assert status == 0
    assert "passed  jet frame" in said.out
    assert (tmp_path / "validation" / "s" / run.PAGE).is_file()

    def spoil(file):
        file["weights"][3, 1] = 2.0

    broken(tmp_path / "s", spoil)
    status, said = command("s", "--out", "elsewhere")
    assert status == 2
    assert "failed  tag weights: the tag weight lies outside [0, 1]: 1 event(s), first in sound-0000.h5" in said.out
    assert "2 of 18 checks failed (tag weights, cut flow); elsewhere/validation.md says where" in said.err
