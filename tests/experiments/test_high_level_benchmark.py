"""The benchmark of high-level variables: that it runs, and that what it compares is the same."""

import json

import pytest

from experiments.benchmarks import high_level


def test_every_function_finds_what_its_loop_finds(tmp_path, capsys):
    out = tmp_path / "high_level.json"
    high_level.main(["--only", "loops", "--rounds", "1", "--jets", "3", "--out", str(out)])
    report = json.loads(out.read_text())["loops"]
    assert all(found["jets_per_cpu_second"] > 0 for name, found in report.items() if name != "figures")
    assert len(report["figures"]) == 5
    assert "S2, all constituents: times faster than a loop" in capsys.readouterr().out


@pytest.mark.parametrize(("value", "target", "word"), [(20.0, 20.0, "ok"), (19.9, 20.0, "MISSED")])
def test_verdicts(value, target, word):
    assert high_level.verdict(value, target) == word
    assert high_level.verdict(-value, -target) == "ok"


def test_memory_has_a_limit_from_above():
    assert [high_level.verdict(growth, -1.1) for growth in (1.0, 1.2)] == ["ok", "MISSED"]
